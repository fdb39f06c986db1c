//! Agents and queues, as they are set.

use std::collections::BTreeMap;
use std::time::Duration;

use dialplan::flow::name::{FlowName, QueueName, SurveyName};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use dialplan::say::PromptName;

use crate::agent::AgentRules;
use crate::queue::{Member, QueueSettings};

/// An agent (坐席): an employee who takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The employee number.
    pub number: AgentNumber,
    /// For people.
    pub name: String,
    /// The extension that he signs in on where he names none (PHONE-01).
    pub extension: Option<ExtensionNumber>,
    /// His mobile (PHONE-07).
    pub mobile: Option<Dialled>,
    /// A mobile that answers for him takes a call only after a key (PHONE-13).
    pub mobile_confirm_key: bool,
    /// The phone in his browser answers by itself what rings at it, while he is signed in with it (CALL-11).
    pub auto_answer: bool,
    /// How his phones show him numbers from outside (GEN-07).
    pub numbers: NumberSight,
    /// How he is treated.
    pub rules: AgentRules,
}

/// How numbers from outside are shown to somebody (GEN-07, ORG-32).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberSight {
    /// Whole.
    #[default]
    Whole,
    /// The first 3 and the last 4 characters.
    Masked,
    /// Not at all.
    Hidden,
}

/// A queue (技能组).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// Whom it rings and when it gives up (QUEUE-05).
    pub settings: QueueSettings,
    /// Its agents.
    pub members: BTreeMap<AgentNumber, Member>,
    /// A caller's own agent is rung first.
    pub own_agent: OwnAgent,
    /// Who presses it while he waits is called back instead, and keeps his place; where a flow led to the queue, its keys are the flow's.
    pub callback_key: Option<char>,
    /// Said to the agent alone before he is connected: the queue's name, spoken.
    pub agent_announcement: Option<PromptName>,
    /// How long wrap-up lasts after one of its calls; `None` = as long as the agent likes (AGT-09).
    pub wrap_up_max: Option<Duration>,
    /// Its answered calls are recorded (REC-04).
    pub record: bool,
    /// Shown outside for its agents whose extension has no number of its own (CALL-08).
    pub caller_number: Option<String>,
    /// Said to who comes in before he stands in line, to its end: that the call is recorded (REC-08).
    pub recording_announcement: Option<PromptName>,
    /// Said to who comes in, before the music.
    pub welcome: Option<PromptName>,
    /// Heard by who waits, again and again, in the place of the stock music.
    pub music: Option<PromptName>,
    /// What its callers are asked after the talk (SURVEY-01); evaluation is off without (CALL-25).
    pub survey: Option<SurveyName>,
    /// They are also asked when the agent hangs up first.
    pub survey_after_hang_up: bool,
    /// Said to who may leave a message for it, before he is asked to.
    pub voicemail_greeting: Option<PromptName>,
    /// Where a caller goes whom no agent takes, one after another (QUEUE-06); then he is told so, and the call ends.
    pub overflow: Vec<Overflow>,
}

/// A caller's own agent (IVR-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAgent {
    /// How long he alone is rung, if he is idle.
    pub ring_for: Duration,
    /// Who that is.
    pub who: OwnAgentRule,
}

/// Which agent is a caller's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnAgentRule {
    /// None.
    #[default]
    Nobody,
    /// The one whose customer he is.
    Owner,
    /// That one, else the member of the queue who talked with him last, if that was no longer ago.
    OwnerOrLast {
        /// How long.
        within: Duration,
    },
}

impl Default for OwnAgent {
    fn default() -> Self {
        Self { ring_for: Duration::from_secs(20), who: OwnAgentRule::Nobody }
    }
}

/// Where a caller goes whom no agent takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// To another queue, where his waiting time counts on.
    Queue(QueueName),
    /// To a number outside, which is rung for [`OVERFLOW_RING`].
    Number(Dialled),
    /// Into a flow.
    Flow(FlowName),
    /// He may leave a message for the queue, and the call ends.
    Voicemail,
    /// This is said, and the call ends.
    Say(PromptName),
}

/// How long a mobile is rung for a caller whom no agent takes (QUEUE-06).
pub const OVERFLOW_RING: Duration = Duration::from_secs(20);
/// Steps of an overflow.
pub const OVERFLOW_MAX: usize = 16;
