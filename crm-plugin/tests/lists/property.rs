//! Whatever happens, and wherever the plugin is cut off, the lists are what one look at all facts gives.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crm_plugin::Crm;
use hooks::fact::{ConsultOutcome, EndCause, Fact, OfferOutcome, PeerKind, QueueExit};
use hooks::plugin::Plugin as _;
use proptest::prelude::*;
use serde_json::Value;

use crate::host::{Centre, NOW, RunEnd, chief, folder};
use crate::story::{Story, call, facts, leg};

const LISTS: [&str; 4] =
    ["list_crm_call_records", "list_crm_missed_calls", "list_crm_lost_calls", "list_crm_lost_answered"];
const AGENTS: [&str; 3] = ["10001", "10002", "10003"];

/// The `n`th thing that may happen to a call; many of them make no sense where they happen, and none may do harm.
fn happen(story: &mut Story, at: u64, n: u64, kind: u8, who: usize) {
    let (call, agent, own) = (call(n), AGENTS[who], leg(10 * n + who as u64));
    let extension = format!("1{}", &agent[2..]);
    match kind {
        0 => story.comes_in(at, call, ["13800000001", "+8613800000001", ""][who]),
        1 => story.goes_out(at, call, "13900000009"),
        2 => story.queues(at, call, ["support", "sales", "support"][who]),
        3 => story.leaves_queue(at, call, ("support", who as u64), QueueExit::Answered),
        4 | 5 => story.is_offered(at, call, agent),
        6 => story.offer_ends(at, call, (agent, 5), OfferOutcome::TimedOut),
        7 => story.offer_ends(at, call, (agent, 5), OfferOutcome::Answered),
        8 => story.connects(at, call, agent),
        9 => story.is_free(at, call, agent),
        10 => story.dials(at, call, agent),
        11 => story.leg(at, call, own, PeerKind::Extension, &extension),
        12 => story.picks_up(at, call, own),
        13 => story.asks(at, call, own, "1002"),
        14 => story.asks_no_more(at, call, own, ConsultOutcome::Completed),
        15 => story.rates(at, call, agent, [Some("满意"), None, Some("一般")][who]),
        16 => story.leaves_message(at, call),
        17 => story.mobile_answers(at, call, "13700000001"),
        18 => story.is_recorded(at, call, (own, leg(1)), at),
        19 => story.leg_ends(at, call, own, EndCause::Normal),
        _ => story.ends(at, call),
    };
}

fn stream(steps: &[(u64, u8, usize)]) -> Vec<Fact> {
    facts(|story| {
        for (at, (n, kind, who)) in steps.iter().enumerate() {
            happen(story, at as u64, *n, *kind, *who);
        }
    })
}

fn shown(centre: &Centre) -> Vec<Vec<Value>> {
    LISTS.iter().map(|list| centre.list(&chief("1"), list, &[("from", 0.into())])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Proves CDR-07, MISS-02, LOST-01 and LOSTANS-01 as far as no row is lost or double, whatever is cut off where.
    #[test]
    fn the_lists_are_what_all_facts_give_wherever_the_plugin_is_cut_off(
        steps in prop::collection::vec((1u64..6, 0u8..23, 0usize..3), 1..160),
        batches in prop::collection::vec(1usize..40, 1..6),
        runs in prop::collection::vec((0usize..6, 0u8..3), 0..8),
        again in 0u64..50,
    ) {
        let facts = stream(&steps);
        let once = shown(&Centre::over(facts.clone()));
        let folder = folder();
        for (left, end) in runs {
            let mut cut = Centre::reopened(folder.path(), facts.clone());
            let end = [RunEnd::Stopping, RunEnd::Damaged, RunEnd::Panic][usize::from(end)];
            cut.host.batches.clone_from(&batches);
            cut.host.again = again;
            *cut.host.ends.lock().unwrap() = Some((left, end));
            let ended = catch_unwind(AssertUnwindSafe(|| cut.crm.run(&cut.host).is_ok()));
            // It may have come to the end before it was cut off.
            prop_assert!(ended.is_ok() || end == RunEnd::Panic);
        }
        let mut last = Centre::reopened(folder.path(), facts);
        last.host.batches = batches;
        last.host.again = again;
        last.crm.run(&last.host).unwrap();
        prop_assert_eq!(shown(&last), once);
    }
}

#[test]
fn a_log_that_cannot_be_read_ends_the_run_with_the_reason_and_the_next_goes_on() {
    let folder = folder();
    let all = facts(|it| {
        it.is_lost(0, call(1), "13800000001", &["10001"]).is_lost(50, call(2), "13800000002", &[]);
    });
    let mut centre = Centre::reopened(folder.path(), all);
    centre.host.batches = vec![3];
    *centre.host.ends.lock().unwrap() = Some((2, RunEnd::Damaged));
    let error = centre.crm.run(&centre.host).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    *centre.host.ends.lock().unwrap() = None;
    Crm::default().run(&centre.host).unwrap();
    assert_eq!(centre.list(&chief("1"), LISTS[2], &[]).len(), 2);
}

/// A late fact is taken in for a week; what comes later changes nothing, whenever its call was let go.
#[test]
fn what_comes_weeks_after_a_call_changes_no_row() {
    const DAY_S: u64 = 86_400;
    let all = facts(|it| {
        it.is_served(0, call(1), ("13800000001", "10001")).is_served(100, call(2), ("13800000002", "10001"));
        it.rates(6 * DAY_S, call(1), "10001", Some("满意")).rates(8 * DAY_S, call(2), "10001", Some("满意"));
        it.rates(9 * DAY_S, call(1), "10001", None);
    });
    for batches in [vec![500], vec![1]] {
        let folder = folder();
        let mut centre = Centre::reopened(folder.path(), all.clone());
        centre.host.batches = batches;
        centre.crm.run(&centre.host).unwrap();
        let rows = centre.list(&chief("1"), LISTS[0], &[("from", NOW.into())]);
        assert_eq!(crate::host::each(&rows, "satisfaction"), ["not_invited", "满意"]);
    }
}
