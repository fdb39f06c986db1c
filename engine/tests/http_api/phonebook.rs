//! A plugin with operations of every kind, one of which hangs and one of which panics.

use std::sync::{Arc, Condvar, Mutex};

use hooks::id::TenantId;
use hooks::lookup::{DialResolve, Lookups, NumberMask};
use hooks::operation::{Content, Expected, Fault, Method, Operation, Parameter, Problem, Request, Response, Shape};
use hooks::plugin::{FieldKey, Host, PermissionKey, Plugin, PluginError};
use hooks::task::{Cell, Export, Rows, TaskAsk, TaskError};
use serde_json::{Value, json};

const READ: PermissionKey = PermissionKey("phonebook.read");
const WRITE: PermissionKey = PermissionKey("phonebook.write");

/// Of an entry.
const NUMBER: FieldKey = FieldKey { object: "entries", field: "number", phone: true };
const WHOSE_NUMBER: &str = "13900007777";

/// Whether it says who may see a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Masking {
    /// It does not.
    #[default]
    Never,
    /// Nobody but this login sees them in full.
    AllBut(&'static str),
    Hangs,
    Panics,
}

/// It also knows the number of one record.
#[derive(Default)]
pub(crate) struct Phonebook {
    pub(crate) masking: Mutex<Masking>,
    /// The numbers that it was asked about, and for whom.
    pub(crate) asked: Mutex<Vec<NumberMask>>,
    pub(crate) written: Mutex<Vec<Value>>,
    /// True once those that hang may go on.
    released: Mutex<bool>,
    changed: Condvar,
}

impl Phonebook {
    /// What hangs goes on.
    pub(crate) fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn hang(&self) {
        let released = self.released.lock().unwrap();
        drop(self.changed.wait_while(released, |released| !*released).unwrap());
    }
}

impl Lookups for Phonebook {
    fn resolve(&self, asked: &DialResolve) -> Option<String> {
        match asked.record.as_str() {
            "customer-7" if asked.tenant == TenantId::first() => Some("138 0000 0007".to_owned()),
            "customer-8" => Some("no number".to_owned()),
            _ => None,
        }
    }

    fn masks_numbers(&self) -> bool {
        *self.masking.lock().unwrap() != Masking::Never
    }

    fn masks(&self, asked: &NumberMask) -> Option<bool> {
        self.asked.lock().unwrap().push(asked.clone());
        let masking = self.masking.lock().unwrap().clone();
        match masking {
            Masking::Never => None,
            Masking::AllBut(login) => Some(login != asked.viewer),
            Masking::Hangs => {
                self.hang();
                Some(true)
            }
            Masking::Panics => panic!("a bug in a plugin"),
        }
    }
}

fn entry() -> Value {
    json!({"$ref": "#/components/schemas/PhonebookEntry"})
}

