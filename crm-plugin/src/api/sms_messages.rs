//! `/sms/messages`: what was sent to whom, and sending (SMS-01 to SMS-05).

use std::collections::{BTreeMap, BTreeSet};

use hooks::operation::{Content, Expected, Fault, Method, Operation, Problem, Response, Shape};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{self, instant, parameter, reference};
use super::{
    Asked, ListQuery, SMS_FREE_TEXT, SMS_MESSAGES_NUMBER, SMS_MESSAGES_READ, SMS_SEND, cursor, host_problem,
    store_problem,
};
use crate::sender::Bell;
use crate::store::sms_messages::{MessageFilter, MessageResult, NewMessage, SmsMessage};
use crate::store::sms_templates::{Template, TemplateState};

pub(super) const LIST: &str = "list_sms_messages";
pub(super) const SEND: &str = "send_sms";

const RESULTS: &[&str] = &["not_sent", "sent", "failed"];
/// Numbers of one order (SMS-05).
const NUMBERS_MAX: usize = 50;
/// Characters of a text, its signature not counted: several parts of a long message.
pub(super) const TEXT_MAX: usize = 500;

pub(super) fn operations() -> Vec<Operation> {
    let list = [
        shape::view(),
        vec![
            shape::number("was sent to this number, however it is written"),
            parameter("result", "what came of it", Shape::OneOf(RESULTS)),
        ],
        shape::common(),
    ];
    let queued = Expected {
        status: 201,
        about: "each with what became of it so far: what a rule refused has `not_sent` and a reason",
        schema: Some(reference("SmsQueued")),
    };
    vec![
        Operation {
            name: LIST,
            method: Method::Get,
            path: "/sms/messages",
            permission: SMS_MESSAGES_READ,
            summary: "The short messages, newest first.",
            query: list.concat(),
            body: None,
            answers: shape::ok("a page", "SmsMessageList"),
        },
        Operation {
            name: SEND,
            method: Method::Post,
            path: "/sms/messages",
            permission: SMS_SEND,
            summary: "Sends a short message to up to 50 numbers: by an approved template, or a text of one's own with `sms.free_text`.",
            query: Vec::new(),
            body: Some(reference("SmsOrder")),
            answers: vec![queued],
        },
    ]
}

pub(super) fn order_schema() -> Value {
    json!({"type": "object", "required": ["numbers"], "additionalProperties": false, "properties": {
        "numbers": {"type": "array", "items": {"type": "string"},
            "description": "1 to 50; commas (also Chinese ones) separate several in one text; blanks and repeated ones are dropped"},
        "template": {"type": "string", "description": "the id of an approved template; or give `text`"},
        "parameters": {"type": "object", "additionalProperties": {"type": "string"},
            "description": "what stands in the template's {places}"},
        "text": {"type": "string", "description": "a text of one's own, at most 500 characters"},
        "signature": {"type": "string", "description": "the id of the signature of that text; the first by name where it is left out"},
    }})
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("a ULID")),
        ("at", shape::time("when it was ordered")),
        ("number", shape::number_of(SMS_MESSAGES_NUMBER, "the number as it was typed")),
        ("content", shape::text("the text without its signature")),
        ("signature", shape::text("the signature before the text")),
        ("template", shape::maybe_text("the template's name; null for a text of one's own")),
        ("sender", shape::maybe_text("the employee number of who sent it; null for a program")),
        ("sender_name", shape::maybe_text("his name as it was then")),
        ("department", shape::maybe_department()),
        ("result", shape::word("未发送, 发送成功 or 发送失败", RESULTS)),
        ("reason", shape::text("why it was refused or failed; empty else")),
    ])
}

