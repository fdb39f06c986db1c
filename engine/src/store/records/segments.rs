//! What a call was made of, piece by piece.

use hooks::fact::WhyAgent;
use hooks::id::{CallId, LegId, TenantId};
use serde::{Deserialize, Serialize};

use super::DerivedTable;
use crate::store::StoreError;
use crate::store::scope::{Owner, Sight};
use crate::store::setting::{Page, PageAsk};
use crate::store::sql::{Arg, Row, args, json, word};
use crate::store::{Store, records::Condition};

/// A piece of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it was.
    pub kind: SegmentKind,
    /// When it began, ms since the Unix epoch.
    pub started_at_ms: u64,
    /// When it ended; `None` while it lasts.
    pub ended_at_ms: Option<u64>,
    /// The employee number of the agent that it is about.
    pub agent: Option<String>,
    /// The queue that it is about.
    pub queue: Option<String>,
    /// The leg that it is about.
    pub leg: Option<LegId>,
    /// The number dialled, or that answered.
    pub number: Option<String>,
    /// How it ended, in the word of the fact that ended it.
    pub outcome: Option<String>,
    /// Who did it, where that is another than the one it is about.
    pub done_by: Option<String>,
    /// Why this agent, of an offer by a queue.
    pub why: Option<WhyAgent>,
}

/// What a piece of a call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// A stay in a queue.
    Queue,
    /// It was offered to an agent.
    Offer,
    /// An agent talked in it.
    Agent,
    /// An agent dialled, and nobody had answered.
    Dial,
    /// A party was held.
    Hold,
    /// Somebody was asked.
    Consult,
    /// Three talked.
    Conference,
    /// A party was handed on.
    Transfer,
    /// A party was parked; `number` is the place.
    Park,
    /// A supervisor was in it, took it over or ended it.
    Supervision,
    /// A number outside answered that the queue's overflow had rung.
    Overflow,
}

impl Segment {
    /// One that begins.
    #[must_use]
    pub fn of(kind: SegmentKind, started_at_ms: u64) -> Self {
        Self {
            kind,
            started_at_ms,
            ended_at_ms: None,
            agent: None,
            queue: None,
            leg: None,
            number: None,
            outcome: None,
            done_by: None,
            why: None,
        }
    }
}

/// An offer that its agent did not take (MISS-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedOffer {
    /// The call.
    pub call: CallId,
    /// Its place among the pieces of the call.
    pub at: u64,
    /// The caller's number; empty when withheld.
    pub caller: String,
    /// The number dialled.
    pub callee: String,
    /// What was offered, to whom, and how it ended.
    pub offer: Segment,
}

/// Which missed offers a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissedFilter {
    /// Rang from this time on, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Rang before this time.
    pub to_ms: Option<u64>,
    /// To this agent.
    pub agent: Option<String>,
    /// By this queue.
    pub queue: Option<String>,
    /// From exactly this number.
    pub caller: Option<String>,
    /// Ended so.
    pub outcome: Option<String>,
}

impl Store {
    /// A page of the offers that were not taken (MISS-02), newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn missed_offers(
        &self,
        sight: Sight<'_>,
        filter: &MissedFilter,
        ask: &PageAsk,
    ) -> Result<Page<MissedOffer>, StoreError> {
        let mut condition =
            Condition::of(sight, "s.tenant", Owner::Then { employee: "s.agent", at_ms: "s.started_at_ms" });
        condition.and("s.kind = ?", word(&SegmentKind::Offer));
        condition.plain("s.outcome IS NOT NULL AND s.outcome NOT IN ('answered', 'taken')");
        if let Some((call, at)) = ask.after.as_deref().and_then(|key| key.split_once('.')) {
            let call = condition.bind(call);
            let at = condition.bind(at.parse::<u64>().unwrap_or_default());
            condition.plain(&format!("(s.call < {call} OR (s.call = {call} AND s.at < {at}))"));
        }
        for (words, value) in [
            ("s.agent = ?", &filter.agent),
            ("s.queue = ?", &filter.queue),
            ("r.caller = ?", &filter.caller),
            ("s.outcome = ?", &filter.outcome),
        ] {
            if let Some(value) = value {
                condition.and(words, value.as_str());
            }
        }
        if let Some(from_ms) = filter.from_ms {
            condition.and("s.started_at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            condition.and("s.started_at_ms < ?", to_ms);
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!(
            "SELECT s.*, r.caller AS caller, r.callee AS callee FROM call_segments s \
             JOIN call_records r ON r.tenant = s.tenant AND r.call = s.call \
             WHERE {condition} ORDER BY s.call DESC, s.at DESC LIMIT {limit}"
        );
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(missed).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |missed| format!("{}.{}", missed.call, missed.at)))
    }
}

fn missed(row: &Row) -> Result<MissedOffer, StoreError> {
    Ok(MissedOffer {
        call: row.parsed("call")?,
        at: row.unsigned("at")?,
        caller: row.text("caller")?,
        callee: row.text("callee")?,
        offer: segment(row)?,
    })
}

pub(super) const SEGMENTS: DerivedTable = DerivedTable {
    name: "call_segments",
    key: &["tenant", "call", "at"],
    rest: &["kind", "started_at_ms", "ended_at_ms", "agent", "queue", "leg", "number", "outcome", "done_by", "why"],
};

pub(super) fn segment_args(tenant: &TenantId, call: CallId, at: usize, segment: &Segment) -> Vec<Arg> {
    args![
        tenant.as_str(),
        call.to_string(),
        u64::try_from(at).unwrap_or(u64::MAX),
        word(&segment.kind),
        segment.started_at_ms,
        segment.ended_at_ms,
        segment.agent.clone(),
        segment.queue.clone(),
        segment.leg.map(|leg| leg.to_string()),
        segment.number.clone(),
        segment.outcome.clone(),
        segment.done_by.clone(),
        segment.why.as_ref().map(json),
    ]
}

pub(super) fn segment(row: &Row) -> Result<Segment, StoreError> {
    Ok(Segment {
        kind: row.word("kind")?,
        started_at_ms: row.unsigned("started_at_ms")?,
        ended_at_ms: row.opt_unsigned("ended_at_ms")?,
        agent: row.opt_text("agent")?,
        queue: row.opt_text("queue")?,
        leg: row.opt_parsed("leg")?,
        number: row.opt_text("number")?,
        outcome: row.opt_text("outcome")?,
        done_by: row.opt_text("done_by")?,
        why: row.opt_json("why")?,
    })
}
