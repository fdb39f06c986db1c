//! Calls of a centre as records, offers that nobody took, and the agent state log: from facts to rows, on each database.

use hooks::fact::{
    AgentState, AgentStateChanged, CallCreated, CallEnded, CallLeftQueue, CallOfferEnded, CallOffered, CallQueued,
    CallSource, CallStatus, CallSupervised, CallSupervisionEnded, ChangeReason, ChoiceRule, ConsultEnded,
    ConsultOutcome, ConsultStarted, Direction, EndCause, EndedBy, Event, Fact, LegAnswered, LegEnded, LegOfCall,
    LegRinging, LegStarted, OfferOutcome, OverflowAnswered, PeerKind, QueueExit, Sign, Supervision, SurveyAnswer,
    SurveyCompleted, SurveyInvited, SurveyStart, SurveySubject, Talk, Way, WhyAgent, WhyCandidate,
};
use hooks::id::{CallId, LegId, TenantId};
use hooks::position::Position;

use super::call_records::CallRecords;
use crate::journal::JournalOptions;
use crate::journal::facts::{FactJournal, FactReader};
use crate::store::Store;
use crate::store::agent_states::{AgentStay, StayFilter};
use crate::store::audit::{AuditFilter, Entry};
use crate::store::records::{Derived, MissedFilter, NOT_RATED, RecordFilter, Satisfaction};
use crate::store::regulars::RecallAsk;
use crate::store::scope::Sight;
use crate::store::setting::PageAsk;
use crate::store::staffing::{HistoryAsk, QUARTER_MS, QueueFigures};
use crate::store::tests::on_each_database;
use crate::store::wallboard::{DayAsk, DayFigures, HourFigures};

pub(super) const START_MS: u64 = 1_795_336_200_000;

pub(super) fn call(n: u64) -> CallId {
    CallId::new(START_MS + n, u128::from(n))
}

pub(super) fn leg(n: u128) -> LegId {
    LegId::new(START_MS, n)
}

/// Facts at seconds of the day.
pub(super) struct Day(pub(super) Vec<Fact>);

impl Day {
    pub(super) fn at(&mut self, second: u64, event: Event) {
        self.0.push(Fact { tenant: TenantId::first(), at_ms: START_MS + second * 1_000, event });
    }

    fn agent(&mut self, second: u64, change: (AgentState, AgentState), why: ChangeReason) {
        let sign = if why == ChangeReason::Logout { Sign::Out } else { Sign::Phone(Way::Desk) };
        self.agent_on(second, change, (CallStatus::None, None, sign), why);
    }

    fn agent_on(
        &mut self,
        second: u64,
        (from, to): (AgentState, AgentState),
        (call_status, call, sign): (CallStatus, Option<CallId>, Sign),
        reason: ChangeReason,
    ) {
        let changed = AgentStateChanged {
            agent: "10001".into(),
            extension: Some("1001".into()),
            mobile: None,
            from,
            to,
            call_status,
            call,
            sign,
            reason,
            by: (reason == ChangeReason::Forced).then(|| "chief".into()),
        };
        self.at(second, Event::AgentStateChanged(changed));
    }

    pub(super) fn created(&mut self, second: u64, call: CallId, caller: &str) {
        let created = CallCreated {
            call,
            direction: Direction::Inbound,
            source: CallSource::Dialled,
            caller: caller.into(),
            caller_name: String::new(),
            callee: "4008".into(),
            trunk: Some("lines".into()),
            emergency: false,
            diverted_from: None,
        };
        self.at(second, Event::CallCreated(created));
        let queue = "support".to_owned();
        self.at(second, Event::CallQueued(CallQueued { call, queue, priority: 0, waited_ms: 0 }));
    }

