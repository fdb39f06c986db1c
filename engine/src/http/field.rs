//! Fields that roles have rights on (字段权限, ORG-32): what of them leaves the server, and what of them comes in.
//!
//! A field is declared where its member of a schema is, as `x-field`, and so stands in the OpenAPI document. From there every operation
//! is narrowed by [`Fields`], every WebSocket by [`Shape`] and every file by its task: no handler shows or hides a number itself.
//! Programs see everything; what tells of numbers without a schema (the log of facts, SIP messages) is refused to whom anything is hidden
//! from, see [`super::principal::Principal::sees_numbers`].

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::{RefOr, Schema};

use super::BODY_MAX;
use super::mask::Masker;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use crate::store::roles::FieldRight;

/// Names a member's field in its schema.
pub const X_FIELD: &str = "x-field";

/// No answer that is narrowed is longer, bytes: a page of a list is a few hundred KB.
const ANSWER_MAX: usize = 64 * 1024 * 1024;
/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// What somebody may not do with fields, by `object.field`. What is not named is shown and changed.
pub type Rights = BTreeMap<String, FieldRight>;

/// What somebody sees less than all: by his role, and of the numbers that it shows by what a plugin says.
#[derive(Clone)]
pub(super) struct Eyes {
    rights: Rights,
    masker: Option<Masker>,
}

impl Eyes {
    /// Somebody's; `None` where he sees everything.
    pub(super) fn of(principal: &Principal, masker: Option<Masker>) -> Option<Self> {
        let rights = principal.narrowed().cloned();
        (rights.is_some() || masker.is_some()).then(|| Self { rights: rights.unwrap_or_default(), masker })
    }

    /// Takes out of a value what he may not see.
    async fn narrow(&self, named: &Named, schema: &Value, value: &mut Value) {
        narrow(named, &self.rights, schema, value);
        let Some(masker) = &self.masker else { return };
        let asks_of = |field: &str| {
            let shown = self.rights.get(field).is_none_or(|right| *right >= FieldRight::Read);
            shown && masker.asks_of(field)
        };
        let mut numbers = BTreeSet::new();
        each_field(named, schema, value, &mut |field, value| {
            if asks_of(field) {
                each_text(value, &mut |text| {
                    numbers.insert(text.clone());
                });
            }
        });
        let masked = masker.masked(numbers).await;
        each_field(named, schema, value, &mut |field, value| {
            if asks_of(field) {
                each_text(value, &mut |text| {
                    if masked.contains(text) {
                        *text = FieldRight::Masked.shown(text).unwrap_or_default();
                    }
                });
            }
        });
    }
}

/// The schemas by name, as far as operations refer to them.
type Named = BTreeMap<String, Value>;

/// The fields in an operation's bodies and answers.
#[derive(Clone, Debug)]
pub struct Fields {
    named: Named,
    operations: BTreeMap<&'static str, Bodies>,
}

#[derive(Clone, Debug, Default)]
struct Bodies {
    request: Option<Value>,
    /// By status.
    answers: BTreeMap<String, Value>,
}

impl Fields {
    /// Those of a path; `None` where it has none.
    #[must_use]
    pub fn of(schemas: &[(String, RefOr<Schema>)], paths: &Paths) -> Option<Self> {
        let named: Named = schemas.iter().map(|(name, schema)| (name.clone(), plain(schema))).collect();
        let mut operations = BTreeMap::new();
        for item in paths.paths.values() {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    operations.insert(method, Bodies::of(operation));
                }
            }
        }
        let all = operations.values().flat_map(|bodies| bodies.request.iter().chain(bodies.answers.values()));
        let any = all.into_iter().any(|schema| has_field(&named, schema, &mut Vec::new()));
        any.then_some(Self { named, operations })
    }

    /// Answers a request of somebody who sees so much.
    pub(super) async fn pass(&self, eyes: &Eyes, request: Request, next: Next) -> Response {
        let Some(bodies) = self.operations.get(request.method().as_str()) else { return next.run(request).await };
        let request = match &bodies.request {
            Some(schema) => match self.taken(&eyes.rights, schema, request).await {
                Ok(request) => request,
                Err(problem) => return problem.into_response(),
            },
            None => request,
        };
        let response = next.run(request).await;
        match bodies.answers.get(response.status().as_str()) {
            Some(schema) => self.given(eyes, schema, response).await.unwrap_or_else(IntoResponse::into_response),
            None => response,
        }
    }

    /// The request as it came, where it changes nothing that its sender may not.
    async fn taken(&self, rights: &Rights, schema: &Value, request: Request) -> Result<Request, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, BODY_MAX).await;
        let bytes = bytes.map_err(|_| Problem::new(Kind::TooLarge, "the body is larger than this operation takes"))?;
        // What cannot be read is told by who reads it.
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            let lost = match parts.method {
                Method::PUT => Lost::Everywhere,
                Method::PATCH => Lost::Below,
                _ => Lost::Nowhere,
            };
            let mut incoming = Incoming { named: &self.named, rights, faults: Vec::new() };
            incoming.look(schema, &value, "", lost);
            if !incoming.faults.is_empty() {
                return Err(Problem::invalid(incoming.faults));
            }
        }
        Ok(Request::from_parts(parts, Body::from(bytes)))
    }

    /// The answer with no more than its receiver may see.
    async fn given(&self, eyes: &Eyes, schema: &Value, response: Response) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        let bytes = to_bytes(body, ANSWER_MAX).await.map_err(|error| Problem::internal(&error))?;
        let mut value: Value = serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
        eyes.narrow(&self.named, schema, &mut value).await;
        let text = serde_json::to_vec(&value).map_err(|error| Problem::internal(&error))?;
        parts.headers.remove(header::CONTENT_LENGTH);
        Ok(Response::from_parts(parts, Body::from(text)))
    }
}

