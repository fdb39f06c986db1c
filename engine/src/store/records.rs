//! Call records: one document a call, its legs and recordings as rows of their own. Written by the consumer of the journal
//! only; nobody edits or deletes them (CDR-10).

mod rows;
mod segments;

use hooks::fact::{
    CallSource, Direction, EndCause, EndedBy, FlowStep, MediaQuality, PeerKind, SurveyAnswer, SurveyCompleted,
    SurveyInvited, SurveyStart, SurveySubject,
};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use hooks::position::Position;
use serde::{Deserialize, Serialize};

pub use segments::{MissedFilter, MissedOffer, Segment, SegmentKind};

use super::agent_states::{self, AgentStay};
use super::audit::{self, Entry};
use super::recordings::{self, Recording};
use super::registrations::{self, RegistrationChange};
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk};
use super::sql::{Arg, Conn, args, places, word};
use super::voicemails::{self, Voicemail};
use super::{Store, StoreError, cursors};

/// A call as it was, or as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Which.
    pub call: CallId,
    /// Which way it went (CDR-02).
    pub direction: Direction,
    /// What made it (CDR-01).
    pub source: CallSource,
    /// The caller's number; empty when withheld.
    pub caller: String,
    /// The caller's display name.
    pub caller_name: String,
    /// The number dialled, or the DID.
    pub callee: String,
    /// The trunk it came in by, or went out by.
    pub trunk: Option<String>,
    /// An emergency call (GEN-18).
    pub emergency: bool,
    /// The extension that called.
    pub caller_extension: Option<String>,
    /// The extension that answered; where none did, the one that rang last.
    pub callee_extension: Option<String>,
    /// When it began, ms since the Unix epoch.
    pub created_at_ms: u64,
    /// When a called phone rang first.
    pub ringing_at_ms: Option<u64>,
    /// When two parties talked first.
    pub answered_at_ms: Option<u64>,
    /// When the process was not there, though the call went on afterwards; in order.
    pub interruptions: Vec<Interruption>,
    /// The first queue that it was in.
    pub queue: Option<String>,
    /// How long it waited in queues, ringing included, ms; `None` until it has left one (QUEUE-02).
    pub queue_wait_ms: Option<u64>,
    /// When a person answered first, be it that a menu had before.
    pub connected_at_ms: Option<u64>,
    /// The first agent who talked in it.
    pub agent: Option<String>,
    /// The number outside that answered in place of an agent (LOSTANS-01).
    pub overflow_number: Option<String>,
    /// It came in for agents, and no person answered (LOST-01); told when it is over.
    pub lost: bool,
    /// What its customer was asked last, and answered; `None` where he was asked nothing.
    pub survey: Option<SurveyResult>,
    /// How it ended; `None` while it runs.
    pub end: Option<CallEnd>,
}

/// What came of a survey (SURVEY-05).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyResult {
    /// Of what and whom.
    pub subject: SurveySubject,
    /// What began it.
    pub start: SurveyStart,
    /// The answer; `None`: not rated.
    pub answer: Option<SurveyAnswer>,
    /// The answer to the second question.
    pub second: Option<SurveyAnswer>,
    /// The recording of what he said.
    #[serde(default)]
    pub comment: Option<RecordingId>,
}

impl SurveyResult {
    /// Nothing is answered yet.
    pub(crate) fn of(invited: &SurveyInvited) -> Self {
        let SurveyInvited { subject, start } = invited.clone();
        Self { subject, start, answer: None, second: None, comment: None }
    }

    /// What came of it.
    pub(crate) fn take(&mut self, completed: &SurveyCompleted) {
        (self.answer, self.second) = (completed.answer.clone(), completed.second.clone());
        self.comment = completed.comment;
    }

    /// As lists are filtered: the label of the answer, or [`NOT_RATED`].
    #[must_use]
    pub fn word(&self) -> &str {
        self.answer.as_ref().map_or(NOT_RATED, |answer| answer.label.as_str())
    }
}

/// Who was asked and did not answer.
pub const NOT_RATED: &str = "not_rated";

/// A result by which lists are filtered (SURVEY-06).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Satisfaction {
    /// Nobody was asked.
    NotInvited,
    /// This label, or [`NOT_RATED`].
    Result(String),
}