    /// An extension calls somebody outside.
    pub(super) fn dialled(&mut self, second: u64, call: CallId, leg: LegId) {
        let created = CallCreated {
            call,
            direction: Direction::Outbound,
            source: CallSource::Dialled,
            caller: "1001".into(),
            caller_name: String::new(),
            callee: "13900000009".into(),
            trunk: None,
            emergency: false,
            diverted_from: None,
        };
        self.at(second, Event::CallCreated(created));
        let started = LegStarted {
            call,
            leg,
            caller_side: false,
            peer: PeerKind::Trunk,
            peer_name: "lines".into(),
            number: "13900000009".into(),
            sip_call_id: "x".into(),
        };
        self.at(second, Event::LegStarted(started));
    }

    fn offer(&mut self, call: CallId, (from, to): (u64, u64), outcome: OfferOutcome) {
        let (agent, queue) = ("10001".to_owned(), Some("support".to_owned()));
        let offered = CallOffered { call, agent: agent.clone(), queue: queue.clone(), why: Some(why(from)) };
        self.at(from, Event::CallOffered(offered));
        let ring_ms = (to - from) * 1_000;
        self.at(to, Event::CallOfferEnded(CallOfferEnded { call, agent, queue, outcome, ring_ms }));
    }

    fn left(&mut self, second: u64, call: CallId, exit: QueueExit, waited_s: u64) {
        let agent = (exit == QueueExit::Answered).then(|| "10001".to_owned());
        let (queue, waited_ms) = ("support".to_owned(), waited_s * 1_000);
        let left = CallLeftQueue { call, queue, exit, waited_ms, agent, within_target: false };
        self.at(second, Event::CallLeftQueue(left));
    }

    fn ended(&mut self, second: u64, call: CallId) {
        let ended = CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 };
        self.at(second, Event::CallEnded(ended));
    }
}

/// Why the queue rang him, in that second.
fn why(second: u64) -> WhyAgent {
    let chosen =
        WhyCandidate { agent: "10001".into(), level: 2, idle_ms: second * 1_000, answered_today: 3, rejected: false };
    WhyAgent { rule: ChoiceRule::LongestIdle, level: 9, waited_ms: 7, idle: 1, candidates: vec![chosen] }
}

/// An agent's morning. Call 1 he misses once and then answers, holds, asks a colleague, is monitored. Call 2 nobody takes. Call 3 a
/// mobile answers in the overflow.
pub(super) fn morning() -> Vec<Fact> {
    use AgentState as S;
    use ChangeReason as R;
    let mut day = Day(Vec::new());
    let phone = Sign::Phone(Way::Desk);
    day.agent(0, (S::Offline, S::Offline), R::Login);
    day.agent(5, (S::Offline, S::Ready), R::Manual);
    let one = call(1);
    day.created(10, one, "13800000001");
    day.agent_on(10, (S::Ready, S::Ready), (CallStatus::Ringing, Some(one), phone), R::Ring);
    day.offer(one, (10, 30), OfferOutcome::TimedOut);
    day.agent_on(30, (S::Ready, S::Ready), (CallStatus::None, Some(one), phone), R::RingEnd);
    day.offer(one, (30, 33), OfferOutcome::Answered);
    day.left(33, one, QueueExit::Answered, 23);
    let talking = CallStatus::Connected(Talk::Talking);
    day.agent_on(33, (S::Ready, S::Ready), (talking, Some(one), phone), R::Answer);
    day.at(40, Event::CallHeld(LegOfCall { call: one, leg: leg(7) }));
    day.at(50, Event::CallRetrieved(LegOfCall { call: one, leg: leg(7) }));
    let supervised = CallSupervised {
        call: one,
        agent: "10001".into(),
        how: Supervision::Monitor,
        supervisor: Some("10009".into()),
        leg: Some(leg(9)),
        by: "chief".into(),
    };
    day.at(52, Event::CallSupervised(supervised));
    let asked = ConsultStarted { call: one, leg: leg(7), target: "1002".into() };
    day.at(55, Event::ConsultStarted(asked));
    let asked = ConsultEnded { call: one, leg: leg(7), outcome: ConsultOutcome::Cancelled };
    day.at(60, Event::ConsultEnded(asked));
    let enough = CallSupervisionEnded {
        call: one,
        agent: "10001".into(),
        supervisor: "10009".into(),
        how: Supervision::Monitor,
    };
    day.at(65, Event::CallSupervisionEnded(enough));
    day.agent_on(70, (S::Ready, S::WrapUp), (CallStatus::None, Some(one), phone), R::CallEnd);
    day.ended(70, one);
    day.created(80, call(2), "13800000002");
    day.left(95, call(2), QueueExit::Abandoned, 15);
    day.ended(95, call(2));
    day.agent(100, (S::WrapUp, S::NotReady), R::Forced);
    overflowed(&mut day, call(3));
    day.agent(200, (S::NotReady, S::Ready), R::Manual);
    day.agent(300, (S::Ready, S::Offline), R::Logout);
    day.0
}

