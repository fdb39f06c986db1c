//! `/sms/templates` and `/sms/signatures` (SMS-06 to SMS-09).

use hooks::operation::{Content, Expected, Fault, Method, Operation, Problem, Response, Shape};
use hooks::plugin::PermissionKey;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{self, instant, parameter, reference};
use super::sms_messages::{TEXT_MAX, places};
use super::{
    Asked, LIMIT_MAX, ListQuery, SMS_REVIEW, SMS_TEMPLATES_READ, SMS_TEMPLATES_WRITE, cursor, host_problem,
    store_problem,
};
use crate::store::sms_templates::{Signature, Template, TemplateState, TemplateText, Unwritten};

pub(super) const LIST: &str = "list_sms_templates";
pub(super) const READ: &str = "read_sms_template";
pub(super) const CREATE: &str = "create_sms_template";
pub(super) const REPLACE: &str = "replace_sms_template";
pub(super) const DELETE: &str = "delete_sms_template";
pub(super) const REVIEW: &str = "review_sms_template";
pub(super) const SIGNATURES: &str = "list_sms_signatures";
pub(super) const CREATE_SIGNATURE: &str = "create_sms_signature";
pub(super) const REPLACE_SIGNATURE: &str = "replace_sms_signature";
pub(super) const DELETE_SIGNATURE: &str = "delete_sms_signature";

const STATES: &[&str] = &["pending", "approved", "rejected"];
/// Characters of a template's name.
const NAME_MAX: usize = 64;
/// Characters of a signature; carriers take no longer ones.
const SIGNATURE_MAX: usize = 20;
/// Characters of a remark or a reason.
const REMARK_MAX: usize = 200;
/// Signatures of a tenant.
const SIGNATURES_MAX: usize = 100;

pub(super) fn operations() -> Vec<Operation> {
    [of_templates(), of_signatures()].concat()
}

fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    permission: PermissionKey,
    summary: &'static str,
) -> Operation {
    Operation { name, method, path, permission, summary, query: Vec::new(), body: None, answers: Vec::new() }
}

fn made(name: &str) -> Vec<Expected> {
    vec![Expected { status: 201, about: "it is made", schema: Some(reference(name)) }]
}

fn gone() -> Vec<Expected> {
    vec![Expected { status: 204, about: "it is gone", schema: None }]
}

fn of_templates() -> Vec<Operation> {
    let list = vec![
        parameter("name", "the name holds this text", Shape::Text),
        parameter("state", "stands so", Shape::OneOf(STATES)),
        parameter("limit", "how many at most, 50 where it is left out", Shape::Whole { least: 1, most: LIMIT_MAX }),
        parameter("cursor", "`next_cursor` of the page before", Shape::Cursor),
    ];
    let (all, one) = ("/sms/templates", "/sms/templates/{id}");
    let (read, write) = (SMS_TEMPLATES_READ, SMS_TEMPLATES_WRITE);
    let template = || shape::ok("the template", "SmsTemplate");
    vec![
        Operation {
            query: list,
            answers: shape::ok("a page", "SmsTemplateList"),
            ..operation(LIST, Method::Get, all, read, "The templates of short messages, newest first.")
        },
        Operation { answers: template(), ..operation(READ, Method::Get, one, read, "One template.") },
        Operation {
            body: Some(template_body()),
            answers: made("SmsTemplate"),
            ..operation(CREATE, Method::Post, all, write, "Makes a template, which has to be reviewed.")
        },
        Operation {
            body: Some(template_body()),
            answers: template(),
            ..operation(REPLACE, Method::Put, one, write, "Changes a template, which has to be reviewed again.")
        },
        Operation {
            answers: gone(),
            ..operation(
                DELETE,
                Method::Delete,
                one,
                write,
                "Deletes a template; what was sent by it stays in the list.",
            )
        },
        Operation {
            body: Some(review_body()),
            answers: template(),
            ..operation(
                REVIEW,
                Method::Post,
                "/sms/templates/{id}/review",
                SMS_REVIEW,
                "Approves a template or rejects it.",
            )
        },
    ]
}

fn of_signatures() -> Vec<Operation> {
    let (all, one) = ("/sms/signatures", "/sms/signatures/{id}");
    let (read, write) = (SMS_TEMPLATES_READ, SMS_TEMPLATES_WRITE);
    vec![
        Operation {
            answers: shape::ok("all of them", "SmsSignatureList"),
            ..operation(SIGNATURES, Method::Get, all, read, "The signatures, by name.")
        },
        Operation {
            body: Some(signature_body()),
            answers: made("SmsSignature"),
            ..operation(CREATE_SIGNATURE, Method::Post, all, write, "Makes a signature.")
        },
        Operation {
            body: Some(signature_body()),
            answers: shape::ok("the signature", "SmsSignature"),
            ..operation(REPLACE_SIGNATURE, Method::Put, one, write, "Changes a signature.")
        },
        Operation {
            answers: gone(),
            ..operation(
                DELETE_SIGNATURE,
                Method::Delete,
                one,
                write,
                "Deletes a signature that no template uses; one always stays.",
            )
        },
    ]
}

