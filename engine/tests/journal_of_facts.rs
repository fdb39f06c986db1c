//! The journal of facts over restarts: what was open is known, whatever the segments.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use engine::journal::JournalOptions;
use engine::journal::facts::{FactJournal, FactReader};
use engine::journal::open_state::OpenCallback;
use hooks::fact::{
    CallAnswered, CallCreated, CallEnded, CallSource, CallbackEnded, CallbackOutcome, CallbackRequested,
    CallbackStarted, Direction, EndCause, EndedBy, Event, Fact, LegAnswered, LegStarted, PeerKind, RecordingReady,
    RecordingStarted, RegistrationBound,
};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use hooks::position::Position;

fn fact(at_ms: u64, event: Event) -> Fact {
    Fact { tenant: TenantId::first(), at_ms, event }
}

fn call(n: u128) -> CallId {
    CallId::new(1, n)
}

fn created(n: u128) -> Event {
    Event::CallCreated(CallCreated {
        call: call(n),
        direction: Direction::Internal,
        source: CallSource::Dialled,
        caller: "1001".to_owned(),
        caller_name: String::new(),
        callee: "1002".to_owned(),
        trunk: None,
        emergency: false,
        diverted_from: None,
    })
}

fn leg_started(n: u128) -> Event {
    Event::LegStarted(LegStarted {
        call: call(n),
        leg: LegId::new(1, n),
        caller_side: true,
        peer: PeerKind::Extension,
        peer_name: "1001".to_owned(),
        number: "1001".to_owned(),
        sip_call_id: format!("call-{n}"),
    })
}

fn talk(n: u128) -> [Event; 2] {
    let leg = LegId::new(1, n);
    let answered = LegAnswered { call: call(n), leg, codec: "PCMA".to_owned() };
    [Event::LegAnswered(answered), Event::CallAnswered(CallAnswered { call: call(n), leg })]
}

fn ended(n: u128) -> Event {
    Event::CallEnded(CallEnded { call: call(n), cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 })
}

fn recording_started(n: u128) -> Event {
    let leg = LegId::new(1, n);
    Event::RecordingStarted(RecordingStarted {
        recording: RecordingId::new(1, n),
        call: call(n),
        left: leg,
        right: leg,
        part: 1,
        conference: None,
        mailbox: None,
    })
}

fn recording_ready(n: u128) -> Event {
    Event::RecordingReady(RecordingReady {
        recording: RecordingId::new(1, n),
        call: call(n),
        path: "default/x.wav".to_owned(),
        bytes: 44,
        duration_ms: 0,
        sha256: String::new(),
        partial: false,
    })
}

fn bound(extension: &str, expires_at_ms: u64) -> Event {
    Event::RegistrationBound(RegistrationBound {
        extension: extension.to_owned(),
        contact: format!("<sip:{extension}@192.0.2.1>"),
        path: Vec::new(),
        source: "UDP 192.0.2.1:5060".to_owned(),
        local: "192.0.2.9:5060".to_owned(),
        user_agent: String::new(),
        sip_call_id: "r".to_owned(),
        cseq: 1,
        expires_at_ms,
    })
}

fn options(folder: &tempfile::TempDir, segment_bytes: u64) -> JournalOptions {
    JournalOptions { segment_bytes, ..JournalOptions::new(folder.path(), TenantId::first()) }
}

#[test]
fn calls_open_at_a_crash_are_closed_as_interrupted_with_the_times_known() {
    for segment_bytes in [200, 1_000, 1 << 20] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = FactJournal::open(&options(&folder, segment_bytes)).unwrap();
        for n in 0..20 {
            journal.append(&[fact(1_000 + n as u64, created(n)), fact(1_100, leg_started(n))]).unwrap();
        }
        let [leg_answered, call_answered] = talk(7);
        journal.append(&[fact(2_000, leg_answered), fact(2_000, call_answered)]).unwrap();
        for n in (0..20).filter(|n| *n != 7 && *n != 8) {
            journal.append(&[fact(3_000, ended(n))]).unwrap();
        }
        drop(journal);

        let mut journal = FactJournal::open(&options(&folder, segment_bytes)).unwrap();
        let open = journal.open_state();
        assert_eq!(open.calls.keys().copied().collect::<Vec<_>>(), [call(7), call(8)]);
        let seven = &open.calls[&call(7)];
        assert_eq!((seven.created_at_ms, seven.answered_at_ms, seven.last_at_ms), (1_007, Some(2_000), 2_000));
        assert_eq!(seven.legs[&LegId::new(1, 7)].answered_at_ms, Some(2_000));
        assert_eq!(open.calls[&call(8)].answered_at_ms, None);

        let closing = open.interrupted(&TenantId::first(), 0);
        assert_eq!(closing.len(), 4, "a leg and a call, twice");
        assert!(closing.iter().all(|fact| fact.at_ms == 3_000), "the latest fact tells how long they lived");
        let Event::CallEnded(end) = &closing[1].event else { panic!("{closing:?}") };
        assert_eq!((end.call, end.cause, end.by), (call(7), EndCause::Interrupted, EndedBy::System));
        assert_eq!(open.interrupted(&TenantId::first(), 9_000)[0].at_ms, 9_000, "a recording lived longer");
        journal.append(&closing).unwrap();
        drop(journal);
        let journal = FactJournal::open(&options(&folder, segment_bytes)).unwrap();
        assert!(journal.open_state().calls.is_empty(), "closed once, not again");
    }
}