fn overflowed(day: &mut Day, call: CallId) {
    day.created(110, call, "13800000003");
    day.left(130, call, QueueExit::MaxWait, 20);
    let started = LegStarted {
        call,
        leg: leg(31),
        caller_side: false,
        peer: PeerKind::Trunk,
        peer_name: "lines".into(),
        number: "13900000009".into(),
        sip_call_id: "x".into(),
    };
    day.at(130, Event::LegStarted(started));
    day.at(140, Event::LegAnswered(LegAnswered { call, leg: leg(31), codec: "PCMA".into() }));
    let answered = OverflowAnswered { call, queue: "support".into(), number: "13900000009".into() };
    day.at(140, Event::OverflowAnswered(answered));
    let (cause, sip_status) = (EndCause::Normal, 200);
    let ended = LegEnded { call, leg: leg(31), cause, sip_status, reason: None, quality: None };
    day.at(150, Event::LegEnded(ended));
    day.ended(150, call);
}

/// Somebody from outside calls the agent himself: his phone rings after 2 s and is answered after 7 more.
fn direct(day: &mut Day, call: CallId) {
    day.created(3_900, call, "13800000006");
    day.0.retain(|fact| !matches!(&fact.event, Event::CallQueued(queued) if queued.call == call));
    let started = LegStarted {
        call,
        leg: leg(90),
        caller_side: false,
        peer: PeerKind::Extension,
        peer_name: "1001".into(),
        number: "1001".into(),
        sip_call_id: "z".into(),
    };
    day.at(3_900, Event::LegStarted(started));
    day.at(3_902, Event::LegRinging(LegRinging { call, leg: leg(90), early_media: false }));
    let talking = (CallStatus::Connected(Talk::Talking), Some(call), Sign::Phone(Way::Desk));
    day.agent_on(3_909, (AgentState::Ready, AgentState::Ready), talking, ChangeReason::Answer);
    day.ended(3_930, call);
}

/// Each fact by a consumer of its own, so that nothing in memory helps it.
pub(super) async fn consumed(store: &Store, facts: &[Fact]) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FactJournal::open(&JournalOptions::new(folder.path(), TenantId::first())).unwrap();
    for fact in facts {
        journal.append(std::slice::from_ref(fact)).unwrap();
        assert_eq!(CallRecords::new(store.clone(), journal.handle()).step().await.unwrap(), 1);
    }
}

/// Proves IVR-05 and QUEUE-03 (fewest today) after a restart: the records tell who talked with whom last, and what was answered today.
#[test]
fn a_restart_is_told_the_last_talks_and_what_was_answered_today() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        consumed(store, &morning()).await;
        let ask = |from_ms| RecallAsk { talks_from_ms: from_ms, day_begins_ms: from_ms };
        let told = store.recalled(&TenantId::first(), ask(START_MS)).await.unwrap();
        let agent: dialplan::number::AgentNumber = "10001".parse().unwrap();
        let at_ms = START_MS + 33_000;
        assert_eq!(told.talks, [switch::input::Talk { caller: "13800000001".into(), agent: agent.clone(), at_ms }]);
        assert_eq!(told.answered_today, [(agent, 1)]);
        // What was before does not count.
        let told = store.recalled(&TenantId::first(), ask(START_MS + 34_000)).await.unwrap();
        assert_eq!((told.talks.len(), told.answered_today.len()), (0, 0));
    });
}

