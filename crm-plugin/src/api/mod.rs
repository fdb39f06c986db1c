//! The operations below `/api/v1/crm/` and `/api/v1/sms/`: the table, what they have in common, and one file a list. JSON is made here and nowhere else.

mod call_records;
mod export;
mod lost_answered;
mod lost_calls;
mod missed_calls;
mod settings;
mod shape;
mod sms_messages;
mod sms_templates;

use hooks::operation::{Fault, Operation, Problem, Request, Response};
use hooks::plugin::{FieldKey, Host, HostError, PermissionKey};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use export::exports;

use crate::sender::Bell;
use crate::store::query::{PageAsk, Span, View};
use crate::store::{CrmStore, StoreError};

const CALL_RECORDS_EXPORT: PermissionKey = PermissionKey("crm.call_records.export");
const CALL_RECORDS_READ: PermissionKey = PermissionKey("crm.call_records.read");
const LOST_ANSWERED_EXPORT: PermissionKey = PermissionKey("crm.lost_answered.export");
const LOST_ANSWERED_READ: PermissionKey = PermissionKey("crm.lost_answered.read");
const LOST_CALLS_EXPORT: PermissionKey = PermissionKey("crm.lost_calls.export");
const LOST_CALLS_HANDLE: PermissionKey = PermissionKey("crm.lost_calls.handle");
const LOST_CALLS_READ: PermissionKey = PermissionKey("crm.lost_calls.read");
const MISSED_CALLS_READ: PermissionKey = PermissionKey("crm.missed_calls.read");
const SETTINGS_READ: PermissionKey = PermissionKey("crm.settings.read");
const SETTINGS_WRITE: PermissionKey = PermissionKey("crm.settings.write");
const SMS_FREE_TEXT: PermissionKey = PermissionKey("sms.free_text");
const SMS_MESSAGES_READ: PermissionKey = PermissionKey("sms.messages.read");
const SMS_REVIEW: PermissionKey = PermissionKey("sms.review");
const SMS_SEND: PermissionKey = PermissionKey("sms.send");
const SMS_TEMPLATES_READ: PermissionKey = PermissionKey("sms.templates.read");
const SMS_TEMPLATES_WRITE: PermissionKey = PermissionKey("sms.templates.write");
/// The engine's key of starting calls (GEN-14).
const CALL_DIAL: PermissionKey = PermissionKey("call.dial");

/// The plugin's keys, with what each lets one do.
pub(crate) const KEYS: &[(PermissionKey, &str)] = &[
    (CALL_RECORDS_EXPORT, "Take the call records of one's data scope out as a file (CDR-04)."),
    (CALL_RECORDS_READ, "See the call records of one's data scope (CDR)."),
    (LOST_ANSWERED_EXPORT, "Take the lost calls that a mobile answered out as a file (LOSTANS-03)."),
    (LOST_ANSWERED_READ, "See the lost calls that a mobile answered (LOSTANS)."),
    (LOST_CALLS_EXPORT, "Take lost calls out as a file (LOST-04)."),
    (LOST_CALLS_HANDLE, "Occupy, release, complete and dial lost calls (LOST-05)."),
    (LOST_CALLS_READ, "See lost calls (LOST)."),
    (MISSED_CALLS_READ, "See the missed calls of one's data scope, and process one's own (MISS)."),
    (SETTINGS_READ, "See the settings of the CRM."),
    (SETTINGS_WRITE, "Change the settings of the CRM."),
    (SMS_FREE_TEXT, "Send short messages with a text of one's own (SMS-03)."),
    (SMS_MESSAGES_READ, "See the short messages of one's data scope (SMS-01)."),
    (SMS_REVIEW, "Approve or reject templates of short messages (SMS-07)."),
    (SMS_SEND, "Send short messages by approved templates (SMS-03)."),
    (SMS_TEMPLATES_READ, "See templates and signatures of short messages."),
    (SMS_TEMPLATES_WRITE, "Make, change and delete templates and signatures of short messages."),
];

const CALL_RECORDS_CALLER: FieldKey = phone("crm_call_records", "caller");
const CALL_RECORDS_CALLEE: FieldKey = phone("crm_call_records", "callee");
const LOST_ANSWERED_CALLER: FieldKey = phone("crm_lost_answered", "caller");
const LOST_ANSWERED_MOBILE: FieldKey = phone("crm_lost_answered", "mobile");
const LOST_CALLS_CALLER: FieldKey = phone("crm_lost_calls", "caller");
const MISSED_CALLS_CALLER: FieldKey = phone("crm_missed_calls", "caller");
const SMS_MESSAGES_NUMBER: FieldKey = phone("sms_messages", "number");

