//! Everything of another tenant by its path.

use std::collections::BTreeSet;

use super::bodies::{Sent, body, query};
use super::plant::{append, clients, deliver};
use super::{Two, is_asked};
use crate::rights::operations;

/// What is no tenant's own, or is found by a name that another tenant's may have, too: what comes back instead of 404.
const NAMED: [(&str, u16); 4] = [
    // A flow is made by saving it under a name.
    ("save_flow", 201),
    // Bans hold for the whole process.
    ("lift_ban", 204),
    // The plugin of the tests knows no tenants.
    ("read_phonebook_entry", 200),
    ("read_metrics", 200),
];

/// Reads that tell nothing of what a tenant has.
const TELLS_NOTHING: [&str; 15] = [
    // A tone of audio, a state, an empty list; the administrator is no agent, and his call left no ladder.
    "hear_prompt",
    "list_failed_rows",
    "list_own_missed",
    "read_hours_state",
    "read_ladder",
    "read_own_day",
    // His own role and number, and the programs that heard a recording: alike in both tenants.
    "list_recording_uses",
    "read_session",
    // Not done so far; what is in files is walked by itself.
    "download_task",
    // Of the process, or of all tenants alike.
    "list_bans",
    "list_modules",
    "list_permissions",
    "list_phonebook_entries",
    "read_metrics",
    "read_phonebook_entry",
];

/// Proves GEN-02 for lists: every read of the document tells its owner what was planted, so that a stranger who is told nothing proves
/// something, and nothing of the other tenant.
#[tokio::test]
async fn what_is_planted_is_told_to_its_owner() {
    let two = Two::new().await;
    let clients = clients(&two.fixture, &two.own.tenant).await;
    let (mut silent, mut told) = (BTreeSet::new(), Vec::new());
    for operation in operations().iter().filter(|it| it.method == "GET" && is_asked(it)) {
        if operation.path.ends_with("/stream") {
            continue;
        }
        let mut statuses = Vec::new();
        let mut is_told = false;
        for client in &clients {
            let answer = client.get(&two.own.path(&operation.path)).await;
            two.check(operation, &answer);
            let body = String::from_utf8_lossy(&answer.bytes);
            is_told |= two.own.is_told_by(&body);
            // Nobody has named anything of the other tenant so far: not even its names are told.
            two.require(!two.theirs.is_told_by(&body), || format!("{} tells {body}", operation.id));
            statuses.push(answer.status.as_u16());
        }
        if !is_told {
            silent.insert(operation.id.clone());
            told.push(format!("{} {statuses:?}", operation.id));
        }
    }
    let as_known = silent == TELLS_NOTHING.map(str::to_owned).into();
    two.require(as_known, || format!("silent: {told:?}"));
    two.is_well();
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
                two.require(answer.status.as_u16() == named.unwrap_or(404), || format!("{}: {told}", answer.status));
            }
            if operation.id == "save_flow" {
                // So that the operations on it that follow ask for the other tenant's again.
                let undone = client.send("DELETE", &path, None).await.status;
                two.require(undone == 204, || format!("{by}: the flow was not made"));
            }
            append(&two.fixture, &two.own);
        }
        two.fixture.publish_ban("192.0.2.9");
    }
    two.is_untouched(&before).await;
}