/// Proves LOG-08 and MON-29 (a log entry of what a supervisor did, written once).
#[test]
fn what_a_supervisor_did_is_in_the_audit_log_once_however_often_its_fact_comes() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        consumed(store, &morning()).await;
        let log = async || store.audit(&here, &AuditFilter::default(), &page(10, None)).await.unwrap().items;
        let told = log().await;
        let seen: Vec<String> = told.iter().map(told_of).collect();
        assert_eq!(
            seen,
            [
                r#"100 chief Forced agent_state 10001 {"state":"wrap_up"} {"state":"not_ready"}"#.to_owned(),
                format!(
                    r#"52 chief Supervised call {} null {{"agent":"10001","how":"monitor","supervisor":"10009"}}"#,
                    call(1)
                ),
            ]
        );
        // The same facts again, by a reader that has forgotten that it read them.
        let folder = tempfile::tempdir().unwrap();
        let mut journal = FactJournal::open(&JournalOptions::new(folder.path(), here.clone())).unwrap();
        journal.append(&morning()).unwrap();
        let mut reader = FactReader::from(journal.handle().reader_of_all().unwrap());
        let audit = reader.next_facts(1_000).unwrap().iter().filter_map(super::supervision::entry).collect();
        let derived = Derived { audit, ..Derived::default() };
        store.save_derived("again", &Position::start(here.clone()), &reader.position(), &derived).await.unwrap();
        assert_eq!(log().await, told);
    });
}

fn told_of(entry: &Entry) -> String {
    let Entry { at_ms, by, resource, resource_id, action, before, after, .. } = entry;
    let json = |value: &Option<serde_json::Value>| value.clone().unwrap_or_default();
    format!("{} {by} {action:?} {resource} {resource_id} {} {}", seconds(*at_ms), json(before), json(after))
}

fn page(limit: u32, after: Option<String>) -> PageAsk {
    PageAsk { limit, after }
}

fn seconds(at_ms: u64) -> u64 {
    (at_ms - START_MS) / 1_000
}

async fn told(store: &Store, call: CallId) -> Vec<String> {
    let document = store.call_record(Sight::whole(&TenantId::first()), call).await.unwrap().unwrap();
    let text = |segment: &crate::store::records::Segment| {
        let about = [&segment.queue, &segment.agent, &segment.number, &segment.outcome, &segment.done_by];
        let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
        let (from, to) = (seconds(segment.started_at_ms), segment.ended_at_ms.map_or(0, seconds));
        format!("{:?} {from}-{to} {}", segment.kind, about.join(" ")).trim_end().to_owned()
    };
    document.segments.iter().map(text).collect()
}

