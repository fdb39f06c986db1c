//! What the engine gives out as files, with the queries of its lists: call records (CDR-04, LOST-04, LOSTANS-03) and messages
//! (VM-04). Logs have no export (LOG-08), missed offers neither (MISS-06).

use std::sync::Arc;

use axum::extract::Query;
use axum::http::Uri;
use dialplan::hours::Zone;
use hooks::id::TenantId;
use hooks::plugin::PermissionKey;
use hooks::scope::Scope;
use hooks::task::{Cell, Export, Rows, TaskAsk, TaskError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::block_import::BlockImport;
use super::call_record::RecordQuery;
use super::permission::{CALL_RECORDS_EXPORT, VOICEMAILS_EXPORT};
use super::state::Api;
use super::voicemail::VoicemailQuery;
use crate::store::records::{CallRecord, RecordFilter};
use crate::store::scope::Sight;
use crate::store::setting::{PAGE_MAX, Page, PageAsk};
use crate::store::sql::word;
use crate::store::voicemails::{Voicemail, VoicemailFilter};
use crate::store::{Store, StoreError};

/// Makes the engine's own kinds known. They live as long as the process.
pub fn register(api: &Api) {
    api.tasks().register_export(Arc::new(CallRecords(api.store().clone())));
    api.tasks().register_export(Arc::new(Voicemails(api.store().clone())));
    api.tasks().register_import(Arc::new(BlockImport::new(api.clone())));
}

struct CallRecords(Store);

impl Export for CallRecords {
    fn module(&self) -> &'static str {
        "call_records"
    }

    fn permission(&self) -> PermissionKey {
        CALL_RECORDS_EXPORT
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "id",
            "direction",
            "caller",
            "caller_name",
            "callee",
            "trunk",
            "caller_extension",
            "callee_extension",
            "queue",
            "agent",
            "created_at",
            "ringing_at",
            "answered_at",
            "connected_at",
            "ended_at",
            "queue_wait_s",
            "ring_duration_s",
            "talk_duration_s",
            "total_duration_s",
            "lost",
            "overflow_number",
            "satisfaction",
            "cause",
            "ended_by",
            "sip_status",
        ]
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let filter = RecordFilter::from(query::<RecordQuery>(&ask.query)?);
        let store = self.0.clone();
        let read = move |sight: Sight<'_>, ask: &PageAsk| -> Result<Page<CallRecord>, StoreError> {
            Handle::current().block_on(store.call_records(sight, &filter, ask))
        };
        Ok(Box::new(Pages::new(ask, read, call_record)?))
    }
}

fn call_record(record: CallRecord, show: &Show) -> Vec<Cell> {
    let end = record.end.as_ref();
    let satisfaction = record.survey.as_ref().map(|result| result.word().to_owned());
    vec![
        text(record.call.to_string()),
        word_of(&record.direction),
        text(record.caller),
        text(record.caller_name),
        text(record.callee),
        maybe(record.trunk),
        maybe(record.caller_extension),
        maybe(record.callee_extension),
        maybe(record.queue),
        maybe(record.agent),
        show.time(Some(record.created_at_ms)),
        show.time(record.ringing_at_ms),
        show.time(record.answered_at_ms),
        show.time(record.connected_at_ms),
        show.time(end.map(|end| end.at_ms)),
        seconds(record.queue_wait_ms),
        seconds(end.map(|end| end.ring_duration_ms)),
        seconds(end.map(|end| end.talk_duration_ms)),
        seconds(end.map(|end| end.total_duration_ms)),
        Cell::Number(f64::from(u8::from(record.lost))),
        maybe(record.overflow_number),
        maybe(satisfaction),
        end.map_or(Cell::Empty, |end| word_of(&end.cause)),
        end.map_or(Cell::Empty, |end| word_of(&end.by)),
        end.map_or(Cell::Empty, |end| Cell::Number(f64::from(end.sip_status))),
    ]
}

struct Voicemails(Store);

