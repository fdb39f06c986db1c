//! Ways through flows as part of a record, on each database.

use hooks::fact::{Event, FlowStep, FlowWalked};
use hooks::id::TenantId;

use super::centre_tests::{Day, START_MS, call, consumed};
use crate::store::scope::Sight;
use crate::store::tests::on_each_database;

fn step(second: u64, node: &str, keys: &str, exit: Option<&str>) -> FlowStep {
    FlowStep {
        flow: "main".into(),
        version: 2,
        node: node.into(),
        step: if node == "wait" { "queue" } else { "menu" }.into(),
        at_ms: START_MS + second * 1_000,
        keys: keys.into(),
        typed: None,
        exit: exit.map(str::to_owned),
        fault: None,
    }
}

/// Its pieces overlap by the node where the caller stood, of which the later one knows more; the same node later is another one.
#[test]
fn the_way_through_a_flow_is_put_together_of_its_pieces_as_far_as_they_came() {
    on_each_database(|scratch| async move {
        let (store, one) = (&scratch.store, call(1));
        let mut day = Day(Vec::new());
        day.created(10, one, "13800000001");
        let walked = |steps| Event::FlowWalked(FlowWalked { call: one, steps });
        day.at(20, walked(vec![step(10, "top", "1", Some("1")), step(12, "sales", "", None)]));
        let again = step(30, "top", "2", Some("2"));
        day.at(31, walked(vec![step(12, "sales", "9*", Some("*")), again.clone(), step(31, "wait", "", None)]));
        consumed(store, &day.0).await;
        let read = async || store.call_record(Sight::whole(&TenantId::first()), one).await.unwrap().unwrap().flow_path;
        let (top, sales) = (step(10, "top", "1", Some("1")), step(12, "sales", "9*", Some("*")));
        let expected = [top, sales, again, step(31, "wait", "", None)];
        assert_eq!(read().await, expected, "of a call whose process was killed here, so much is known");
    });
}