/// A stretch of a call in which the process was not there: nobody heard anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// When the process is known to have lived last, ms since the Unix epoch.
    pub from_ms: u64,
    /// When another had both parties back.
    pub to_ms: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnd {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// Why.
    pub cause: EndCause,
    /// By whom (CDR-06).
    pub by: EndedBy,
    /// The final SIP status the caller saw; 0 when none.
    pub sip_status: u16,
    /// How long it rang: whole seconds, in ms (GEN-04).
    pub ring_duration_ms: u64,
    /// How long they talked, hold included: whole seconds, in ms, at least one where it was answered (GEN-04, CDR-08).
    pub talk_duration_ms: u64,
    /// From the beginning to the end: whole seconds, in ms.
    pub total_duration_ms: u64,
}

/// A leg of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLeg {
    /// Which.
    pub leg: LegId,
    /// True for the leg that called, or that the API rang first.
    pub caller_side: bool,
    /// What was at the far end.
    pub peer: PeerKind,
    /// The extension's number, the trunk's name, or the service's number.
    pub peer_name: String,
    /// The number shown to or dialled at the far end.
    pub number: String,
    /// The Call-ID of its dialog; empty on a service.
    pub sip_call_id: String,
    /// When it began, ms since the Unix epoch.
    pub started_at_ms: u64,
    /// When it rang.
    pub ringing_at_ms: Option<u64>,
    /// The far end sent tones or announcements of its own before the answer (CALL-31).
    pub early_media: bool,
    /// When it answered, and the codec by its SDP name.
    pub answer: Option<LegAnswer>,
    /// How it ended; `None` while it runs.
    pub end: Option<LegEnd>,
}

/// The answer of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegAnswer {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// The codec by its SDP name.
    pub codec: String,
}

/// The end of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegEnd {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// Why.
    pub cause: EndCause,
    /// The final SIP status of its INVITE; 0 when none was seen.
    pub sip_status: u16,
    /// What its media was like; `None` where none flowed.
    pub quality: Option<MediaQuality>,
}

/// A call with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallDocument {
    /// The call.
    pub record: CallRecord,
    /// Its legs in the order they began.
    pub legs: Vec<CallLeg>,
    /// Its recordings in the order they began, those of messages among them.
    pub recordings: Vec<Recording>,
    /// The messages that were left in it.
    pub voicemails: Vec<Voicemail>,
    /// What it was made of, in the order in which that began.
    pub segments: Vec<Segment>,
    /// The nodes of flows that its caller went through, in that order.
    pub flow_path: Vec<FlowStep>,
}

impl CallDocument {
    /// A call of which nothing is known yet but that it began.
    #[must_use]
    pub fn of(record: CallRecord) -> Self {
        Self {
            record,
            legs: Vec::new(),
            recordings: Vec::new(),
            voicemails: Vec::new(),
            segments: Vec::new(),
            flow_path: Vec::new(),
        }
    }
}

/// Which records a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Began at this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Began before this time.
    pub to_ms: Option<u64>,
    /// Which way they went.
    pub direction: Option<Direction>,
    /// Caller or callee is exactly this number.
    pub number: Option<String>,
    /// This extension called, answered or rang last.
    pub extension: Option<String>,
    /// By this trunk.
    pub trunk: Option<String>,
    /// It was in this queue.
    pub queue: Option<String>,
    /// This agent talked in it.
    pub agent: Option<String>,
    /// Lost or not.
    pub lost: Option<bool>,
    /// A number outside answered in place of an agent, or not.
    pub overflow_answered: Option<bool>,
    /// Answered or not.
    pub answered: Option<bool>,
    /// Ended so.
    pub cause: Option<EndCause>,
    /// Talked for at least so long.
    pub talk_min_ms: Option<u64>,
    /// Talked for at most so long.
    pub talk_max_ms: Option<u64>,
    /// With this result of a survey.
    pub satisfaction: Option<Satisfaction>,
}

/// What a batch of facts comes to: written in one transaction with the cursor.
#[derive(Debug, Default)]
pub struct Derived {
    /// Calls as they now stand.
    pub calls: Vec<CallDocument>,
    /// Registrations as they now stand.
    pub registrations: Vec<RegistrationChange>,
    /// Stays of agents in states.
    pub stays: Vec<AgentStay>,
    /// What supervisors did.
    pub audit: Vec<Entry>,
}