impl Export for Voicemails {
    fn module(&self) -> &'static str {
        "voicemails"
    }

    fn permission(&self) -> PermissionKey {
        VOICEMAILS_EXPORT
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "id",
            "call_id",
            "mailbox",
            "caller",
            "caller_name",
            "callee",
            "left_at",
            "length_s",
            "listened_by",
            "downloaded_by",
        ]
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let filter = VoicemailFilter::from(query::<VoicemailQuery>(&ask.query)?);
        let store = self.0.clone();
        let read = move |sight: Sight<'_>, ask: &PageAsk| -> Result<Page<Voicemail>, StoreError> {
            Handle::current().block_on(store.voicemails(sight, &filter, ask))
        };
        Ok(Box::new(Pages::new(ask, read, voicemail)?))
    }
}

fn voicemail(message: Voicemail, show: &Show) -> Vec<Cell> {
    vec![
        text(message.voicemail.to_string()),
        text(message.call.to_string()),
        text(message.mailbox),
        text(message.caller),
        text(message.caller_name),
        text(message.callee),
        show.time(Some(message.left_at_ms)),
        seconds(Some(message.length_ms)),
        maybe(message.listened.map(|used| used.by)),
        maybe(message.downloaded.map(|used| used.by)),
    ]
}

/// A list read page by page to its end, on a thread that has entered the runtime.
struct Pages<R, S> {
    tenant: TenantId,
    scope: Scope,
    read: R,
    row: S,
    show: Show,
    /// `None` after the last page.
    ask: Option<PageAsk>,
}

impl<R, S> Pages<R, S> {
    fn new(ask: &TaskAsk, read: R, row: S) -> Result<Self, TaskError> {
        let zone = ask.zone.parse().map_err(|_| TaskError::Failed(format!("there is no time zone {}", ask.zone)))?;
        let first = Some(PageAsk::first(PAGE_MAX));
        Ok(Self { tenant: ask.tenant.clone(), scope: ask.scope.clone(), read, row, show: Show(zone), ask: first })
    }
}

impl<T, R, S> Rows for Pages<R, S>
where
    R: FnMut(Sight<'_>, &PageAsk) -> Result<Page<T>, StoreError> + Send,
    S: Fn(T, &Show) -> Vec<Cell> + Send,
{
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError> {
        let Some(ask) = self.ask.take() else { return Ok(Vec::new()) };
        let sight = Sight { tenant: &self.tenant, scope: &self.scope };
        let page = (self.read)(sight, &ask).map_err(|error| TaskError::Failed(error.to_string()))?;
        self.ask = page.next.map(|after| PageAsk { after: Some(after), ..ask });
        Ok(page.items.into_iter().map(|item| (self.row)(item, &self.show)).collect())
    }
}

/// Shows times in the tenant's zone.
struct Show(Zone);

impl Show {
    fn time(&self, ms: Option<u64>) -> Cell {
        ms.and_then(|ms| i64::try_from(ms).ok()).map_or(Cell::Empty, |ms| Cell::Text(self.0.text(ms)))
    }
}

fn text(text: String) -> Cell {
    Cell::Text(text)
}

fn maybe(text: Option<String>) -> Cell {
    text.map_or(Cell::Empty, Cell::Text)
}

fn word_of<T: Serialize>(value: &T) -> Cell {
    Cell::Text(word(value))
}

/// Whole seconds (GEN-04).
#[allow(clippy::cast_precision_loss, reason = "no call lasts for 2^53 seconds")]
fn seconds(ms: Option<u64>) -> Cell {
    ms.map_or(Cell::Empty, |ms| Cell::Number((ms / 1_000) as f64))
}

/// The query of a list's address.
fn query<T: DeserializeOwned>(text: &str) -> Result<T, TaskError> {
    let uri: Uri = format!("/?{text}")
        .parse()
        .map_err(|_| TaskError::Unacceptable("write it as in the address of the list, percent-encoded".to_owned()))?;
    match Query::<T>::try_from_uri(&uri) {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(TaskError::Unacceptable(rejection.body_text())),
    }
}