fn template_body() -> Value {
    json!({"type": "object", "required": ["name", "content", "signature"], "additionalProperties": false, "properties": {
        "name": {"type": "string", "description": "1 to 64 characters; no other template has it"},
        "content": {"type": "string", "description": "1 to 500 characters; {places} are filled in when it is sent"},
        "signature": {"type": "string", "description": "the id of a signature"},
        "gateway_template": {"type": "string", "description": "its name at a gateway that takes templates alone"},
    }})
}

fn review_body() -> Value {
    json!({"type": "object", "required": ["approve"], "additionalProperties": false, "properties": {
        "approve": {"type": "boolean"},
        "reason": {"type": "string", "description": "why it is rejected; needed then"},
    }})
}

fn signature_body() -> Value {
    json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
        "name": {"type": "string", "description": "1 to 20 characters; no other signature has it"},
        "remark": {"type": "string", "description": "at most 200 characters"},
    }})
}

pub(super) fn schema() -> Value {
    shape::object(&[
        ("id", shape::text("a ULID")),
        ("name", shape::text("no other template has it")),
        ("content", shape::text("with {places}")),
        ("places", shape::texts("the names of what is filled in")),
        ("signature", shape::text("the signature's id")),
        ("signature_name", shape::text("the signature's name")),
        ("gateway_template", shape::text("its name at a gateway that takes templates alone; may be empty")),
        ("state", shape::word("待审核, 通过 or 驳回", STATES)),
        ("reason", shape::text("why it was rejected; empty else")),
        ("author", shape::text("who wrote it as it is")),
        ("reviewer", shape::maybe_text("who approved or rejected it")),
        ("created_at", shape::time("when it was made")),
    ])
}

pub(super) fn signature_schema() -> Value {
    shape::object(&[
        ("id", shape::text("a ULID")),
        ("name", shape::text("what stands before each text")),
        ("remark", shape::text("for people")),
        ("created_at", shape::time("when it was made")),
    ])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: Option<String>,
    state: Option<TemplateState>,
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (query, wanted): (ListQuery, Wanted) = (asked.query()?, asked.query()?);
    let tenant = &asked.request.caller.tenant;
    let page = asked.store.sms_templates(tenant, wanted.name.as_deref(), wanted.state, &asked.page(&query)?);
    let page = page.map_err(|error| store_problem(&error))?;
    Ok(Response::list(page.rows.iter().map(shown).collect(), cursor(page.next)))
}

pub(super) fn read(asked: &Asked<'_>) -> Result<Response, Problem> {
    let row = find(asked)?;
    Ok(Response::one(shown(&row)).version(row.version))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    content: String,
    signature: String,
    #[serde(default)]
    gateway_template: String,
}

impl Written {
    fn checked(self) -> Result<TemplateText, Problem> {
        let name = within("name", &self.name, 1, NAME_MAX)?;
        let content = within("content", &self.content, 1, TEXT_MAX)?;
        let braces_fit = content.matches('{').count() == content.matches('}').count();
        if !braces_fit || places(&content).iter().any(|place| place.is_empty() || place.contains('{')) {
            return Err(Problem::invalid("content", "write places as {name}, each brace with its other"));
        }
        let gateway = within("gateway_template", &self.gateway_template, 0, NAME_MAX)?;
        Ok(TemplateText { name, content, signature: self.signature, gateway })
    }
}

pub(super) fn create(asked: &Asked<'_>) -> Result<Response, Problem> {
    let text = asked.body::<Written>()?.checked()?;
    let author = (author(asked), asked.request.at_ms);
    let written = asked.store.write_sms_template(&asked.request.caller.tenant, None, &text, author);
    let row = written.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(Response { status: 201, content: Content::One(shown(&row)), version: Some(row.version) })
}

pub(super) fn replace(asked: &Asked<'_>) -> Result<Response, Problem> {
    let text = asked.body::<Written>()?.checked()?;
    let id = Some((asked.path("id"), asked.request.if_match.as_deref()));
    let author = (author(asked), asked.request.at_ms);
    let written = asked.store.write_sms_template(&asked.request.caller.tenant, id, &text, author);
    let row = written.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(Response::one(shown(&row)).version(row.version))
}

pub(super) fn delete(asked: &Asked<'_>) -> Result<Response, Problem> {
    let row = find(asked)?;
    let deleted = asked.store.delete_sms_template(&asked.request.caller.tenant, &row.id);
    deleted.map_err(|error| store_problem(&error))?;
    Ok(none())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    approve: bool,
    #[serde(default)]
    reason: String,
}

