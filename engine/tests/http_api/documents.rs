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
    for reference in used {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
}

/// Clients can tell the answers of an operation apart: each status that it may give is named, and a fault of ours is never part of the deal.
#[test]
fn each_operation_names_the_statuses_that_it_gives_and_no_fault_of_ours() {
    let document = serde_json::to_value(engine::http::openapi(&[Arc::new(Phonebook::default())])).unwrap();
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let answers = document["paths"][path][method]["responses"].as_object();
        answers.unwrap_or_else(|| panic!("{method} {path}")).keys().cloned().collect()
    };
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            for status in statuses(path, method) {
                let number: u16 = status.parse().unwrap_or_else(|_| panic!("{method} {path}: {status}"));
                assert!((100..500).contains(&number), "{method} {path}: {status}");
            }
        }
    }
    assert_eq!(statuses("/api/v1/routes/{name}", "get"), ["200", "401", "403", "404"]);
    let written = ["200", "400", "401", "403", "404", "409", "412", "413", "415", "422"];
    assert_eq!(statuses("/api/v1/routes/{name}", "put"), written);
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
