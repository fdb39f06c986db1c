//! Who waits in a queue, whom the queue has rung for him, and why those: for the boards and for the record of a call.

use hooks::fact::{ChoiceRule, WhyAgent, WhyCandidate};
use serde::Serialize;
use switch::view::{OfferView, QueueView};
use utoipa::ToSchema;

use super::sight::People;
use super::time_text::Instant;
use crate::live::Live;

/// Somebody who waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingCaller {
    /// In which queue.
    pub queue: String,
    /// Whose turn it is: the first in line has 1.
    pub place: u64,
    /// His call.
    pub call: String,
    /// His number; empty when withheld.
    #[schema(extensions(("x-field" = json!("calls.caller"))))]
    pub number: String,
    /// Since when.
    pub since: Instant,
    /// The agents who are rung for him just now.
    pub offers: Vec<OfferShown>,
}

/// An agent who is rung.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferShown {
    /// The employee number.
    pub agent: String,
    /// Since when.
    pub since: Instant,
    /// Why he.
    pub why: WhyShown,
}

/// Why a queue chose an agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WhyShown {
    /// The rule that chose.
    #[schema(value_type = RuleName)]
    pub rule: ChoiceRule,
    /// The last level that was asked, 1 to 9.
    pub level: u8,
    /// How long the caller had waited.
    pub waited_ms: u64,
    /// How many idle agents there were to choose from.
    pub idle: u32,
    /// The first of them in the order of the rule, the chosen one among them; five at most.
    pub candidates: Vec<CandidateShown>,
}

/// One who could have been rung.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CandidateShown {
    /// The employee number.
    pub agent: String,
    /// At which level, 1 to 9.
    pub level: u8,
    /// Idle for so long.
    pub idle_ms: u64,
    /// So many calls answered today.
    pub answered_today: u32,
    /// Not rung, because he rejected this caller a moment ago.
    pub rejected: bool,
}

/// The rules by which an agent is chosen (QUEUE-03).
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
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
    /// The caller's own agent.
    OwnAgent,
}

impl From<WhyAgent> for WhyShown {
    fn from(why: WhyAgent) -> Self {
        let candidate = |WhyCandidate { agent, level, idle_ms, answered_today, rejected }| CandidateShown {
            agent,
            level,
            idle_ms,
            answered_today,
            rejected,
        };
        Self {
            rule: why.rule,
            level: why.level,
            waited_ms: why.waited_ms,
            idle: why.idle,
            candidates: why.candidates.into_iter().map(candidate).collect(),
        }
    }
}

/// The first of those who wait in a queue, in their order. Offers to agents whose data is not seen are left out.
pub(super) fn callers(live: &Live, view: &QueueView, people: &People) -> Vec<WaitingCaller> {
    let offer = |offer: &OfferView| OfferShown {
        agent: offer.agent.clone(),
        since: Instant(offer.since_ms),
        why: offer.why.clone().into(),
    };
    let places = view.first.iter().zip(1..);
    let caller = places.map(|(waits, place)| {
        let call = live.call(&view.tenant, waits.call);
        let call = call.as_deref();
        let offers = call.map(|call| call.offers.iter().filter(|offer| people.has(&offer.agent)).map(offer).collect());
        WaitingCaller {
            queue: view.queue.clone(),
            place,
            call: waits.call.to_string(),
            number: call.map(|call| call.caller.clone()).unwrap_or_default(),
            since: Instant(waits.since_ms),
            offers: offers.unwrap_or_default(),
        }
    });
    caller.collect()
}