impl Store {
    /// Stores what a batch of facts came to and moves the consumer's cursor, both or neither.
    ///
    /// # Errors
    /// [`StoreError::CursorMoved`] where the cursor does not stand at `from`; [`StoreError::Database`]. Nothing was written.
    pub async fn save_derived(
        &self,
        consumer: &str,
        from: &Position,
        to: &Position,
        derived: &Derived,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        cursors::advance(&mut tx, consumer, from, to).await?;
        let tenant = &to.tenant;
        let documents = || derived.calls.iter();
        upsert(&mut tx, &rows::RECORDS, documents().map(|call| rows::record_args(tenant, call)).collect()).await?;
        let legs =
            documents().flat_map(|call| call.legs.iter().map(|leg| rows::leg_args(tenant, call.record.call, leg)));
        upsert(&mut tx, &rows::LEGS, legs.collect()).await?;
        let recordings = documents().flat_map(|call| call.recordings.iter().map(|it| recordings::args_of(tenant, it)));
        upsert(&mut tx, &recordings::TABLE, recordings.collect()).await?;
        let messages = documents().flat_map(|call| call.voicemails.iter().map(|it| voicemails::args_of(tenant, it)));
        upsert(&mut tx, &voicemails::TABLE, messages.collect()).await?;
        let segments = documents().flat_map(|call| {
            let pieces = call.segments.iter().enumerate();
            pieces.map(|(at, segment)| segments::segment_args(tenant, call.record.call, at, segment))
        });
        upsert(&mut tx, &segments::SEGMENTS, segments.collect()).await?;
        let stays = derived.stays.iter().map(|stay| agent_states::args_of(tenant, stay));
        upsert(&mut tx, &agent_states::TABLE, stays.collect()).await?;
        let audit = derived.audit.iter().map(|entry| audit::args_of(tenant, entry));
        upsert(&mut tx, &audit::TABLE, audit.collect()).await?;
        registrations::apply(&mut tx, tenant, &derived.registrations).await?;
        tx.commit().await
    }

    /// A call with its legs and recordings, if it is seen.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn call_record(&self, sight: Sight<'_>, call: CallId) -> Result<Option<CallDocument>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", OWNER);
        condition.and("call = ?", call.to_string());
        let sql = format!("SELECT call FROM call_records WHERE {}", condition.text);
        match self.pool.read().await?.first(sql, condition.args).await? {
            Some(_) => Ok(self.call_documents(sight.tenant, &[call]).await?.pop()),
            None => Ok(None),
        }
    }

    /// Several calls with their legs and recordings; those that are unknown are left out. For the process itself: whoever asks sees
    /// [`Self::call_record`].
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn call_documents(&self, tenant: &TenantId, calls: &[CallId]) -> Result<Vec<CallDocument>, StoreError> {
        let mut conn = self.pool.read().await?;
        let mut documents = Vec::with_capacity(calls.len());
        for calls in calls.chunks(CALLS_PER_READ) {
            let records = in_calls(&mut conn, "SELECT * FROM call_records WHERE", "call", tenant, calls).await?;
            let legs =
                in_calls(&mut conn, "SELECT * FROM call_legs WHERE", "started_at_ms, leg", tenant, calls).await?;
            let segments = in_calls(&mut conn, "SELECT * FROM call_segments WHERE", "call, at", tenant, calls).await?;
            let recordings = recordings::of_calls(&mut conn, tenant, calls).await?;
            for row in &records {
                let flow_path = rows::flow_path(row)?;
                documents.push(CallDocument { flow_path, ..CallDocument::of(rows::record(row)?) });
            }
            for row in &legs {
                let call: CallId = row.parsed("call")?;
                if let Some(document) = documents.iter_mut().find(|document| document.record.call == call) {
                    document.legs.push(rows::leg(row)?);
                }
            }
            for message in voicemails::of_calls(&mut conn, tenant, calls).await? {
                let mut of_call = documents.iter_mut().filter(|document| document.record.call == message.call);
                if let Some(document) = of_call.next() {
                    document.voicemails.push(message);
                }
            }
            for row in &segments {
                let call: CallId = row.parsed("call")?;
                if let Some(document) = documents.iter_mut().find(|document| document.record.call == call) {
                    document.segments.push(segments::segment(row)?);
                }
            }
            for recording in recordings {
                let mut of_call = documents.iter_mut().filter(|document| document.record.call == recording.call);
                if let Some(document) = of_call.next() {
                    document.recordings.push(recording);
                }
            }
        }
        Ok(documents)
    }

    /// A page of calls that ended, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn call_records(
        &self,
        sight: Sight<'_>,
        filter: &RecordFilter,
        ask: &PageAsk,
    ) -> Result<Page<CallRecord>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", OWNER);
        condition.filter(filter, &ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned()));
        let limit = condition.bind(ask.rows());
        let sql = format!(
            "SELECT * FROM call_records WHERE {} AND ended_at_ms IS NOT NULL ORDER BY call DESC LIMIT {limit}",
            condition.text
        );
        let rows = self.pool.read().await?.all(sql, condition.args).await?;
        let items = rows.iter().map(rows::record).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |record| record.call.to_string()))
    }
}