impl Bodies {
    fn of(operation: &Operation) -> Self {
        let operation = plain(operation);
        let schema = |of: &Value| of.pointer("/content/application~1json/schema").cloned();
        let answers = operation["responses"].as_object().into_iter().flatten();
        let answers = answers.filter(|(status, _)| status.starts_with('2'));
        let answers = answers.filter_map(|(status, answer)| Some((status.clone(), schema(answer)?))).collect();
        Self { request: schema(&operation["requestBody"]), answers }
    }
}

/// What one kind of message holds, where no operation describes it: what a WebSocket pushes.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    named: Named,
    schema: Value,
}

impl Shape {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let named = schemas.iter().map(|(name, schema)| (name.clone(), plain(schema))).collect();
        Self { named, schema: plain(&T::schema()) }
    }

    /// As text, with no more than somebody may see who sees so much.
    pub(super) async fn text(&self, eyes: Option<&Eyes>, mut whole: Value) -> String {
        if let Some(eyes) = eyes {
            eyes.narrow(&self.named, &self.schema, &mut whole).await;
        }
        whole.to_string()
    }
}

/// A part of the document as JSON.
fn plain(part: &impl Serialize) -> Value {
    serde_json::to_value(part).expect("the document is JSON")
}

/// The schemas that a schema is made of at the same place.
fn parts<'a>(named: &'a Named, schema: &'a Value) -> impl Iterator<Item = &'a Value> {
    let referred = schema["$ref"].as_str().and_then(|name| named.get(name.strip_prefix(SCHEMAS)?));
    let some = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    referred.into_iter().chain(some)
}

fn members(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Whether there is a field in it; `seen` are the names on the way to it.
fn has_field<'a>(named: &'a Named, schema: &'a Value, seen: &mut Vec<&'a str>) -> bool {
    if schema.get(X_FIELD).is_some() {
        return true;
    }
    if let Some(name) = schema["$ref"].as_str() {
        if seen.contains(&name) {
            return false;
        }
        seen.push(name);
    }
    let below =
        members(schema).map(|(_, member)| member).chain(schema.get("items")).chain(schema.get("additionalProperties"));
    parts(named, schema).chain(below).any(|schema| has_field(named, schema, seen))
}

/// Takes out of a value what a role keeps back.
fn narrow(named: &Named, rights: &Rights, schema: &Value, value: &mut Value) {
    each_field(named, schema, value, &mut |field, value| {
        if let Some(right) = rights.get(field) {
            hide(*right, value);
        }
    });
}

/// Does something to every field of a value, told its name.
fn each_field(named: &Named, schema: &Value, value: &mut Value, act: &mut dyn FnMut(&str, &mut Value)) {
    if let Some(field) = schema.get(X_FIELD).and_then(Value::as_str) {
        act(field, value);
        return;
    }
    for part in parts(named, schema) {
        each_field(named, part, value, act);
    }
    for (name, member) in members(schema) {
        if let Some(value) = value.get_mut(name) {
            each_field(named, member, value, act);
        }
    }
    match (schema.get("items"), schema.get("additionalProperties"), value) {
        (Some(item), _, Value::Array(values)) => {
            values.iter_mut().for_each(|value| each_field(named, item, value, act));
        }
        (_, Some(other), Value::Object(values)) => {
            values.values_mut().for_each(|value| each_field(named, other, value, act));
        }
        _ => {}
    }
}

/// Does something to the texts of a field: itself, or its items.
fn each_text(value: &mut Value, act: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => act(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, act)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// What is to be obeyed at this member, if it is a field.
fn right(rights: &Rights, schema: &Value) -> Option<FieldRight> {
    rights.get(schema.get(X_FIELD)?.as_str()?).copied()
}

fn hide(right: FieldRight, value: &mut Value) {
    match value {
        Value::String(text) => *text = right.shown(text).unwrap_or_default(),
        Value::Array(values) if right == FieldRight::Hidden => values.clear(),
        Value::Array(values) => values.iter_mut().for_each(|value| hide(right, value)),
        Value::Object(_) | Value::Number(_) | Value::Bool(_) if right < FieldRight::Read => *value = Value::Null,
        Value::Null | Value::Object(_) | Value::Number(_) | Value::Bool(_) => {}
    }
}

/// Where what a body leaves out is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// It sets the whole.
    Everywhere,
    /// It sets the whole of what it names.
    Below,
    /// It makes something.
    Nowhere,
}