impl Plugin for Phonebook {
    fn name(&self) -> &'static str {
        "phonebook"
    }

    fn permission_keys(&self) -> &'static [(PermissionKey, &'static str)] {
        &[(READ, "See the phone book."), (WRITE, "Change the phone book.")]
    }

    fn fields(&self) -> &'static [FieldKey] {
        &[NUMBER, FieldKey { object: "entries", field: "note", phone: false }]
    }

    fn operations(&self) -> Vec<Operation> {
        let parameter = |name, shape| Parameter { name, about: "as it says", shape };
        let read = Operation {
            name: "read_phonebook_entry",
            method: Method::Get,
            path: "entries/{id}",
            permission: READ,
            summary: "One entry.",
            query: vec![
                parameter("text", Shape::Text),
                parameter("whole", Shape::Whole { least: 1, most: 9 }),
                parameter("flag", Shape::Flag),
                parameter("time", Shape::Time),
                parameter("word", Shape::OneOf(&["up", "down"])),
            ],
            body: None,
            answers: vec![Expected { status: 200, about: "the entry", schema: Some(entry()) }],
        };
        let list = Operation {
            name: "list_phonebook_entries",
            path: "entries",
            summary: "All entries.",
            query: vec![parameter("cursor", Shape::Cursor)],
            ..read.clone()
        };
        let write = Operation {
            name: "write_phonebook_entry",
            method: Method::Post,
            path: "entries",
            permission: WRITE,
            summary: "A new entry.",
            query: Vec::new(),
            body: Some(entry()),
            answers: vec![Expected { status: 201, about: "made", schema: Some(entry()) }],
        };
        vec![read, list, write]
    }

    fn schemas(&self) -> Vec<(&'static str, Value)> {
        vec![(
            "PhonebookEntry",
            json!({"type": "object", "properties": {
                "name": {"type": ["string", "null"]},
                "number": {"type": "string", "x-field": NUMBER.name()},
                "note": {"type": "string", "x-field": "entries.note"},
            }}),
        )]
    }

    fn handle(&self, host: &dyn Host, request: &Request) -> Result<Response, Problem> {
        if request.operation == "write_phonebook_entry" {
            self.written.lock().unwrap().push(request.body.clone());
            return Ok(Response { status: 201, content: Content::One(request.body.clone()), version: Some(1) });
        }
        if request.operation == "list_phonebook_entries" {
            let after = request.query.get("cursor").and_then(Value::as_str).unwrap_or_default().to_owned();
            let next = after.is_empty().then(|| "the first".to_owned());
            return Ok(Response::list(vec![json!({"after": after})], next));
        }
        match request.path["id"].as_str() {
            "panics" => panic!("a bug in a plugin"),
            "hangs" => self.hang(),
            "refused" => return Err(Problem::new(Fault::Refused, "not now")),
            "changed" => return Err(Problem::new(Fault::Changed, "read it again")),
            "away" => return Err(Problem::new(Fault::Unavailable, "later")),
            "invalid" => return Err(Problem::invalid("whole", "odd")),
            "7" => {}
            _ => return Err(Problem::new(Fault::NotFound, "there is none")),
        }
        let caller = &request.caller;
        let employee = caller.employee.as_deref().unwrap_or("10000");
        let found = host
            .employee(&caller.tenant, employee)
            .map_err(|error| Problem::new(Fault::Unavailable, error.to_string()))?;
        let shown = json!({
            "id": request.path["id"],
            "tenant": caller.tenant,
            "employee": caller.employee,
            "by": caller.by,
            "may_write": caller.keys.hold(WRITE),
            "query": request.query,
            "if_match": request.if_match,
            "name": found.map(|employee| employee.name),
            "number": WHOSE_NUMBER,
        });
        Ok(Response::one(shown).version(3))
    }

    fn exports(&self, _: &Arc<dyn Host>) -> Vec<Arc<dyn Export>> {
        vec![Arc::new(Entries)]
    }

    fn lookups(&self) -> Option<&dyn Lookups> {
        Some(self)
    }

    fn run(&self, _: &dyn Host) -> Result<(), PluginError> {
        Ok(())
    }
}

/// One entry as a row: the word and the time that were asked for, a number, and a minute and a second.
struct Entries;

impl Export for Entries {
    fn module(&self) -> &'static str {
        "phonebook_entries"
    }

    fn permission(&self) -> PermissionKey {
        READ
    }

    fn columns(&self) -> &'static [&'static str] {
        &["word", "number", "at", "lasted"]
    }

    fn fields(&self) -> &'static [(&'static str, FieldKey)] {
        &[("number", NUMBER)]
    }

    fn parameters(&self) -> Vec<Parameter> {
        Phonebook::default().operations().swap_remove(0).query
    }

    fn open(&self, ask: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        let word = ask.parameters["word"].as_str().unwrap().to_owned();
        let at_ms = ask.parameters["time"].as_u64().unwrap();
        let number = Cell::Text(WHOSE_NUMBER.to_owned());
        Ok(Box::new(Once(Some(vec![Cell::Text(word), number, Cell::Time(at_ms), Cell::Lasted(61_999)]))))
    }
}

struct Once(Option<Vec<Cell>>);

impl Rows for Once {
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError> {
        Ok(self.0.take().into_iter().collect())
    }
}