/// Whose a call is.
const OWNER: Owner = Owner::Call { call: "call_records.call" };

/// Calls read by one statement, so that there is one text of it.
pub(super) const CALLS_PER_READ: usize = 32;

/// Rows of `table` for some calls; unused places are filled with the empty text, which is no call.
pub(super) async fn in_calls(
    conn: &mut Conn,
    select: &str,
    order: &str,
    tenant: &TenantId,
    calls: &[CallId],
) -> Result<Vec<super::sql::Row>, StoreError> {
    let places = places(2, CALLS_PER_READ);
    let mut args = args![tenant.as_str()];
    args.extend(calls.iter().map(|call| Arg::from(call.to_string())));
    args.resize(CALLS_PER_READ + 1, Arg::from(""));
    conn.all(format!("{select} tenant = $1 AND call IN ({places}) ORDER BY {order}"), args).await
}

/// A `WHERE` built of our own words, its values bound. It begins with the rows that who asks sees.
pub(super) struct Condition {
    text: String,
    args: Vec<Arg>,
}

impl Condition {
    /// Of rows whose column `column` names the tenant, and which belong to `owner`.
    pub(super) fn of(sight: Sight<'_>, column: &str, owner: Owner) -> Self {
        let mut condition = Self { text: format!("{column} = $1"), args: args![sight.tenant.as_str()] };
        condition.seen(sight.scope, owner);
        condition
    }

    pub(super) fn into_parts(self) -> (String, Vec<Arg>) {
        (self.text, self.args)
    }

    pub(super) fn bind(&mut self, value: impl Into<Arg>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// Adds a condition; each `?` stands for the value.
    pub(super) fn and(&mut self, condition: &str, value: impl Into<Arg>) {
        let place = self.bind(value);
        self.text.push_str(" AND ");
        self.text.push_str(&condition.replace('?', &place));
    }

    /// Of all rows of a tenant, of such as are nobody's own.
    pub(super) fn of_tenant(tenant: &TenantId) -> Self {
        Self { text: "tenant = $1".to_owned(), args: args![tenant.as_str()] }
    }

    /// Adds a condition without a value.
    pub(super) fn plain(&mut self, condition: &str) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
    }

    /// Of messages in one of these boxes; `None` is all there are.
    pub(super) fn of_boxes(tenant: &TenantId, boxes: Option<&[String]>) -> Self {
        let mut condition = Self::of_tenant(tenant);
        if let Some(boxes) = boxes {
            let places: Vec<String> = boxes.iter().map(|mailbox| condition.bind(mailbox.as_str())).collect();
            let places = if places.is_empty() { "NULL".to_owned() } else { places.join(", ") };
            condition.plain(&format!("mailbox IN ({places})"));
        }
        condition
    }

