//! The index of recordings. The files lie below the recordings folder; what is known of them stands here.

use hooks::fact::{AudioFormat, AudioPlace};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use serde::{Deserialize, Serialize};

use super::records::{Condition, DerivedTable, in_calls};
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk};
use super::sql::{Arg, Conn, Row, args, json, word};
use super::{Store, StoreError, audit};
use crate::secrets::new_ulid;

/// A recording of a stretch of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Which.
    pub recording: RecordingId,
    /// Of which call.
    pub call: CallId,
    /// The leg on the left channel (REC-09); unknown where only the file was found.
    pub left: Option<LegId>,
    /// The leg on the right channel.
    pub right: Option<LegId>,
    /// Which recording of its call it is, from 1: another begins after the process was killed, and when a party is handed on.
    pub part: u32,
    /// When it began, ms since the Unix epoch.
    pub started_at_ms: u64,
    /// Where it was paused and resumed (REC-08), in order.
    pub marks: Vec<Mark>,
    /// Where it is a message that was left, its box.
    pub mailbox: Option<String>,
    /// It is not to be kept.
    pub discarded: bool,
    /// What became of it.
    pub state: RecordingState,
}

/// A place in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What happened there.
    pub kind: MarkKind,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// Where in the audio.
    pub offset_ms: u64,
    /// Who did it; nobody where a new part began as the one before it ended.
    pub by: Option<String>,
}

/// What happened at a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Silence is recorded from here on.
    Paused,
    /// What is said is recorded again.
    Resumed,
}

/// What became of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingState {
    /// It is being written.
    Running,
    /// It can be played.
    Ready(RecordingFile),
    /// There is none; the call went on without it.
    Failed {
        /// What went wrong, for an administrator.
        reason: String,
    },
    /// Its audio was deleted, since its time was over (REC-06).
    Purged {
        /// What there was.
        file: RecordingFile,
        /// When, ms since the Unix epoch.
        at_ms: u64,
    },
}

/// The file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFile {
    /// Below the recordings folder or in the bucket, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Length of the audio.
    pub duration_ms: u64,
    /// Of the whole file, 64 hexadecimal digits.
    pub sha256: String,
    /// It ends before the call did.
    pub partial: bool,
    /// Its coding.
    pub format: AudioFormat,
    /// Where it is kept; `None` while it lies where it was written.
    pub stored: Option<StoredAudio>,
}

/// Where and how audio is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAudio {
    /// Where.
    pub place: AudioPlace,
    /// The name of the key that encrypts it.
    pub sealed_by: Option<String>,
}

/// What somebody did with a recording (REC-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingUse {
    /// Listened.
    Play,
    /// Took a copy.
    Download,
}

/// An entry of the log of uses (REC-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingUsed {
    /// A ULID.
    pub id: String,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// Who: a login name or `token:NAME`.
    pub by: String,
    /// Which recording.
    pub recording: RecordingId,
    /// What they did.
    pub kind: RecordingUse,
}

impl Store {
    /// One recording, if its call is seen.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recording(&self, sight: Sight<'_>, id: RecordingId) -> Result<Option<Recording>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", Owner::Call { call: "recordings.call" });
        condition.and("recording = ?", id.to_string());
        let (condition, args) = condition.into_parts();
        let row = self.pool.read().await?.first(format!("SELECT * FROM recordings WHERE {condition}"), args).await?;
        row.as_ref().map(recording).transpose()
    }

    /// The recordings of some calls, in the order they began; at most [`super::setting::PAGE_MAX`] calls make sense.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recordings_of(&self, tenant: &TenantId, calls: &[CallId]) -> Result<Vec<Recording>, StoreError> {
        let mut conn = self.pool.read().await?;
        let mut found = Vec::new();
        for calls in calls.chunks(super::records::CALLS_PER_READ) {
            found.append(&mut of_calls(&mut conn, tenant, calls).await?);
        }
        Ok(found)
    }

    /// The oldest recordings that lie where they were written, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recordings_to_store(&self, tenant: &TenantId, limit: u64) -> Result<Vec<Recording>, StoreError> {
        let sql = "SELECT * FROM recordings WHERE tenant = $1 AND state = 'ready' AND place IS NULL AND discarded = 0 \
                   ORDER BY started_at_ms, recording LIMIT $2";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), limit]).await?;
        rows.iter().map(recording).collect()
    }

    /// The oldest recordings that began before a moment and have audio, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recordings_before(
        &self,
        tenant: &TenantId,
        before_ms: u64,
        limit: u64,
    ) -> Result<Vec<Recording>, StoreError> {
        let sql = "SELECT * FROM recordings WHERE tenant = $1 AND state = 'ready' AND started_at_ms < $2 \
                   ORDER BY started_at_ms, recording LIMIT $3";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), before_ms, limit]).await?;
        rows.iter().map(recording).collect()
    }

    /// Recordings that are not to be kept and have audio, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recordings_discarded(&self, tenant: &TenantId, limit: u64) -> Result<Vec<Recording>, StoreError> {
        let sql = "SELECT * FROM recordings WHERE tenant = $1 AND state = 'ready' AND discarded = 1 \
                   ORDER BY started_at_ms, recording LIMIT $2";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), limit]).await?;
        rows.iter().map(recording).collect()
    }

    /// The latest recordings that are kept elsewhere than where they were written, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recordings_stored(&self, tenant: &TenantId, limit: u64) -> Result<Vec<Recording>, StoreError> {
        let sql = "SELECT * FROM recordings WHERE tenant = $1 AND state = 'ready' AND place IS NOT NULL \
                   ORDER BY started_at_ms DESC LIMIT $2";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), limit]).await?;
        rows.iter().map(recording).collect()
    }

    /// Logs that somebody listened to a recording or took a copy (REC-05).
    ///
    /// # Errors
    /// [`StoreError::Database`]: then it must not be given out.
    pub async fn log_recording_use(
        &self,
        tenant: &TenantId,
        by: &str,
        id: RecordingId,
        kind: RecordingUse,
    ) -> Result<(), StoreError> {
        let at_ms = super::unix_ms();
        let mut tx = self.pool.write().await?;
        let sql = "INSERT INTO recording_uses (tenant, id, at_ms, used_by, recording, kind) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        tx.execute(sql, args![tenant.as_str(), new_ulid(at_ms), at_ms, by, id.to_string(), word(&kind)]).await?;
        tx.commit().await
    }

    /// A page of the log of uses of a recording, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recording_uses(
        &self,
        tenant: &TenantId,
        id: RecordingId,
        ask: &PageAsk,
    ) -> Result<Page<RecordingUsed>, StoreError> {
        let after = ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned());
        let sql =
            "SELECT * FROM recording_uses WHERE tenant = $1 AND recording = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), id.to_string(), after, ask.rows()]).await?;
        let items = rows.iter().map(used).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |used| used.id.clone()))
    }
}