/// Proves QUEUE-01 (the group is a filter of call records), and the facts behind LOST-01 and LOSTANS-01.
#[test]
fn a_record_tells_what_the_call_was_made_of() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        consumed(store, &morning()).await;
        assert_eq!(
            told(store, call(1)).await,
            [
                "Queue 10-33 support 10001 answered",
                "Offer 10-30 support 10001 timed_out",
                "Offer 30-33 support 10001 answered",
                "Agent 33-70 10001",
                "Hold 40-50",
                "Supervision 52-65 10001 monitor 10009",
                "Consult 55-60 1002 cancelled",
            ]
        );
        let document = store.call_record(Sight::whole(&TenantId::first()), call(1)).await.unwrap().unwrap();
        let whys: Vec<Option<WhyAgent>> = document.segments.into_iter().map(|segment| segment.why).collect();
        assert_eq!(whys[..4], [None, Some(why(10)), Some(why(30)), None], "why this agent, of each offer");
        assert_eq!(
            told(store, call(3)).await,
            ["Queue 110-130 support max_wait", "Overflow 140-150 support 13900000009"]
        );
        let here = TenantId::first();
        let records = |filter: RecordFilter| async move {
            let rows = store.call_records(Sight::whole(&here), &filter, &page(10, None)).await.unwrap();
            rows.items.iter().map(|record| record.caller.clone()).collect::<Vec<_>>()
        };
        let by = |filter| records.clone()(filter);
        assert_eq!(by(RecordFilter { lost: Some(true), ..RecordFilter::default() }).await, ["13800000002"]);
        let answered = RecordFilter { overflow_answered: Some(true), ..RecordFilter::default() };
        assert_eq!(by(answered).await, ["13800000003"]);
        let agent = RecordFilter { agent: Some("10001".into()), ..RecordFilter::default() };
        assert_eq!(by(agent).await, ["13800000001"]);
        let queue = RecordFilter { queue: Some("support".into()), lost: Some(false), ..RecordFilter::default() };
        assert_eq!(by(queue).await, ["13800000003", "13800000001"]);
        let record = store.call_record(Sight::whole(&TenantId::first()), call(1)).await.unwrap().unwrap().record;
        assert_eq!((record.queue.as_deref(), record.queue_wait_ms), (Some("support"), Some(23_000)));
        assert_eq!(record.agent.as_deref(), Some("10001"));
    });
}

#[test]
fn what_a_queue_had_to_do_is_counted_by_quarters_of_an_hour() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        consumed(store, &morning()).await;
        let here = TenantId::first();
        let ask = HistoryAsk { from_ms: START_MS, to_ms: START_MS + QUARTER_MS, target_ms: 23_000 };
        let seen = QueueFigures {
            calls: 3,
            answered: 1,
            within_target: 1,
            abandoned: 1,
            waited_ms: 58_000,
            handled: 1,
            // 37 s of talk, hold and consultation, 30 s of wrap-up.
            handled_ms: 67_000,
        };
        assert_eq!(store.queue_history(&here, "support", ask).await.unwrap(), [(START_MS / QUARTER_MS, seen)]);
        let strict = HistoryAsk { target_ms: 22_999, ..ask };
        assert_eq!(store.queue_history(&here, "support", strict).await.unwrap()[0].1.within_target, 0);
        let later = HistoryAsk { from_ms: START_MS + 80_000, ..ask };
        let seen = store.queue_history(&here, "support", later).await.unwrap()[0].1;
        assert_eq!((seen.calls, seen.answered, seen.handled, seen.waited_ms), (2, 0, 0, 35_000));
        assert!(store.queue_history(&here, "sales", ask).await.unwrap().is_empty());
        let other: TenantId = "other".parse().unwrap();
        assert!(store.queue_history(&other, "support", ask).await.unwrap().is_empty());
    });
}