/// Looks through a body for what its sender may not set.
struct Incoming<'a> {
    named: &'a Named,
    rights: &'a Rights,
    faults: Vec<FieldError>,
}

impl Incoming<'_> {
    fn look(&mut self, schema: &Value, value: &Value, at: &str, lost: Lost) {
        let named = self.named;
        parts(named, schema).for_each(|part| self.look(part, value, at, lost));
        let below = if lost == Lost::Below { Lost::Everywhere } else { lost };
        if let Value::Object(object) = value {
            for (name, member) in members(schema) {
                let place = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let (there, may_not) =
                    (object.get(name), right(self.rights, member).is_some_and(|right| right < FieldRight::Write));
                match there {
                    None if !may_not || lost != Lost::Everywhere => {}
                    Some(Value::Null) if !may_not || lost == Lost::Nowhere => {}
                    _ if may_not => self.faults.push(FieldError::new(
                        place,
                        "your role does not change this, and what is sent without it would clear it; ask an administrator",
                    )),
                    Some(value) => self.look(member, value, &place, below),
                    None => {}
                }
            }
        }
        if let (Some(item), Value::Array(values)) = (schema.get("items"), value) {
            values.iter().for_each(|value| self.look(item, value, at, below));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn named() -> Named {
        let number = json!({"type": "string", "x-field": "calls.caller"});
        let forward = json!({"type": ["string", "null"], "x-field": "calls.forward"});
        let numbers = json!({"type": "array", "items": {"type": "string"}, "x-field": "calls.caller"});
        let leaf =
            json!({"type": "object", "properties": {"number": number, "more": {"$ref": "#/components/schemas/Leaf"}}});
        let tree = json!({"allOf": [
            {"$ref": "#/components/schemas/Leaf"},
            {"type": "object", "properties": {
                "leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}},
                "by": {"type": "object", "additionalProperties": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Leaf"}]}},
                "numbers": numbers, "forward": forward, "name": {"type": "string"},
            }},
        ]});
        BTreeMap::from([("Leaf".to_owned(), leaf), ("Tree".to_owned(), tree)])
    }

    fn tree() -> Value {
        json!({"$ref": "#/components/schemas/Tree"})
    }

    fn rights(caller: FieldRight) -> Rights {
        BTreeMap::from([("calls.caller".to_owned(), caller), ("calls.forward".to_owned(), FieldRight::Hidden)])
    }

    const NUMBER: &str = "13800138000";

    fn shown(right: FieldRight) -> Value {
        let leaf = json!({"number": NUMBER, "more": {"number": NUMBER}});
        let mut value = json!({
            "number": NUMBER, "leaves": [leaf], "by": {"x": leaf, "y": null}, "numbers": [NUMBER], "forward": NUMBER,
            "name": NUMBER,
        });
        narrow(&named(), &rights(right), &tree(), &mut value);
        value
    }

    #[test]
    fn a_field_is_narrowed_wherever_its_schema_is() {
        let leaf = |number: &str| json!({"number": number, "more": {"number": number}});
        let expected = |number: &str, numbers: Value| {
            json!({"number": number, "leaves": [leaf(number)], "by": {"x": leaf(number), "y": null}, "numbers": numbers,
                "forward": "", "name": NUMBER})
        };
        assert_eq!(shown(FieldRight::Masked), expected("138****8000", json!(["138****8000"])));
        assert_eq!(shown(FieldRight::Hidden), expected("", json!([])));
        assert_eq!(shown(FieldRight::Read), expected(NUMBER, json!([NUMBER])));
    }

    fn faults(body: &Value, lost: Lost) -> Vec<String> {
        let (named, rights) = (named(), rights(FieldRight::Read));
        let mut incoming = Incoming { named: &named, rights: &rights, faults: Vec::new() };
        incoming.look(&tree(), body, "", lost);
        let fields: BTreeSet<String> = incoming.faults.into_iter().map(|fault| fault.field).collect();
        fields.into_iter().collect()
    }

    #[test]
    fn what_is_only_read_is_neither_set_nor_cleared() {
        let none: [&str; 0] = [];
        assert_eq!(faults(&json!({"name": "x"}), Lost::Nowhere), none);
        assert_eq!(faults(&json!({"name": "x", "number": null}), Lost::Nowhere), none);
        assert_eq!(faults(&json!({"name": "x"}), Lost::Below), none);
        assert_eq!(faults(&json!({"number": null}), Lost::Below), ["number"], "null clears");
        assert_eq!(faults(&json!({"number": "1"}), Lost::Nowhere), ["number"]);
        assert_eq!(faults(&json!({"leaves": [{}]}), Lost::Below), ["leaves.number"], "the whole of a leaf is set");
        assert_eq!(faults(&json!({"name": "x"}), Lost::Everywhere), ["forward", "number", "numbers"]);
    }

    #[test]
    fn a_schema_without_a_field_is_known_as_such() {
        let has = |schema: Value| has_field(&named(), &schema, &mut Vec::new());
        assert!(has(tree()) && has(json!({"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}})));
        assert!(!has(json!({"type": "object", "properties": {"a": {"type": "string"}}})));
    }
}