    /// Calls before this one in the list. A call's ULID begins with its time, so the key's index serves the range; a minute of slack for clocks
    /// set back. Where a number is sought its own indexes are the shorter way, and nothing may lead off it.
    fn keys(&mut self, filter: &RecordFilter, before: &str) {
        if let Some(number) = &filter.number {
            let (number, before) = (self.bind(number.as_str()), self.bind(before));
            let of = |side: &str| {
                format!(
                    "SELECT n.call FROM call_records n WHERE n.tenant = $1 AND n.{side} = {number} AND n.call < {before}"
                )
            };
            let text = format!("call IN ({} UNION ALL {})", of("caller"), of("callee"));
            return self.plain(&text);
        }
        self.and("call < ?", before);
        if let Some(from_ms) = filter.from_ms {
            self.and("call >= ?", CallId::new(from_ms.saturating_sub(CLOCK_SLACK_MS), 0).to_string());
        }
        if let Some(to_ms) = filter.to_ms {
            self.and("call < ?", CallId::new(to_ms.saturating_add(CLOCK_SLACK_MS), 0).to_string());
        }
    }

    fn filter(&mut self, filter: &RecordFilter, before: &str) {
        self.keys(filter, before);
        if let Some(from_ms) = filter.from_ms {
            self.and("created_at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            self.and("created_at_ms < ?", to_ms);
        }
        if let Some(direction) = &filter.direction {
            self.and("direction = ?", word(direction));
        }
        if let Some(extension) = &filter.extension {
            self.and("(caller_extension = ? OR callee_extension = ?)", extension.as_str());
        }
        if let Some(trunk) = &filter.trunk {
            self.and("trunk = ?", trunk.as_str());
        }
        let part = "call IN (SELECT call FROM call_segments s WHERE s.tenant = $1 AND s.kind";
        if let Some(queue) = &filter.queue {
            self.and(&format!("{part} = 'queue' AND s.queue = ?)"), queue.as_str());
        }
        if let Some(agent) = &filter.agent {
            self.and(&format!("{part} = 'agent' AND s.agent = ?)"), agent.as_str());
        }
        if let Some(lost) = filter.lost {
            self.and("lost = ?", lost);
        }
        match filter.overflow_answered {
            Some(true) => self.plain("overflow_number IS NOT NULL"),
            Some(false) => self.plain("overflow_number IS NULL"),
            None => {}
        }
        if let Some(cause) = &filter.cause {
            self.and("cause = ?", word(cause));
        }
        if let Some(min) = filter.talk_min_ms {
            self.and("talk_duration_ms >= ?", min);
        }
        if let Some(max) = filter.talk_max_ms {
            self.and("talk_duration_ms <= ?", max);
        }
        match &filter.satisfaction {
            Some(Satisfaction::NotInvited) => self.plain("survey_result IS NULL"),
            Some(Satisfaction::Result(result)) => self.and("survey_result = ?", result.as_str()),
            None => {}
        }
        match filter.answered {
            Some(true) => self.text.push_str(" AND answered_at_ms IS NOT NULL"),
            Some(false) => self.text.push_str(" AND answered_at_ms IS NULL"),
            None => {}
        }
    }
}

const CLOCK_SLACK_MS: u64 = 60_000;

/// A table that consumers write whole rows to.
pub(super) struct DerivedTable {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns of its primary key, which come first in a row.
    pub(super) key: &'static [&'static str],
    /// The other columns.
    pub(super) rest: &'static [&'static str],
}

impl DerivedTable {
    fn upsert_sql(&self, rows: usize) -> String {
        let columns = self.key.len() + self.rest.len();
        let values: Vec<String> = (0..rows).map(|row| format!("({})", places(row * columns + 1, columns))).collect();
        let set: Vec<String> = self.rest.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!(
            "INSERT INTO {} ({}, {}) VALUES {} ON CONFLICT ({}) DO UPDATE SET {}",
            self.name,
            self.key.join(", "),
            self.rest.join(", "),
            values.join(", "),
            self.key.join(", "),
            set.join(", ")
        )
    }
}

/// Rows written by one statement, the largest first: few texts, so that the prepared ones are found again. No more, because
/// SQLite looks each value's name up in a list of all of them.
const ROWS_PER_WRITE: [usize; 3] = [16, 4, 1];

async fn upsert(conn: &mut Conn, table: &DerivedTable, rows: Vec<Vec<Arg>>) -> Result<(), StoreError> {
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    for size in ROWS_PER_WRITE {
        while left >= size {
            let args: Vec<Arg> = rows.by_ref().take(size).flatten().collect();
            conn.execute(table.upsert_sql(size), args).await?;
            left -= size;
        }
    }
    Ok(())
}
