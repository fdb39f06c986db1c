//! The lists as files (GEN-11). Rows come from the list's own query, page by page, with the same refusals and masks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooks::operation::{Caller, Fault, Keys, Operation, Parameter, Problem, Request};
use hooks::plugin::{FieldKey, Host, PermissionKey};
use hooks::task::{self, Cell, Export, TaskAsk, TaskError};
use serde_json::{Map, Value};

use super::{
    Asked, CALL_RECORDS_CALLEE, CALL_RECORDS_CALLER, CALL_RECORDS_EXPORT, LIMIT_MAX, LOST_ANSWERED_CALLER,
    LOST_ANSWERED_EXPORT, LOST_ANSWERED_MOBILE, LOST_CALLS_CALLER, LOST_CALLS_EXPORT, call_records, lost_answered,
    lost_calls, store_problem,
};
use crate::Shelf;

/// A page of a list as rows of a file.
pub(super) struct Rows {
    /// As long as the columns, each.
    pub(super) cells: Vec<Vec<Cell>>,
    /// The cursor of the next page.
    pub(super) next: Option<String>,
}

/// A list that may be taken out. There is none of missed calls (MISS-06).
struct List {
    module: &'static str,
    permission: PermissionKey,
    columns: &'static [&'static str],
    fields: &'static [(&'static str, FieldKey)],
    name: &'static str,
    operations: fn() -> Vec<Operation>,
    rows: fn(&Asked<'_>) -> Result<Rows, Problem>,
}

static LISTS: [List; 3] = [
    List {
        module: "crm_call_records",
        permission: CALL_RECORDS_EXPORT,
        columns: call_records::COLUMNS,
        fields: &[("caller", CALL_RECORDS_CALLER), ("callee", CALL_RECORDS_CALLEE)],
        name: call_records::LIST,
        operations: call_records::operations,
        rows: call_records::rows,
    },
    List {
        module: "crm_lost_calls",
        permission: LOST_CALLS_EXPORT,
        columns: lost_calls::COLUMNS,
        fields: &[("caller", LOST_CALLS_CALLER)],
        name: lost_calls::LIST,
        operations: lost_calls::operations,
        rows: lost_calls::rows,
    },
    List {
        module: "crm_lost_answered",
        permission: LOST_ANSWERED_EXPORT,
        columns: lost_answered::COLUMNS,
        fields: &[("caller", LOST_ANSWERED_CALLER), ("mobile", LOST_ANSWERED_MOBILE)],
        name: lost_answered::LIST,
        operations: lost_answered::operations,
        rows: lost_answered::rows,
    },
];

/// All of them.
pub(crate) fn exports(shelf: &Arc<Shelf>, host: &Arc<dyn Host>) -> Vec<Arc<dyn Export>> {
    let export = |list| -> Arc<dyn Export> { Arc::new(ListExport { list, from: Source(shelf.clone(), host.clone()) }) };
    LISTS.iter().map(export).collect()
}

/// What rows are read from.
#[derive(Clone)]
struct Source(Arc<Shelf>, Arc<dyn Host>);

struct ListExport {
    list: &'static List,
    from: Source,
}

impl Export for ListExport {
    fn module(&self) -> &'static str {
        self.list.module
    }

    fn permission(&self) -> PermissionKey {
        self.list.permission
    }

    fn columns(&self) -> &'static [&'static str] {
        self.list.columns
    }

    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        self.list.fields
    }

    fn parameters(&self) -> Vec<Parameter> {
        let operations = (self.list.operations)().into_iter();
        operations.filter(|operation| operation.name == self.list.name).flat_map(|operation| operation.query).collect()
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn task::Rows>, TaskError> {
        let request = request(self.list.name, ask);
        // One row, to see whether the query is one.
        read(self.list, &self.from, &with(&request, 1, None))?;
        Ok(Box::new(Pages { list: self.list, from: self.from.clone(), request, next: Some(None) }))
    }
}

/// The request of the list that would show the same.
fn request(operation: &'static str, ask: &TaskAsk) -> Request {
    let caller = Caller {
        tenant: ask.tenant.clone(),
        employee: ask.employee.clone(),
        by: ask.by.clone(),
        scope: ask.scope.clone(),
        // Lists ask for none; whether he may take them out was asked when the task was.
        keys: Keys::Only(BTreeSet::new()),
    };
    Request {
        operation,
        caller,
        path: BTreeMap::new(),
        query: ask.parameters.clone(),
        body: Value::Null,
        if_match: None,
        at_ms: ask.at_ms,
    }
}

fn with(request: &Request, limit: u64, cursor: Option<String>) -> Request {
    let mut query: Map<String, Value> = request.query.clone();
    query.insert("limit".to_owned(), limit.into());
    query.remove("cursor");
    query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.into())));
    Request { query, ..request.clone() }
}

fn read(list: &List, Source(shelf, host): &Source, request: &Request) -> Result<Rows, TaskError> {
    let rows = shelf.store(&**host).map_err(|error| store_problem(&error));
    let rows = rows.and_then(|store| (list.rows)(&Asked { store: &store, host: &**host, request }));
    rows.map_err(|problem| match problem.fault {
        Fault::Invalid => TaskError::Unacceptable(problem.detail),
        Fault::NotFound | Fault::Refused | Fault::Changed | Fault::Unavailable => TaskError::Failed(problem.detail),
    })
}

/// A list read page by page to its end.
struct Pages {
    list: &'static List,
    from: Source,
    request: Request,
    /// The cursor of the next page; `None` after the last one.
    next: Option<Option<String>>,
}

impl task::Rows for Pages {
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError> {
        let Some(cursor) = self.next.take() else { return Ok(Vec::new()) };
        let rows = read(self.list, &self.from, &with(&self.request, LIMIT_MAX, cursor))?;
        self.next = rows.next.map(Some);
        Ok(rows.cells)
    }
}
