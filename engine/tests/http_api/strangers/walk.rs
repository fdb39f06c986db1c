//! Everything of another tenant by its path.

use std::collections::BTreeSet;

use super::bodies::{Sent, body, query};
use super::plant::{append, clients, deliver};
use super::{Two, is_asked};
use crate::rights::operations;

/// What is no tenant's own, or is found by a name that another tenant's may have, too: what comes back instead of 404.
const NAMED: [(&str, u16); 5] = [
    // A flow is made by saving it under a name.
    ("save_flow", 201),
    ("delete_flow", 204),
    // Bans hold for the whole process.
    ("lift_ban", 204),
    // The plugin of the tests knows no tenants.
    ("read_phonebook_entry", 200),
    ("read_metrics", 200),
];

/// Operations that tell no free text: a status, a count, a credential.
const TELLS_NO_TEXT: [&str; 0] = [];

/// Every read of the document tells its owner what was planted, so that a stranger who is told nothing proves something.
#[tokio::test]
async fn what_is_planted_is_told_to_its_owner() {
    let two = Two::new().await;
    let [admin, _] = clients(&two.fixture, &two.own.tenant).await;
    let mut silent = BTreeSet::new();
    for operation in operations().iter().filter(|it| it.method == "GET" && is_asked(it)) {
        if operation.path.ends_with("/stream") {
            continue;
        }
        let answer = admin.get(&two.own.path(&operation.path)).await;
        two.check(operation, &answer);
        if !String::from_utf8_lossy(&answer.bytes).contains(&two.own.canary) {
            silent.insert(format!("{} {}", operation.id, answer.status));
        }
    }
    assert_eq!(silent.iter().map(String::as_str).collect::<Vec<_>>(), TELLS_NO_TEXT);
}

/// Proves GEN-02: every operation, with the IDs of another tenant in its path and a valid body, by a token that may do everything and by
/// the administrator.
#[tokio::test]
async fn a_stranger_of_another_tenant_sees_and_changes_nothing() {
    let two = Two::new().await;
    let before = two.dump().await;
    let mut n = 100;
    for (by, client) in ["token", "administrator"].into_iter().zip(clients(&two.fixture, &two.own.tenant).await) {
        for operation in operations().iter().filter(|it| is_asked(it)) {
            let writer = two.writer(&mut n);
            let path = two.theirs.path(&operation.path) + &query(&operation.id, &writer);
            let sent = if operation.takes_body { body(&operation.id, &writer, &two.own) } else { Sent::Nothing };
            let answer = deliver(&client, &operation.method, &path, sent).await;
            two.check(operation, &answer);
            if operation.path.contains('{') {
                let named = NAMED.iter().find(|(id, _)| *id == operation.id).map(|(_, status)| *status);
                let told = format!("{by}: {} gave {}", operation.id, String::from_utf8_lossy(&answer.bytes));
                assert_eq!(answer.status.as_u16(), named.unwrap_or(404), "{told}");
            }
            append(&two.fixture, &two.own);
        }
        two.fixture.publish_ban("192.0.2.9");
    }
    two.is_untouched(&before).await;
}