/// The fields that roles have rights on: each stands in a schema by [`shape::number_of`].
pub(crate) const FIELDS: &[FieldKey] = &[
    CALL_RECORDS_CALLER,
    CALL_RECORDS_CALLEE,
    LOST_ANSWERED_CALLER,
    LOST_ANSWERED_MOBILE,
    LOST_CALLS_CALLER,
    MISSED_CALLS_CALLER,
    SMS_MESSAGES_NUMBER,
];

const fn phone(object: &'static str, field: &'static str) -> FieldKey {
    FieldKey { object, field, phone: true }
}

/// Rows of a page where nothing is asked for, and at most; as the engine's own lists.
const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: u64 = 200;

/// All operations.
pub(crate) fn operations() -> Vec<Operation> {
    let lists = [call_records::operations(), missed_calls::operations(), lost_calls::operations()];
    let others = [lost_answered::operations(), settings::operations()];
    let sms = [sms_messages::operations(), sms_templates::operations()];
    lists.into_iter().chain(others).chain(sms).flatten().collect()
}

/// The schemas that they refer to.
pub(crate) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("CrmCallRecord", call_records::schema()),
        ("CrmCallRecordList", shape::list_of("CrmCallRecord")),
        ("CrmDepartment", shape::department()),
        ("CrmDialled", shape::dialled_schema()),
        ("CrmLostAnswered", lost_answered::schema()),
        ("CrmLostAnsweredList", shape::list_of("CrmLostAnswered")),
        ("CrmLostCall", lost_calls::schema()),
        ("CrmLostCallList", shape::list_of("CrmLostCall")),
        ("CrmMissedCall", missed_calls::schema()),
        ("CrmMissedCallList", shape::list_of("CrmMissedCall")),
        ("CrmMissedCallProcessed", missed_calls::processed_schema()),
        ("CrmSettings", settings::schema()),
        ("SmsMessage", sms_messages::schema()),
        ("SmsMessageList", shape::list_of("SmsMessage")),
        ("SmsOrder", sms_messages::order_schema()),
        ("SmsQueued", sms_messages::queued_schema()),
        ("SmsSignature", sms_templates::signature_schema()),
        ("SmsSignatureList", shape::list_of("SmsSignature")),
        ("SmsTemplate", sms_templates::schema()),
        ("SmsTemplateList", shape::list_of("SmsTemplate")),
    ]
}

/// Answers a request.
pub(crate) fn handle(store: &CrmStore, host: &dyn Host, bell: &Bell, request: &Request) -> Result<Response, Problem> {
    let asked = Asked { store, host, request };
    match request.operation {
        call_records::LIST => call_records::list(&asked),
        call_records::DIAL => call_records::dial(&asked),
        missed_calls::LIST => missed_calls::list(&asked),
        missed_calls::PROCESS => missed_calls::process(&asked),
        lost_calls::LIST => lost_calls::list(&asked),
        lost_calls::READ => lost_calls::read(&asked),
        lost_calls::OCCUPY => lost_calls::occupy(&asked),
        lost_calls::RELEASE => lost_calls::release(&asked),
        lost_calls::COMPLETE => lost_calls::complete(&asked),
        lost_calls::DIAL => lost_calls::dial(&asked),
        lost_answered::LIST => lost_answered::list(&asked),
        lost_answered::DIAL => lost_answered::dial(&asked),
        settings::READ => settings::read(&asked),
        settings::WRITE => settings::write(&asked),
        sms_messages::LIST => sms_messages::list(&asked),
        sms_messages::SEND => sms_messages::send(&asked, bell),
        sms_templates::LIST => sms_templates::list(&asked),
        sms_templates::READ => sms_templates::read(&asked),
        sms_templates::CREATE => sms_templates::create(&asked),
        sms_templates::REPLACE => sms_templates::replace(&asked),
        sms_templates::DELETE => sms_templates::delete(&asked),
        sms_templates::REVIEW => sms_templates::review(&asked),
        sms_templates::SIGNATURES => sms_templates::signatures(&asked),
        sms_templates::CREATE_SIGNATURE => sms_templates::create_signature(&asked),
        sms_templates::REPLACE_SIGNATURE => sms_templates::replace_signature(&asked),
        sms_templates::DELETE_SIGNATURE => sms_templates::delete_signature(&asked),
        other => Err(Problem::new(Fault::NotFound, format!("the CRM has no operation {other}"))),
    }
}

/// A request and what it is answered from.
struct Asked<'a> {
    store: &'a CrmStore,
    host: &'a dyn Host,
    request: &'a Request,
}

