//! An agent's own day as it is counted from his facts, on each database.

use hooks::fact::{AgentState, Event, Fact, LegStarted, PeerKind};
use hooks::id::TenantId;

use super::centre_tests::{Day, START_MS, call, consumed, leg, morning};
use crate::store::desk::{OwnDay, OwnDayAsk};
use crate::store::tests::on_each_database;

/// Proves the statistics of UI-01 as far as counting goes.
#[test]
fn an_agents_own_day_is_what_his_morning_was() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut facts = morning();
        let mut day = Day(Vec::new());
        // One call to outside while he is online, and one from his extension before he was signed in on it.
        for (second, n) in [(210, 210_000), (0, 0)] {
            day.dialled(second, call(n), leg(u128::from(n) + 70));
            let started = LegStarted {
                call: call(n),
                leg: leg(u128::from(n) + 71),
                caller_side: true,
                peer: PeerKind::Extension,
                peer_name: "1001".into(),
                number: "1001".into(),
                sip_call_id: "y".into(),
            };
            day.at(second, Event::LegStarted(started));
        }
        facts.retain(|fact| fact.at_ms > START_MS);
        let login = Fact { at_ms: START_MS + 1_000, ..morning()[0].clone() };
        facts.insert(0, login);
        facts.extend(day.0);
        // GEN-04: what is beyond a whole second of a change says nothing of how long a state lasts.
        let is_ready =
            |e: &Event| matches!(e, Event::AgentStateChanged(e) if e.call.is_none() && e.to == AgentState::Ready);
        facts.iter_mut().filter(|fact| is_ready(&fact.event)).for_each(|fact| fact.at_ms += 700);
        consumed(store, &facts).await;
        let ask = OwnDayAsk { agent: "10001", begins_ms: START_MS, now_ms: START_MS + 310_000 };
        let told = store.own_day(&TenantId::first(), ask).await.unwrap();
        let states = [("not_ready", 100_000), ("offline", 14_000), ("ready", 165_000), ("wrap_up", 30_000)];
        let day = OwnDay {
            offered: 2,
            answered: 1,
            outbound: 1,
            outbound_connected: 0,
            talk_ms: 37_000,
            states: states.map(|(state, ms)| (state.to_owned(), ms)).into(),
        };
        assert_eq!(told, day);
        // A day that begins while he is online counts the rest of that.
        let later = OwnDayAsk { begins_ms: START_MS + 250_000, ..ask };
        let told = store.own_day(&TenantId::first(), later).await.unwrap();
        let states = [("offline", 10_000), ("ready", 50_000)].map(|(state, ms)| (state.to_owned(), ms)).into();
        assert_eq!(told, OwnDay { states, ..OwnDay::default() });
        let other = store.own_day(&TenantId::first(), OwnDayAsk { agent: "10002", ..ask }).await.unwrap();
        assert_eq!(other, OwnDay::default());
    });
}