/// SMS-07: nobody reviews what he wrote himself, unless nobody else may.
pub(super) fn review(asked: &Asked<'_>) -> Result<Response, Problem> {
    let verdict: Verdict = asked.body()?;
    let reason = within("reason", &verdict.reason, usize::from(!verdict.approve), REMARK_MAX)?;
    let row = find(asked)?;
    let caller = &asked.request.caller;
    if asked.request.if_match.as_ref().is_some_and(|versions| !versions.contains(&row.version)) {
        return Err(unwritten(Unwritten::Changed));
    }
    if row.author == author(asked) {
        let another = asked.host.another_may(&caller.tenant, SMS_REVIEW, &row.author);
        if another.map_err(|error| host_problem(&error))? {
            return Err(Problem::new(Fault::Refused, "you wrote it: another reviewer has to look at it"));
        }
    }
    let state = if verdict.approve { TemplateState::Approved } else { TemplateState::Rejected };
    let reason = if verdict.approve { "" } else { &reason };
    let reviewed = asked.store.review_sms_template(&caller.tenant, &row, state, (author(asked), reason));
    let row = reviewed.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(Response::one(shown(&row)).version(row.version))
}

pub(super) fn signatures(asked: &Asked<'_>) -> Result<Response, Problem> {
    let all = asked.store.sms_signatures(&asked.request.caller.tenant).map_err(|error| store_problem(&error))?;
    Ok(Response::list(all.iter().map(signature_shown).collect(), None))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    name: String,
    #[serde(default)]
    remark: String,
}

impl WrittenSignature {
    fn checked(&self) -> Result<(String, String), Problem> {
        let name = within("name", &self.name, 1, SIGNATURE_MAX)?;
        if name.contains(['【', '】']) {
            return Err(Problem::invalid("name", "write it without 【 and 】: they are put around it"));
        }
        Ok((name, within("remark", &self.remark, 0, REMARK_MAX)?))
    }
}

pub(super) fn create_signature(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (name, remark) = asked.body::<WrittenSignature>()?.checked()?;
    let tenant = &asked.request.caller.tenant;
    let there = asked.store.sms_signatures(tenant).map_err(|error| store_problem(&error))?.len();
    if there >= SIGNATURES_MAX {
        let detail = format!("there are {SIGNATURES_MAX} signatures, as many as may be: delete some");
        return Err(Problem::new(Fault::Refused, detail));
    }
    let written = asked.store.write_sms_signature(tenant, None, (&name, &remark), asked.request.at_ms);
    let row = written.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(Response { status: 201, content: Content::One(signature_shown(&row)), version: Some(row.version) })
}

pub(super) fn replace_signature(asked: &Asked<'_>) -> Result<Response, Problem> {
    let (name, remark) = asked.body::<WrittenSignature>()?.checked()?;
    let id = Some((asked.path("id"), asked.request.if_match.as_deref()));
    let tenant = &asked.request.caller.tenant;
    let written = asked.store.write_sms_signature(tenant, id, (&name, &remark), asked.request.at_ms);
    let row = written.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(Response::one(signature_shown(&row)).version(row.version))
}

pub(super) fn delete_signature(asked: &Asked<'_>) -> Result<Response, Problem> {
    let deleted = asked.store.delete_sms_signature(&asked.request.caller.tenant, asked.path("id"));
    deleted.map_err(|error| store_problem(&error))?.map_err(unwritten)?;
    Ok(none())
}

fn none() -> Response {
    Response { status: 204, content: Content::None, version: None }
}

/// As whom a template is written and reviewed.
fn author<'a>(asked: &'a Asked<'_>) -> &'a str {
    let caller = &asked.request.caller;
    caller.employee.as_deref().unwrap_or(&caller.by)
}

fn find(asked: &Asked<'_>) -> Result<Template, Problem> {
    let found = asked.store.sms_template(&asked.request.caller.tenant, asked.path("id"));
    found.map_err(|error| store_problem(&error))?.ok_or_else(|| unwritten(Unwritten::Missing))
}

fn unwritten(why: Unwritten) -> Problem {
    match why {
        Unwritten::Missing => {
            Problem::new(Fault::NotFound, "there is none of that id; list them to see which there are")
        }
        Unwritten::Changed => {
            Problem::new(Fault::Changed, "somebody changed it meanwhile; read it again, then send your change")
        }
        Unwritten::NameTaken => Problem::invalid("name", "another has this name; choose a different one"),
        Unwritten::NoSignature => Problem::invalid("signature", "there is no such signature; make it first"),
        Unwritten::Used => Problem::new(Fault::Refused, "a template uses this signature: change or delete that first"),
        Unwritten::Last => {
            Problem::new(Fault::Refused, "messages need a signature, and this is the last: make another first")
        }
    }
}

/// Trimmed, of so many characters.
fn within(field: &'static str, text: &str, least: usize, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if (least..=most).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(Problem::invalid(field, format!("write {least} to {most} characters")))
    }
}

fn shown(row: &Template) -> Value {
    json!({
        "id": row.id,
        "name": row.text.name,
        "content": row.text.content,
        "places": places(&row.text.content),
        "signature": row.text.signature,
        "signature_name": row.signature_name,
        "gateway_template": row.text.gateway,
        "state": row.state,
        "reason": row.reason,
        "author": row.author,
        "reviewer": row.reviewer,
        "created_at": instant(row.at_ms),
    })
}

fn signature_shown(row: &Signature) -> Value {
    json!({"id": row.id, "name": row.name, "remark": row.remark, "created_at": instant(row.at_ms)})
}