pub(super) fn queued_schema() -> Value {
    shape::object(&[("items", json!({"type": "array", "items": reference("SmsMessage")}))])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    result: Option<MessageResult>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (query, own): (ListQuery, Own) = (asked.query()?, asked.query()?);
    let filter = MessageFilter {
        view: asked.view(&query)?,
        span: asked.span(&query)?,
        number: asked.number(&query),
        result: own.result,
    };
    let page = asked.store.sms_messages(&asked.request.caller.tenant, &filter, &asked.page(&query)?);
    let page = page.map_err(|error| store_problem(&error))?;
    Ok(Response::list(page.rows.iter().map(shown).collect(), cursor(page.next)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    numbers: Vec<String>,
    template: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    text: Option<String>,
    signature: Option<String>,
}

/// What is said, the same to all.
struct Said {
    content: String,
    signature: String,
    template: Option<String>,
    gateway: String,
    parameters: BTreeMap<String, String>,
}

pub(super) fn send(asked: &Asked<'_>, bell: &Bell) -> Result<Response, Problem> {
    let order: Order = asked.body()?;
    let numbers = numbers(asked, &order.numbers)?;
    let said = said(asked, order)?;
    let caller = &asked.request.caller;
    let sender = match &caller.employee {
        Some(number) => asked.host.employee(&caller.tenant, number).map_err(|error| host_problem(&error))?,
        None => None,
    };
    let message = |(number_normal, number)| NewMessage {
        number,
        number_normal,
        content: said.content.clone(),
        signature: said.signature.clone(),
        template: said.template.clone(),
        gateway: said.gateway.clone(),
        parameters: said.parameters.clone(),
    };
    let messages = numbers.into_iter().map(message).collect();
    let queued = asked.store.queue_sms(&caller.tenant, sender.as_ref(), messages, asked.request.at_ms);
    let queued = queued.map_err(|error| store_problem(&error))?;
    bell.ring();
    let items: Vec<Value> = queued.iter().map(shown).collect();
    Ok(Response { status: 201, content: Content::One(json!({"items": items})), version: None })
}

/// SMS-05: each number once, in the order in which they were typed, by its normal form; one that is none spoils the order.
fn numbers(asked: &Asked<'_>, texts: &[String]) -> Result<Vec<(String, String)>, Problem> {
    let mut seen = BTreeSet::new();
    let mut numbers = Vec::new();
    for text in texts.iter().flat_map(|text| text.split([',', '，'])).map(str::trim).filter(|text| !text.is_empty()) {
        let normal = asked.host.normal(text);
        let is_number = normal.strip_prefix('+').is_some_and(|digits| (7..=15).contains(&digits.len()));
        if !is_number {
            let detail = format!("`{text}` is no number that gets messages; nothing was sent, mend it and send again");
            return Err(Problem::invalid("numbers", detail));
        }
        if seen.insert(normal.clone()) {
            numbers.push((normal, text.to_owned()));
        }
    }
    if !(1..=NUMBERS_MAX).contains(&numbers.len()) {
        let detail = format!("write 1 to {NUMBERS_MAX} numbers, not {}; nothing was sent", numbers.len());
        return Err(Problem::invalid("numbers", detail));
    }
    Ok(numbers)
}

fn said(asked: &Asked<'_>, order: Order) -> Result<Said, Problem> {
    match (order.template, order.text) {
        (Some(id), None) => {
            let template = asked.store.sms_template(&asked.request.caller.tenant, &id);
            let template = template.map_err(|error| store_problem(&error))?;
            let template = template.ok_or_else(|| Problem::invalid("template", "there is no such template"))?;
            by_template(template, order.parameters)
        }
        (None, Some(text)) => of_ones_own(asked, text, order.signature.as_deref()),
        (Some(_), Some(_)) | (None, None) => {
            Err(Problem::invalid("template", "name a template or write a text, one of both"))
        }
    }
}

/// SMS-07: only what was approved is sent.
fn by_template(template: Template, parameters: BTreeMap<String, String>) -> Result<Said, Problem> {
    if template.state != TemplateState::Approved {
        return Err(Problem::new(Fault::Refused, "this template is not approved: ask a reviewer, or choose another"));
    }
    let places = places(&template.text.content);
    if let Some(missing) = places.iter().find(|place| !parameters.contains_key(**place)) {
        return Err(Problem::invalid("parameters", format!("say what stands for {{{missing}}}")));
    }
    if let Some(other) = parameters.keys().find(|name| !places.contains(name.as_str())) {
        return Err(Problem::invalid("parameters", format!("the template has no {{{other}}}")));
    }
    let content = filled(&template.text.content, &parameters);
    if content.chars().count() > TEXT_MAX {
        return Err(Problem::invalid("parameters", format!("the text has more than {TEXT_MAX} characters with these")));
    }
    Ok(Said {
        content,
        signature: template.signature_name,
        template: Some(template.text.name),
        gateway: template.text.gateway,
        parameters,
    })
}

/// SMS-03: a text of one's own has a signature, too.
fn of_ones_own(asked: &Asked<'_>, text: String, signature: Option<&str>) -> Result<Said, Problem> {
    let caller = &asked.request.caller;
    if !caller.keys.hold(SMS_FREE_TEXT) {
        let detail = format!("a text of your own needs the permission {}; choose a template", SMS_FREE_TEXT.0);
        return Err(Problem::new(Fault::Refused, detail));
    }
    let content = text.trim();
    if !(1..=TEXT_MAX).contains(&content.chars().count()) {
        return Err(Problem::invalid("text", format!("write 1 to {TEXT_MAX} characters")));
    }
    let signatures = asked.store.sms_signatures(&caller.tenant).map_err(|error| store_problem(&error))?;
    let chosen = signatures.into_iter().find(|one| signature.is_none_or(|id| one.id == id));
    let chosen = chosen.ok_or_else(|| Problem::invalid("signature", "there is no such signature; make one first"))?;
    Ok(Said {
        content: content.to_owned(),
        signature: chosen.name,
        template: None,
        gateway: String::new(),
        parameters: BTreeMap::new(),
    })
}

/// The names that stand in braces.
pub(super) fn places(content: &str) -> BTreeSet<&str> {
    let in_braces = content.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    in_braces.map(|(name, _)| name).collect()
}

/// What was filled in is not looked at again: a name with braces in it stays as it is.
fn filled(content: &str, parameters: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}').and_then(|(name, tail)| Some((parameters.get(name)?, tail))) {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

fn shown(row: &SmsMessage) -> Value {
    json!({
        "id": row.id,
        "at": instant(row.at_ms),
        "number": row.what.number,
        "content": row.what.content,
        "signature": row.what.signature,
        "template": row.what.template,
        "sender": row.agent,
        "sender_name": row.agent_name,
        "department": shape::department_value(row.department.as_ref(), row.department_name.as_ref()),
        "result": row.state.result(),
        "reason": row.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        let content = "{name}，您的工单{id}已受理 {";
        assert_eq!(places(content), ["id", "name"].into());
        let values = [("name", "{id}"), ("id", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(filled(content, &values.into()), "{id}，您的工单7已受理 {");
    }
}