pub(super) const TABLE: DerivedTable = DerivedTable {
    name: "recordings",
    key: &["tenant", "recording"],
    rest: &[
        "call",
        "left_leg",
        "right_leg",
        "part",
        "started_at_ms",
        "state",
        "path",
        "bytes",
        "duration_ms",
        "sha256",
        "partial",
        "reason",
        "marks",
        "format",
        "place",
        "sealed_by",
        "purged_at_ms",
        "mailbox",
        "discarded",
    ],
};

/// The word in the column `state`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateWord {
    Running,
    Ready,
    Failed,
    Purged,
}

pub(super) fn args_of(tenant: &TenantId, recording: &Recording) -> Vec<Arg> {
    let (state, file, reason) = match &recording.state {
        RecordingState::Running => (StateWord::Running, None, None),
        RecordingState::Ready(file) => (StateWord::Ready, Some(file), None),
        RecordingState::Failed { reason } => (StateWord::Failed, None, Some(reason.clone())),
        RecordingState::Purged { file, .. } => (StateWord::Purged, Some(file), None),
    };
    let purged_at_ms = match &recording.state {
        RecordingState::Purged { at_ms, .. } => Some(*at_ms),
        RecordingState::Running | RecordingState::Ready(_) | RecordingState::Failed { .. } => None,
    };
    let stored = file.and_then(|file| file.stored.as_ref());
    args![
        tenant.as_str(),
        recording.recording.to_string(),
        recording.call.to_string(),
        recording.left.map(|leg| leg.to_string()),
        recording.right.map(|leg| leg.to_string()),
        recording.part,
        recording.started_at_ms,
        word(&state),
        file.map(|file| file.path.clone()),
        file.map(|file| file.bytes),
        file.map(|file| file.duration_ms),
        file.map(|file| file.sha256.clone()),
        file.map(|file| file.partial),
        reason,
        json(&recording.marks),
        file.map(|file| word(&file.format)),
        stored.map(|stored| word(&stored.place)),
        stored.and_then(|stored| stored.sealed_by.clone()),
        purged_at_ms,
        recording.mailbox.clone(),
        recording.discarded,
    ]
}

pub(super) async fn of_calls(
    conn: &mut Conn,
    tenant: &TenantId,
    calls: &[CallId],
) -> Result<Vec<Recording>, StoreError> {
    let rows = in_calls(conn, "SELECT * FROM recordings WHERE", "started_at_ms, recording", tenant, calls).await?;
    rows.iter().map(recording).collect()
}

fn recording(row: &Row) -> Result<Recording, StoreError> {
    let leg = |column| match row.opt_text(column)? {
        None => Ok(None),
        Some(text) => text.parse::<LegId>().map(Some).map_err(|error| StoreError::corrupt(column, error)),
    };
    let state = match row.word("state")? {
        StateWord::Running => RecordingState::Running,
        StateWord::Ready => RecordingState::Ready(file(row)?),
        StateWord::Purged => RecordingState::Purged { file: file(row)?, at_ms: row.unsigned("purged_at_ms")? },
        StateWord::Failed => RecordingState::Failed { reason: row.text("reason")? },
    };
    Ok(Recording {
        recording: row.parsed("recording")?,
        call: row.parsed("call")?,
        left: leg("left_leg")?,
        right: leg("right_leg")?,
        part: row.unsigned("part")?,
        started_at_ms: row.unsigned("started_at_ms")?,
        marks: row.json("marks")?,
        mailbox: row.opt_text("mailbox")?,
        discarded: row.flag("discarded")?,
        state,
    })
}

fn file(row: &Row) -> Result<RecordingFile, StoreError> {
    let sealed_by = row.opt_text("sealed_by")?;
    let stored = row.opt_word("place")?.map(|place| StoredAudio { place, sealed_by });
    Ok(RecordingFile {
        path: row.text("path")?,
        bytes: row.unsigned("bytes")?,
        duration_ms: row.unsigned("duration_ms")?,
        sha256: row.text("sha256")?,
        partial: row.flag("partial")?,
        // Those of before there was a choice.
        format: row.opt_word("format")?.unwrap_or_default(),
        stored,
    })
}

fn used(row: &Row) -> Result<RecordingUsed, StoreError> {
    Ok(RecordingUsed {
        id: row.text("id")?,
        at_ms: row.unsigned("at_ms")?,
        by: row.text("used_by")?,
        recording: row.parsed("recording")?,
        kind: row.word("kind")?,
    })
}