/// What the queries of lists have in common.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct ListQuery {
    view: Option<ViewName>,
    from: Option<u64>,
    to: Option<u64>,
    number: Option<String>,
    agent: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// GEN-08.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum ViewName {
    /// 全部数据.
    All,
    /// 我的数据.
    Mine,
}

impl Asked<'_> {
    fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let query = Value::Object(self.request.query.clone());
        serde_json::from_value(query).map_err(|error| Problem::new(Fault::Invalid, error.to_string()))
    }

    fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.request.body.clone())
            .map_err(|error| Problem::new(Fault::Invalid, error.to_string()))
    }

    fn path(&self, name: &str) -> &str {
        self.request.path.get(name).map_or("", String::as_str)
    }

    /// Today, where nothing is asked for (GEN-10).
    fn span(&self, query: &ListQuery) -> Result<Span, Problem> {
        let Span { from_ms, to_ms } = match (query.from, query.to) {
            (None, None) => {
                let day = self.host.day_began_ms(&self.request.caller.tenant, self.request.at_ms);
                Span { from_ms: day.map_err(|error| host_problem(&error))?, to_ms: u64::MAX }
            }
            (from, to) => Span { from_ms: from.unwrap_or_default(), to_ms: to.unwrap_or(u64::MAX) },
        };
        if from_ms > to_ms {
            return Err(Problem::invalid("to", "the time range ends before it begins"));
        }
        Ok(Span { from_ms, to_ms })
    }

    /// Whose rows are asked for; an agent can be chosen in All data alone (GEN-08, CDR-03).
    fn view(&self, query: &ListQuery) -> Result<View, Problem> {
        let caller = &self.request.caller;
        match (query.view.unwrap_or(ViewName::All), &caller.employee) {
            (ViewName::All, _) => Ok(View::All(caller.scope.clone())),
            (ViewName::Mine, _) if query.agent.is_some() => {
                Err(Problem::invalid("agent", "my data is one's own: leave `agent` out, or ask for view=all"))
            }
            (ViewName::Mine, Some(employee)) => Ok(View::Mine(employee.clone())),
            (ViewName::Mine, None) => {
                Err(Problem::invalid("view", "a program has no data of its own: ask for view=all"))
            }
        }
    }

    fn page(&self, query: &ListQuery) -> Result<PageAsk, Problem> {
        let place = |cursor: &String| {
            let (at_ms, id) = cursor.split_once(' ')?;
            Some((at_ms.parse().ok()?, id.to_owned()))
        };
        let bad = || Problem::invalid("cursor", "send next_cursor of the page before as it came");
        let after = query.cursor.as_ref().map(|cursor| place(cursor).ok_or_else(bad)).transpose()?;
        Ok(PageAsk { limit: query.limit.unwrap_or(LIMIT_DEFAULT), after })
    }

    fn number(&self, query: &ListQuery) -> Option<String> {
        query.number.as_ref().map(|number| self.host.normal(number))
    }

    /// The employee who asks; what only people do no program can.
    fn employee(&self) -> Result<&str, Problem> {
        let employee = self.request.caller.employee.as_deref();
        employee.ok_or_else(|| {
            Problem::new(Fault::Refused, "only an employee can do this: sign in as one instead of using a token")
        })
    }

    /// Calls a number for who asks, if he may: the call, or why not.
    fn dial(&self, employee: &str, number: &str) -> Result<String, String> {
        if !self.request.caller.keys.hold(CALL_DIAL) {
            return Err(format!("this needs the permission {}; ask an administrator for it", CALL_DIAL.0));
        }
        if number.is_empty() {
            return Err("the caller withheld his number: there is nothing to dial".to_owned());
        }
        let dialled = self.host.dial(&self.request.caller.tenant, employee, number);
        dialled.map(|call| call.to_string()).map_err(|error| error.to_string())
    }

    /// The same as an answer.
    fn dialled(&self, number: &str) -> Result<Response, Problem> {
        let call = self.dial(self.employee()?, number).map_err(|reason| Problem::new(Fault::Refused, reason))?;
        Ok(Response::one(json!({"call": call})))
    }
}

/// The place of a row as a cursor.
fn cursor(place: Option<(u64, String)>) -> Option<String> {
    place.map(|(at_ms, id)| format!("{at_ms} {id}"))
}

fn host_problem(error: &HostError) -> Problem {
    Problem::new(Fault::Unavailable, format!("try again in a moment: {error}"))
}

/// The database did not answer.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    Problem::new(Fault::Unavailable, format!("the CRM's database does not answer, calls go on: {error}"))
}