/// Proves MISS-02.
#[test]
fn each_offer_that_was_not_taken_is_told_once() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut facts = morning();
        let mut day = Day(Vec::new());
        day.created(400, call(4), "13800000004");
        for at in [401, 411, 421] {
            day.offer(call(4), (at, at + 9), OfferOutcome::Rejected);
        }
        day.offer(call(4), (431, 432), OfferOutcome::Taken);
        day.left(433, call(4), QueueExit::Abandoned, 33);
        day.ended(433, call(4));
        facts.extend(day.0);
        consumed(store, &facts).await;
        let here = TenantId::first();
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let rows =
                store.missed_offers(Sight::whole(&here), &MissedFilter::default(), &page(2, after)).await.unwrap();
            told.extend(rows.items.iter().map(|missed| {
                let offer = &missed.offer;
                (missed.caller.clone(), seconds(offer.started_at_ms), offer.outcome.clone().unwrap())
            }));
            after = rows.next;
            if after.is_none() {
                break;
            }
        }
        let row = |caller: &str, at, outcome: &str| (caller.to_owned(), at, outcome.to_owned());
        assert_eq!(
            told,
            [
                row("13800000004", 421, "rejected"),
                row("13800000004", 411, "rejected"),
                row("13800000004", 401, "rejected"),
                row("13800000001", 10, "timed_out"),
            ]
        );
        let filter = MissedFilter {
            from_ms: Some(START_MS + 405_000),
            to_ms: Some(START_MS + 420_000),
            agent: Some("10001".into()),
            queue: Some("support".into()),
            caller: Some("13800000004".into()),
            outcome: Some("rejected".into()),
        };
        assert_eq!(store.missed_offers(Sight::whole(&here), &filter, &page(9, None)).await.unwrap().items.len(), 1);
        let nobody = MissedFilter { agent: Some("10002".into()), ..filter };
        assert!(store.missed_offers(Sight::whole(&here), &nobody, &page(9, None)).await.unwrap().items.is_empty());
    });
}

/// Proves AGT-14, LOG-01 and LOG-03 as far as rows go.
#[test]
fn the_stays_of_an_agent_follow_each_other_without_a_gap() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        consumed(store, &morning()).await;
        let here = TenantId::first();
        let all = store.agent_stays(Sight::whole(&here), &StayFilter::default(), &page(100, None)).await.unwrap().items;
        let text = |stay: &AgentStay| {
            let until = stay.ended_at_ms.map_or_else(|| "now".to_owned(), |at_ms| seconds(at_ms).to_string());
            let by = stay.done_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{:?} {}-{until} {:?}{by}", stay.state, seconds(stay.began_at_ms), stay.reason)
        };
        let told: Vec<String> = all.iter().rev().map(text).collect();
        assert_eq!(
            told,
            [
                "Offline 0-5 Login",
                "Ready 5-70 Manual",
                "WrapUp 70-100 CallEnd",
                "NotReady 100-200 Forced by chief",
                "Ready 200-300 Manual",
                "Offline 300-now Logout",
            ],
            "a call is no stay"
        );
        let online: u64 = all.iter().filter_map(|stay| Some(stay.ended_at_ms? - stay.began_at_ms)).sum();
        assert_eq!(online, 300_000, "from the login to the logout");
        let filter = StayFilter {
            state: Some(AgentState::Ready),
            reason: Some(ChangeReason::Manual),
            agent: Some("10001".into()),
            from_ms: Some(START_MS + 6_000),
            to_ms: Some(START_MS + 201_000),
            departments: None,
        };
        assert_eq!(store.agent_stays(Sight::whole(&here), &filter, &page(9, None)).await.unwrap().items.len(), 1);
        let first = store.agent_stays(Sight::whole(&here), &StayFilter::default(), &page(4, None)).await.unwrap();
        let rest = store.agent_stays(Sight::whole(&here), &StayFilter::default(), &page(4, first.next)).await.unwrap();
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (4, 2, None));
    });
}

