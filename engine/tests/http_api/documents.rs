//! The OpenAPI document and the page that shows it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::fixture::Fixture;
use crate::phonebook::Phonebook;

#[test]
fn each_operation_has_a_name_a_summary_and_shapes_that_exist() {
    let document = serde_json::to_value(engine::http::openapi(&[Arc::new(Phonebook::default())])).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!name.is_empty() && names.insert(name.clone()), "{method} {path}: `{name}`");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path} has no summary");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{method} {path} has no tag");
        }
    }
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    let known = document["components"]["schemas"].as_object().unwrap();
    for reference in used {
        let name = reference.rsplit('/').next().unwrap();
        assert!(known.contains_key(name), "{reference} leads nowhere");
    }
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                into.insert(reference.clone());
            }
            members.values().for_each(|member| references(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_reference_is_public_and_needs_no_other_host() {
    let fixture = Fixture::new().await;
    let client = fixture.client();
    let page = client.get("/api/docs").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let script = client.get("/api/docs/docs.js").await;
    for text in [&page.bytes, &script.bytes] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("src=\"//"), "{text}");
    }
    let document = client.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["paths"]["/api/v1/calls"]["post"]["x-permission"], "call.dial");
}
