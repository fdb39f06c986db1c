//! Facts of queues (技能组): who waits, whom he is offered, and how he leaves.

use serde::{Deserialize, Serialize};

use crate::id::CallId;

/// A caller began to wait in a queue (QUEUE-02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallQueued {
    /// The call.
    pub call: CallId,
    /// The queue's name.
    pub queue: String,
    /// Higher goes first, 0 to 255.
    pub priority: u8,
    /// How long he had waited before, in other queues, ms.
    pub waited_ms: u64,
}

/// How a caller leaves a queue, in exactly one way (QUEUE-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueExit {
    /// An agent answered.
    Answered,
    /// He hung up.
    Abandoned,
    /// He waited as long as one may.
    MaxWait,
    /// The queue is full: he never stood in it.
    Full,
    /// No agent is signed in, or the last one signed out.
    NobodySignedIn,
    /// He was led elsewhere: by a key, a supervisor, a pickup.
    Led,
    /// He is called back, and keeps his place.
    Callback,
    /// The queue was taken away, or the process was stopped.
    Closed,
}

/// A caller left a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLeftQueue {
    /// The call.
    pub call: CallId,
    /// The queue's name.
    pub queue: String,
    /// How.
    pub exit: QueueExit,
    /// How long he waited there, ringing included, ms.
    pub waited_ms: u64,
    /// The employee number of who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// It was answered within the queue's target (service level).
    #[serde(default)]
    pub within_target: bool,
}

/// A call is offered to an agent: he is rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOffered {
    /// The call.
    pub call: CallId,
    /// The employee number.
    pub agent: String,
    /// The queue that offers it; `None` where somebody called the agent himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Why this agent, where a queue chose him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyAgent>,
}

/// Why a queue chose an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyAgent {
    /// The rule that chose.
    pub rule: ChoiceRule,
    /// The last level that was asked, 1 to 9.
    pub level: u8,
    /// How long the caller had waited, ms.
    pub waited_ms: u64,
    /// How many idle agents there were to choose from.
    pub idle: u32,
    /// The first of them in the order of the rule, the chosen one among them; five at most.
    pub candidates: Vec<WhyCandidate>,
}

/// The rule by which an agent is chosen (QUEUE-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceRule {
    /// Who has been idle longest.
    LongestIdle,
    /// One after the other.
    RoundRobin,
    /// Who has answered least today.
    FewestToday,
    /// By the order that is set.
    FixedOrder,
    /// Who has the best level.
    LevelFirst,
    /// All at once.
    RingAll,
    /// The agent became idle: he got the first in line.
    FirstInLine,
    /// The caller's own agent (IVR-05).
    OwnAgent,
}

/// One who could have been rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyCandidate {
    /// The employee number.
    pub agent: String,
    /// At which level, 1 to 9.
    pub level: u8,
    /// Idle for so long, ms.
    pub idle_ms: u64,
    /// So many calls answered today.
    pub answered_today: u32,
    /// Not rung, because he rejected this caller a moment ago.
    pub rejected: bool,
}

/// How an offer ended, in exactly one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferOutcome {
    /// The agent answered.
    Answered,
    /// The caller hung up, or was led elsewhere.
    CallerHungUp,
    /// He did not answer in time.
    TimedOut,
    /// He, or his phone, rejected it (AGT-19).
    Rejected,
    /// His phone could not be rung.
    Failed,
    /// Another of those who were rung at once took it.
    Taken,
}

/// An offer ended. Any but [`OfferOutcome::Answered`] and [`OfferOutcome::Taken`] is a missed call of that agent (QUEUE-07).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOfferEnded {
    /// The call.
    pub call: CallId,
    /// The employee number.
    pub agent: String,
    /// The queue that offered it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// How.
    pub outcome: OfferOutcome,
    /// How long he was rung, ms.
    pub ring_ms: u64,
}

/// A number outside answered a call that no agent took (QUEUE-06, LOSTANS-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowAnswered {
    /// The call.
    pub call: CallId,
    /// The queue that it came from.
    pub queue: String,
    /// The number that answered.
    pub number: String,
}