#[test]
fn recordings_and_registrations_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FactJournal::open(&options(&folder, 300)).unwrap();
    let facts = [
        fact(1, recording_started(1)),
        fact(2, recording_started(2)),
        fact(3, ended(1)),
        fact(4, recording_ready(2)),
        fact(5, bound("1001", 50)),
        fact(6, bound("1002", 500)),
        fact(60, ended(9)),
        fact(61, ended(9)),
    ];
    for fact in facts {
        journal.append(&[fact]).unwrap();
    }
    drop(journal);
    let journal = FactJournal::open(&options(&folder, 300)).unwrap();
    let open = journal.open_state();
    assert_eq!(open.recordings.keys().copied().collect::<Vec<_>>(), [RecordingId::new(1, 1)]);
    drop(journal);
    let journal = FactJournal::open(&options(&folder, 300)).unwrap();
    let open = journal.open_state();
    assert_eq!(open.registrations.keys().collect::<Vec<_>>(), ["1002"], "1001 was not refreshed in time");
}

#[test]
fn callers_to_be_called_back_outlive_the_process_until_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FactJournal::open(&options(&folder, 300)).unwrap();
    let (queue, number) = ("support".to_owned(), "13800000000".to_owned());
    let requested = |n| CallbackRequested {
        call: call(n),
        queue: queue.clone(),
        number: number.clone(),
        priority: 3,
        waited_ms: 7_000,
    };
    let started = CallbackStarted {
        call: call(9),
        callback: call(1),
        queue: queue.clone(),
        number: number.clone(),
        agent: "10001".into(),
        attempt: 2,
        waited_ms: 9_000,
    };
    let over = CallbackEnded {
        call: call(2),
        queue: queue.clone(),
        number: number.clone(),
        outcome: CallbackOutcome::Answered,
        attempts: 1,
        waited_ms: 9_000,
        by: None,
    };
    let facts = [
        fact(1, Event::CallbackRequested(requested(1))),
        fact(2, Event::CallbackRequested(requested(2))),
        fact(3, ended(1)),
        fact(4, ended(2)),
        fact(5, Event::CallbackStarted(started)),
        fact(6, Event::CallbackEnded(over)),
    ];
    for fact in facts {
        journal.append(&[fact]).unwrap();
    }
    drop(journal);
    let journal = FactJournal::open(&options(&folder, 300)).unwrap();
    let open = &journal.open_state().callbacks;
    let there = OpenCallback { requested: requested(1), requested_at_ms: 1, attempts: 2 };
    assert_eq!(open.clone().into_iter().collect::<Vec<_>>(), [(call(1), there)]);
}

#[test]
fn facts_are_read_as_they_were_written_and_unknown_ones_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal =
        engine::journal::Journal::open(&options(&folder, 1 << 20), &mut engine::journal::fold::NoFold).unwrap();
    let known = serde_json::to_vec(&fact(7, created(1))).unwrap();
    let unknown = br#"{"tenant":"default","at_ms":8,"type":"call.beamed_up","data":{}}"#.to_vec();
    journal.append(&[unknown, known], |_| {}).unwrap();
    let mut reader = FactReader::from(journal.handle().reader_after(&Position::start(TenantId::first())).unwrap());
    let facts = reader.next_facts(10).unwrap();
    assert_eq!(facts.len(), 1);
    assert_eq!((facts[0].position.number, &facts[0].fact), (2, &fact(7, created(1))));
    drop(journal);
    let journal = FactJournal::open(&options(&folder, 1 << 20)).unwrap();
    assert_eq!(journal.open_state().calls.len(), 1);
}