/// Proves MON-02, MON-03, MON-04, MON-06, MON-07, MON-08 and MON-09 as far as counting goes.
#[test]
fn the_figures_of_the_day_are_what_the_day_was() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut facts = morning();
        let mut day = Day(Vec::new());
        // In the second hour one waits and is answered after 40 s; his talk is a minute. A call of an earlier day counts for nothing.
        day.created(3_700, call(3_700_000), "13800000005");
        day.left(3_740, call(3_700_000), QueueExit::Answered, 40);
        let talking = (CallStatus::Connected(Talk::Talking), Some(call(3_700_000)), Sign::Phone(Way::Desk));
        day.agent_on(3_740, (AgentState::Ready, AgentState::Ready), talking, ChangeReason::Answer);
        day.ended(3_800, call(3_700_000));
        direct(&mut day, call(3_900_000));
        facts.extend(day.0);
        consumed(store, &facts).await;
        let ask = DayAsk { begins_ms: START_MS, abnormal_max_ms: 50_000, abnormal_min_ms: 0 };
        let figures = store.day_figures(&TenantId::first(), ask).await.unwrap();
        // Answered: call 1 after 23 s, call 3 by a mobile after 20 s in the queue, one after 40 s, and the direct one rang for 7 s.
        let hour = |hour, inbound, connected| HourFigures { hour, inbound, connected, outbound: 0 };
        let told = DayFigures {
            inbound: 5,
            inbound_connected: 4,
            // The caller of call 2, and the offer of call 1 that timed out.
            abandoned_or_timed_out: 2,
            outbound: 0,
            outbound_connected: 0,
            outbound_not_connected: 0,
            response_ms: Some((23_000 + 20_000 + 40_000 + 7_000) / 4),
            abnormal: 1,
            queued: 4,
            hours: vec![hour(0, 3, 2), hour(1, 2, 2)],
        };
        assert_eq!(figures, told);
        let short = DayAsk { abnormal_max_ms: 3_600_000, abnormal_min_ms: 11_000, ..ask };
        assert_eq!(store.day_figures(&TenantId::first(), short).await.unwrap().abnormal, 1, "the mobile's 10 s");
        let tomorrow = DayAsk { begins_ms: START_MS + 86_400_000, ..ask };
        assert_eq!(store.day_figures(&TenantId::first(), tomorrow).await.unwrap(), DayFigures::default());
    });
}

/// Proves IVR-06: who hangs up before any queue or agent has called in, and is neither a lost call nor a missed one.
#[test]
fn who_hangs_up_in_a_menu_is_counted_as_inbound_alone() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut day = Day(Vec::new());
        day.created(10, call(1), "13800000001");
        // That one waited in a queue, too: it is lost.
        day.left(20, call(1), QueueExit::Abandoned, 10);
        day.ended(20, call(1));
        day.created(30, call(2), "13800000002");
        day.0.retain(|fact| !matches!(&fact.event, Event::CallQueued(queued) if queued.call == call(2)));
        let answered = LegAnswered { call: call(2), leg: leg(2), codec: "PCMU".into() };
        let started = LegStarted {
            call: call(2),
            leg: leg(2),
            caller_side: true,
            peer: PeerKind::Trunk,
            peer_name: "lines".into(),
            number: "13800000002".into(),
            sip_call_id: "x".into(),
        };
        day.at(30, Event::LegStarted(started));
        day.at(30, Event::LegAnswered(answered));
        day.ended(45, call(2));
        consumed(store, &day.0).await;
        let here = TenantId::first();
        let lost = |lost| RecordFilter { lost: Some(lost), ..RecordFilter::default() };
        let callers = |filter| async move {
            let rows = store.call_records(Sight::whole(&here), &filter, &page(10, None)).await.unwrap().items;
            rows.into_iter().map(|record| (record.caller, record.direction)).collect::<Vec<_>>()
        };
        assert_eq!(callers.clone()(lost(true)).await, [("13800000001".to_owned(), Direction::Inbound)]);
        assert_eq!(callers(lost(false)).await, [("13800000002".to_owned(), Direction::Inbound)]);
        let here = TenantId::first();
        assert!(
            store
                .missed_offers(Sight::whole(&here), &MissedFilter::default(), &page(9, None))
                .await
                .unwrap()
                .items
                .is_empty()
        );
        let ask = DayAsk { begins_ms: START_MS, abnormal_max_ms: u64::from(u32::MAX), abnormal_min_ms: 0 };
        let figures = store.day_figures(&here, ask).await.unwrap();
        assert_eq!((figures.inbound, figures.inbound_connected, figures.queued), (2, 0, 1));
        assert_eq!(figures.abandoned_or_timed_out, 2, "in the menu, too");
    });
}

