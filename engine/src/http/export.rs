//! What is given out as files, with the queries of the lists (GEN-11): the engine's call records (CDR-04) and messages (VM-04), and what
//! plugins give. Logs have no export (LOG-08), missed offers neither (MISS-06).

use std::sync::Arc;

use axum::extract::Query;
use axum::http::Uri;
use hooks::id::TenantId;
use hooks::operation::Parameter;
use hooks::plugin::{FieldKey, PermissionKey};
use hooks::scope::Scope;
use hooks::task::{Cell, Export, Rows, TaskAsk, TaskError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::block_import::BlockImport;
use super::call_record::RecordQuery;
use super::permission::{
    CALL_RECORDS_CALLEE, CALL_RECORDS_CALLER, CALL_RECORDS_EXPORT, CALL_RECORDS_NUMBER, VOICEMAILS_CALLEE,
    VOICEMAILS_CALLER, VOICEMAILS_EXPORT,
};
use super::plugin::read_query;
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
    for desk in api.desks().iter() {
        let (plugin, host) = (desk.plugin(), desk.host());
        plugin.exports(host).into_iter().for_each(|export| api.tasks().register_export(Arc::new(OfPlugin(export))));
        plugin.imports(host).into_iter().for_each(|import| api.tasks().register_import(import));
    }
}

/// A plugin's, which is given its query read: no plugin reads addresses.
struct OfPlugin(Arc<dyn Export>);

impl Export for OfPlugin {
    fn module(&self) -> &'static str {
        self.0.module()
    }

    fn permission(&self) -> PermissionKey {
        self.0.permission()
    }

    fn columns(&self) -> &'static [&'static str] {
        self.0.columns()
    }

    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        self.0.fields()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.0.parameters()
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let pairs = query::<Vec<(String, String)>>(&ask.query)?;
        let parameters = read_query(&self.0.parameters(), pairs).map_err(|problem| {
            let faults = problem.errors.iter().map(|fault| format!("{}: {}", fault.field, fault.detail));
            TaskError::Unacceptable(faults.collect::<Vec<_>>().join("; "))
        })?;
        self.0.open(&TaskAsk { parameters, ..ask.clone() })
    }
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
            "queue_wait",
            "ring_duration",
            "talk_duration",
            "total_duration",
            "lost",
            "overflow_number",
            "satisfaction",
            "cause",
            "ended_by",
            "sip_status",
        ]
    }

    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        &[
            ("caller", CALL_RECORDS_CALLER),
            ("caller_name", CALL_RECORDS_CALLER),
            ("callee", CALL_RECORDS_CALLEE),
            ("overflow_number", CALL_RECORDS_NUMBER),
        ]
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let filter = RecordFilter::from(query::<RecordQuery>(&ask.query)?);
        let store = self.0.clone();
        let read = move |sight: Sight<'_>, ask: &PageAsk| -> Result<Page<CallRecord>, StoreError> {
            Handle::current().block_on(store.call_records(sight, &filter, ask))
        };
        Ok(Box::new(Pages::new(ask, read, call_record)))
    }
}

fn call_record(record: CallRecord) -> Vec<Cell> {
    let end = record.end.as_ref();
    let satisfaction = record.survey.as_ref().map(|result| result.word().to_owned());
    vec![
        Cell::Text(record.call.to_string()),
        word_of(&record.direction),
        Cell::Text(record.caller),
        Cell::Text(record.caller_name),
        Cell::Text(record.callee),
        Cell::text(record.trunk),
        Cell::text(record.caller_extension),
        Cell::text(record.callee_extension),
        Cell::text(record.queue),
        Cell::text(record.agent),
        Cell::time(Some(record.created_at_ms)),
        Cell::time(record.ringing_at_ms),
        Cell::time(record.answered_at_ms),
        Cell::time(record.connected_at_ms),
        Cell::time(end.map(|end| end.at_ms)),
        Cell::lasted(record.queue_wait_ms),
        Cell::lasted(end.map(|end| end.ring_duration_ms)),
        Cell::lasted(end.map(|end| end.talk_duration_ms)),
        Cell::lasted(end.map(|end| end.total_duration_ms)),
        Cell::Number(f64::from(u8::from(record.lost))),
        Cell::text(record.overflow_number),
        Cell::text(satisfaction),
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
            "length",
            "listened_by",
            "downloaded_by",
        ]
    }

    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        &[("caller", VOICEMAILS_CALLER), ("caller_name", VOICEMAILS_CALLER), ("callee", VOICEMAILS_CALLEE)]
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let filter = VoicemailFilter::from(query::<VoicemailQuery>(&ask.query)?);
        let store = self.0.clone();
        let read = move |sight: Sight<'_>, ask: &PageAsk| -> Result<Page<Voicemail>, StoreError> {
            Handle::current().block_on(store.voicemails(sight, &filter, ask))
        };
        Ok(Box::new(Pages::new(ask, read, voicemail)))
    }
}

fn voicemail(message: Voicemail) -> Vec<Cell> {
    vec![
        Cell::Text(message.voicemail.to_string()),
        Cell::Text(message.call.to_string()),
        Cell::Text(message.mailbox),
        Cell::Text(message.caller),
        Cell::Text(message.caller_name),
        Cell::Text(message.callee),
        Cell::time(Some(message.left_at_ms)),
        Cell::lasted(Some(message.length_ms)),
        Cell::text(message.listened.map(|used| used.by)),
        Cell::text(message.downloaded.map(|used| used.by)),
    ]
}

/// A list read page by page to its end, on a thread that has entered the runtime.
struct Pages<R, S> {
    tenant: TenantId,
    scope: Scope,
    read: R,
    row: S,
    /// `None` after the last page.
    ask: Option<PageAsk>,
}

impl<R, S> Pages<R, S> {
    fn new(ask: &TaskAsk, read: R, row: S) -> Self {
        let first = Some(PageAsk::first(PAGE_MAX));
        Self { tenant: ask.tenant.clone(), scope: ask.scope.clone(), read, row, ask: first }
    }
}

impl<T, R, S> Rows for Pages<R, S>
where
    R: FnMut(Sight<'_>, &PageAsk) -> Result<Page<T>, StoreError> + Send,
    S: Fn(T) -> Vec<Cell> + Send,
{
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError> {
        let Some(ask) = self.ask.take() else { return Ok(Vec::new()) };
        let sight = Sight { tenant: &self.tenant, scope: &self.scope };
        let page = (self.read)(sight, &ask).map_err(|error| TaskError::Failed(error.to_string()))?;
        self.ask = page.next.map(|after| PageAsk { after: Some(after), ..ask });
        Ok(page.items.into_iter().map(|item| (self.row)(item)).collect())
    }
}

fn word_of<T: Serialize>(value: &T) -> Cell {
    Cell::Text(word(value))
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