/// Proves SURVEY-04, SURVEY-05, SURVEY-06: what was answered is on the record with its label, and filters it; who did not answer was asked, too.
#[test]
fn records_tell_what_customers_answered_and_are_found_by_it() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut day = Day(Vec::new());
        let answers = [Some(("1", "非常满意")), Some(("3", "不满意")), None];
        for (n, answered) in (1..).zip(answers) {
            let subject = SurveySubject {
                call: call(n),
                survey: "service".into(),
                agent: Some("10001".into()),
                queue: Some("support".into()),
            };
            day.created(n * 10, call(n), "13800000001");
            let invited = SurveyInvited { subject: subject.clone(), start: SurveyStart::Agent };
            day.at(n * 10 + 5, Event::SurveyInvited(invited));
            let answer = answered.map(|(key, label)| SurveyAnswer { key: key.into(), label: label.into() });
            let completed = SurveyCompleted { subject, answer, second: None, comment: None };
            day.at(n * 10 + 8, Event::SurveyCompleted(completed));
            day.ended(n * 10 + 9, call(n));
        }
        // Nobody asked this one; and this one is still being asked when the process is killed.
        day.created(50, call(5), "13800000002");
        day.ended(51, call(5));
        day.created(60, call(6), "13800000003");
        let subject = SurveySubject { call: call(6), survey: "service".into(), agent: None, queue: None };
        day.at(61, Event::SurveyInvited(SurveyInvited { subject, start: SurveyStart::Flow }));
        day.ended(62, call(6));
        consumed(store, &day.0).await;
        let here = TenantId::first();
        let found = async |satisfaction: Option<Satisfaction>| {
            let filter = RecordFilter { satisfaction, ..RecordFilter::default() };
            let rows = store.call_records(Sight::whole(&here), &filter, &page(9, None)).await.unwrap().items;
            rows.into_iter().map(|row| row.call).collect::<Vec<_>>()
        };
        let result = |word: &str| Some(Satisfaction::Result(word.into()));
        assert_eq!(found(None).await.len(), 5);
        assert_eq!(found(result("不满意")).await, [call(2)]);
        assert_eq!(found(result("非常满意")).await, [call(1)]);
        assert_eq!(found(result("一般")).await, []);
        assert_eq!(found(result(NOT_RATED)).await, [call(6), call(3)]);
        assert_eq!(found(Some(Satisfaction::NotInvited)).await, [call(5)]);
        let told = store.call_record(Sight::whole(&here), call(2)).await.unwrap().unwrap().record.survey.unwrap();
        assert_eq!((told.subject.agent.as_deref(), told.start), (Some("10001"), SurveyStart::Agent));
        assert_eq!(told.answer, Some(SurveyAnswer { key: "3".into(), label: "不满意".into() }));
    });
}

/// Proves MON-05 as far as counting goes.
#[test]
fn calls_to_the_outside_are_counted_as_connected_or_not_once_they_are_over() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut day = Day(Vec::new());
        for (second, nth) in [(10, 1), (20, 2), (30, 3)] {
            day.dialled(second, call(nth), leg(u128::from(nth)));
        }
        day.at(15, Event::LegAnswered(LegAnswered { call: call(1), leg: leg(1), codec: "PCMA".into() }));
        day.ended(40, call(1));
        day.ended(25, call(2));
        consumed(store, &day.0).await;
        let ask = DayAsk { begins_ms: START_MS, abnormal_max_ms: 3_600_000, abnormal_min_ms: 0 };
        let figures = store.day_figures(&TenantId::first(), ask).await.unwrap();
        let told = (figures.outbound, figures.outbound_connected, figures.outbound_not_connected, figures.inbound);
        assert_eq!(told, (3, 1, 1, 0), "the third one still rings");
    });
}
