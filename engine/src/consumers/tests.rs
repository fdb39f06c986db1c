//! The consumer over a real journal and each database: the same rows however often and wherever it is stopped.

use hooks::fact::{
    CallAnswered, CallCreated, CallEnded, CallResumed, CallSource, Direction, EndCause, EndedBy, Event, Fact,
    LegAnswered, LegEnded, LegRinging, LegStarted, MediaQuality, PeerKind, QualityStretch, QualityTimeline,
    ReceivedQuality, RecordingFailed, RecordingMark, RecordingReady, RecordingStarted, RegistrationBound,
    RegistrationUnbound, ReportedQuality, UnboundReason,
};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use hooks::plugin::Recorded;
use hooks::position::Position;

use super::call_records::{CONSUMER, CallRecords};
use super::fold::CallFold;
use crate::journal::JournalOptions;
use crate::journal::facts::FactJournal;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::recordings::{Mark, MarkKind};
use crate::store::recordings::{RecordingState, RecordingUse};
use crate::store::records::{CallDocument, Derived, Interruption, RecordFilter};
use crate::store::scope::Sight;
use crate::store::setting::PageAsk;
use crate::store::tests::on_each_database;

const QUALITY: MediaQuality = MediaQuality {
    received: 500,
    sent: 498,
    lost: 2,
    out_of_order: 1,
    jitter_us: 900,
    round_trip_us: 40_000,
    refused: 0,
    reported_lost: 3,
    timeline: None,
};

fn call(n: u128) -> CallId {
    CallId::new(1_000_000 + u64::try_from(n).unwrap() * 1_000, n)
}

fn leg(n: u128) -> LegId {
    LegId::new(1_000_000, n)
}

fn fact(at_ms: u64, event: Event) -> Fact {
    Fact { tenant: TenantId::first(), at_ms: 1_000_000 + at_ms, event }
}

fn started(call: CallId, leg: LegId, caller_side: bool, peer: PeerKind, peer_name: &str) -> Event {
    let (peer_name, number) = (peer_name.to_owned(), "13800000000".to_owned());
    Event::LegStarted(LegStarted { call, leg, caller_side, peer, peer_name, number, sip_call_id: "abc@phone".into() })
}

fn ended(call: CallId, leg: LegId, cause: EndCause, sip_status: u16) -> Event {
    let quality = Some(MediaQuality { timeline: Some(timeline()), ..QUALITY });
    Event::LegEnded(LegEnded { call, leg, cause, sip_status, reason: None, quality })
}

fn timeline() -> QualityTimeline {
    let (jitter_us, mos_hundredths) = (900, Some(438));
    let received = ReceivedQuality { packets: 248, lost: 2, late: 0, concealed_ms: 40, jitter_us, mos_hundredths };
    let reported = ReportedQuality { expected: 250, lost: 3, late: 1, jitter_us, mos_hundredths: None };
    let stretch = |from_ms, reported, round_trip_us, level_dbov_tenths| QualityStretch {
        from_ms,
        received,
        sent: 249,
        reported,
        round_trip_us,
        level_dbov_tenths,
    };
    let stretches = vec![stretch(0, None, None, None), stretch(5_000, Some(reported), Some(40_000), Some(-264))];
    QualityTimeline { from_ms: 1_004_000, length_ms: 9_000, stretches }
}

/// An inbound call that rings two phones; 1002 answers after 3.9 s and they talk for 10.7 s, recorded.
fn whole_call(n: u128, offset_ms: u64) -> Vec<Fact> {
    let (call, caller, busy, callee) = (call(n), leg(n * 10 + 1), leg(n * 10 + 2), leg(n * 10 + 3));
    let recording = RecordingId::new(1, n);
    let created = CallCreated {
        call,
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: "13800000000".into(),
        caller_name: "王明".into(),
        callee: "01012345678".into(),
        trunk: Some("lines".into()),
        emergency: false,
        diverted_from: None,
    };
    let ready = RecordingReady {
        recording,
        call,
        path: "default/1970/01/01/x.wav".into(),
        bytes: 342_444,
        duration_ms: 10_700,
        sha256: "0".repeat(64),
        partial: false,
    };
    let mark = |offset_ms, by: Option<&str>| RecordingMark { recording, call, offset_ms, by: by.map(str::to_owned) };
    let events = [
        (0, Event::CallCreated(created)),
        (1, started(call, caller, true, PeerKind::Trunk, "lines")),
        (2, started(call, busy, false, PeerKind::Extension, "1001")),
        (2, started(call, callee, false, PeerKind::Extension, "1002")),
        (90, ended(call, busy, EndCause::Busy, 486)),
        (100, Event::LegRinging(LegRinging { call, leg: callee, early_media: true })),
        (4_000, Event::LegAnswered(LegAnswered { call, leg: callee, codec: "PCMA".into() })),
        (4_000, Event::CallAnswered(CallAnswered { call, leg: callee })),
        (4_010, Event::LegAnswered(LegAnswered { call, leg: caller, codec: "PCMU".into() })),
        (
            4_010,
            Event::RecordingStarted(RecordingStarted {
                recording,
                call,
                left: caller,
                right: callee,
                part: 1,
                conference: None,
                mailbox: None,
            }),
        ),
        (6_010, Event::RecordingPaused(mark(2_000, Some("1002")))),
        (9_010, Event::RecordingResumed(mark(5_000, None))),
        (14_690, ended(call, caller, EndCause::Normal, 200)),
        (14_700, ended(call, callee, EndCause::Normal, 200)),
        (14_700, Event::CallEnded(CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 })),
        (15_000, Event::RecordingReady(ready)),
    ];
    events.into_iter().map(|(at, event)| fact(offset_ms + at, event)).collect()
}

fn recorded(facts: &[Fact]) -> Vec<Recorded> {
    let at =
        |number: usize| Position { tenant: TenantId::first(), epoch: 1, number: u64::try_from(number).unwrap() + 1 };
    facts.iter().enumerate().map(|(n, fact)| Recorded { position: at(n), fact: fact.clone() }).collect()
}

fn folded(facts: &[Fact]) -> Vec<CallDocument> {
    let mut fold = CallFold::default();
    assert_eq!(fold.missing(&recorded(facts)), []);
    facts.iter().for_each(|fact| fold.apply(fact));
    fold.derived().calls
}

#[test]
fn a_call_that_came_in_stays_with_its_trunk_though_another_one_takes_it() {
    for (direction, trunk) in [(Direction::Inbound, "lines"), (Direction::Outbound, "mobiles")] {
        let mut facts = whole_call(1, 0);
        for fact in &mut facts {
            match &mut fact.event {
                Event::CallCreated(created) => created.direction = direction,
                Event::LegStarted(started) if started.peer_name == "1002" => {
                    (started.peer, started.peer_name) = (PeerKind::Trunk, "mobiles".to_owned());
                }
                _ => {}
            }
        }
        assert_eq!(folded(&facts).pop().unwrap().record.trunk.as_deref(), Some(trunk), "{direction:?}");
    }
}

/// Proves GEN-04 (call durations), CDR-08.
#[test]
fn a_call_becomes_one_record_with_its_times() {
    let document = folded(&whole_call(1, 0)).pop().unwrap();
    let record = &document.record;
    let end = record.end.as_ref().unwrap();
    assert_eq!((end.ring_duration_ms, end.talk_duration_ms, end.total_duration_ms), (3_000, 10_000, 14_000));
    assert_eq!((end.cause, end.by, end.sip_status), (EndCause::Normal, EndedBy::Caller, 200));
    assert_eq!(record.callee_extension.as_deref(), Some("1002"));
    assert_eq!((record.caller_extension.as_deref(), record.trunk.as_deref()), (None, Some("lines")));
    assert_eq!(record.answered_at_ms, Some(1_004_000));
    assert_eq!(document.legs.len(), 3);
    assert_eq!(document.legs[1].end.as_ref().unwrap().cause, EndCause::Busy);
    assert_eq!(
        document.legs[2].end.as_ref().unwrap().quality,
        Some(MediaQuality { timeline: Some(timeline()), ..QUALITY })
    );
    assert!(matches!(&document.recordings[0].state, RecordingState::Ready(file) if file.bytes == 342_444));
}

/// Proves GEN-04 (an answered call talks at least 1 s).
#[test]
fn an_answered_call_talks_for_a_second_at_least_and_an_unanswered_one_not_at_all() {
    let short: Vec<Fact> = whole_call(1, 0)
        .into_iter()
        .map(|mut fact| {
            fact.at_ms = fact.at_ms.min(1_004_200);
            fact
        })
        .collect();
    assert_eq!(folded(&short)[0].record.end.as_ref().unwrap().talk_duration_ms, 1_000);
    let unanswered: Vec<Fact> = whole_call(1, 0)
        .into_iter()
        .filter(|fact| !matches!(fact.event, Event::CallAnswered(_) | Event::LegAnswered(_)))
        .collect();
    let end = folded(&unanswered)[0].record.end.clone().unwrap();
    assert_eq!((end.ring_duration_ms, end.talk_duration_ms), (14_000, 0));
}

#[test]
fn a_call_cut_by_a_crash_ends_with_all_its_legs() {
    let mut facts = whole_call(1, 0);
    facts.truncate(10);
    let cut = CallEnded { call: call(1), cause: EndCause::Interrupted, by: EndedBy::System, sip_status: 0 };
    facts.push(fact(9_000, Event::CallEnded(cut)));
    let failed =
        RecordingFailed { recording: RecordingId::new(1, 1), call: call(1), reason: "the disk is full".into() };
    facts.push(fact(9_001, Event::RecordingFailed(failed)));
    let document = folded(&facts).pop().unwrap();
    assert_eq!(document.record.end.as_ref().unwrap().cause, EndCause::Interrupted);
    let causes: Vec<EndCause> = document.legs.iter().map(|leg| leg.end.as_ref().unwrap().cause).collect();
    assert_eq!(causes, [EndCause::Interrupted, EndCause::Busy, EndCause::Interrupted]);
    let RecordingState::Failed { reason } = &document.recordings[0].state else { panic!("it failed") };
    assert_eq!(reason, "the disk is full");
}

#[test]
fn a_call_that_outlived_its_process_tells_the_gap_and_the_parts_of_its_recording() {
    let mut facts = whole_call(1, 0);
    let leg = LegId::new(1, 1);
    let resumed = CallResumed { call: call(1), interrupted_at_ms: 1_006_000, gap_ms: 2_300 };
    let part = RecordingStarted {
        recording: RecordingId::new(1, 2),
        call: call(1),
        left: leg,
        right: leg,
        part: 2,
        conference: None,
        mailbox: None,
    };
    facts.insert(10, fact(8_300, Event::CallResumed(resumed)));
    facts.insert(11, fact(8_300, Event::RecordingStarted(part)));
    let document = folded(&facts).pop().unwrap();
    assert_eq!(document.record.interruptions, [Interruption { from_ms: 1_006_000, to_ms: 1_008_300 }]);
    let parts: Vec<u32> = document.recordings.iter().map(|recording| recording.part).collect();
    assert_eq!(parts, [1, 2]);
    assert_eq!(document.record.end.as_ref().unwrap().cause, EndCause::Normal);
}

#[test]
fn the_same_facts_again_change_nothing() {
    let once = whole_call(1, 0);
    let mut twice = once.clone();
    twice.extend(once.iter().skip(1).cloned());
    assert_eq!(folded(&twice), folded(&once));
}

/// A journal with these facts, in a folder of its own.
fn journal(facts: &[Fact]) -> (tempfile::TempDir, FactJournal) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FactJournal::open(&JournalOptions::new(folder.path(), TenantId::first())).unwrap();
    for batch in facts.chunks(5) {
        journal.append(batch).unwrap();
    }
    (folder, journal)
}

fn bound(expires_at_ms: u64) -> RegistrationBound {
    RegistrationBound {
        extension: "1001".into(),
        contact: "sip:1001@192.0.2.1:5060".into(),
        path: Vec::new(),
        source: "UDP 192.0.2.1:5060".into(),
        local: "192.0.2.9:5060".into(),
        user_agent: "phone".into(),
        sip_call_id: "reg".into(),
        cseq: 7,
        expires_at_ms,
    }
}

/// Two calls that overlap, and a phone that registers.
fn day() -> Vec<Fact> {
    let mut facts = whole_call(1, 0);
    facts.extend(whole_call(2, 7_000));
    facts.push(fact(20, Event::RegistrationBound(bound(2_000_000))));
    facts.sort_by_key(|fact| fact.at_ms);
    facts
}

async fn everything(store: &Store) -> (Vec<CallDocument>, usize) {
    let here = TenantId::first();
    let documents = store.call_documents(&here, &[call(1), call(2)]).await.unwrap();
    (documents, store.registrations(&here, 1_500_000).await.unwrap().len())
}

#[test]
fn records_are_read_as_they_were_folded() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let (_folder, journal) = journal(&day());
        let mut consumer = CallRecords::new(store.clone(), journal.handle());
        assert!(consumer.is_behind());
        assert_eq!(consumer.step().await.unwrap(), day().len());
        assert_eq!((consumer.step().await.unwrap(), consumer.lag()), (0, Some(0)));
        let mut documents = folded(&whole_call(1, 0));
        documents.append(&mut folded(&whole_call(2, 7_000)));
        assert_eq!(everything(store).await, (documents, 1));
        assert_eq!(store.cursor(&TenantId::first(), CONSUMER).await.unwrap(), journal.handle().head());
    });
}

#[test]
fn a_recording_shows_where_it_was_paused_also_when_it_is_told_twice() {
    let mut facts = whole_call(1, 0);
    let mark = |kind, at_ms, offset_ms, by: Option<&str>| Mark { kind, at_ms, offset_ms, by: by.map(str::to_owned) };
    let marks =
        [mark(MarkKind::Paused, 1_006_010, 2_000, Some("1002")), mark(MarkKind::Resumed, 1_009_010, 5_000, None)];
    assert_eq!(folded(&facts)[0].recordings[0].marks, marks);
    facts.extend_from_within(10..12);
    assert_eq!(folded(&facts)[0].recordings[0].marks, marks);
}

/// The consumer dies after any batch and its successor begins at the cursor; or it dies before the commit and reads again.
#[test]
fn wherever_it_is_stopped_the_rows_are_the_same() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let facts = day();
        let (_folder, mut journal) = journal(&[]);
        for fact in &facts {
            journal.append(std::slice::from_ref(fact)).unwrap();
            // A new one each time: nothing in memory helps it.
            let mut consumer = CallRecords::new(store.clone(), journal.handle());
            assert_eq!(consumer.step().await.unwrap(), 1);
        }
        let mut documents = folded(&whole_call(1, 0));
        documents.append(&mut folded(&whole_call(2, 7_000)));
        assert_eq!(everything(store).await, (documents, 1));
    });
}

#[test]
fn two_consumers_of_one_cursor_do_not_both_store() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let (from, to) = (
            Position::start(TenantId::first()),
            Position { epoch: 1, number: 9, ..Position::start(TenantId::first()) },
        );
        let derived = Derived { calls: folded(&whole_call(1, 0)), ..Derived::default() };
        store.save_derived("one", &from, &to, &derived).await.unwrap();
        for stale in [&from, &Position { number: 8, ..to.clone() }] {
            let next = Position { number: 20, ..to.clone() };
            let other = Derived { calls: folded(&whole_call(2, 0)), ..Derived::default() };
            let refused = store.save_derived("one", stale, &next, &other).await;
            assert!(matches!(refused, Err(StoreError::CursorMoved { .. })), "{refused:?}");
        }
        assert_eq!(
            store.call_record(Sight::whole(&TenantId::first()), call(2)).await.unwrap(),
            None,
            "nothing of it was written"
        );
        assert_eq!(store.cursor(&TenantId::first(), "one").await.unwrap(), to);
    });
}

#[test]
fn a_database_that_is_away_makes_records_late_and_loses_none() {
    on_each_database(|scratch| async move {
        let (_folder, journal) = journal(&day());
        let mut consumer = CallRecords::new(scratch.store.clone(), journal.handle());
        scratch.store.close().await;
        assert!(consumer.step().await.is_err());
        assert!(consumer.is_behind());
        let back = Store::open(&scratch.url).await.unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(true);
        let (inbox, _outbox) = crate::writer::inbox();
        super::call_records::run(back.clone(), journal.handle(), inbox, stopped).await;
        drop(stop);
        assert_eq!(everything(&back).await.0.len(), 2);
    });
}

#[test]
fn a_registration_is_there_until_it_is_taken_back_or_runs_out() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let gone = RegistrationUnbound {
            extension: "1001".into(),
            contact: "sip:1001@192.0.2.1:5060".into(),
            reason: UnboundReason::Unregistered,
        };
        let facts =
            [fact(0, Event::RegistrationBound(bound(1_060_000))), fact(1, Event::RegistrationBound(bound(1_090_000)))];
        let (_folder, mut journal) = journal(&facts);
        let mut consumer = CallRecords::new(store.clone(), journal.handle());
        consumer.step().await.unwrap();
        let here = TenantId::first();
        let there = store.registrations(&here, 1_089_999).await.unwrap();
        assert_eq!((there[0].bound_at_ms, &there[0].binding), (1_000_001, &bound(1_090_000)));
        assert_eq!(store.registrations(&here, 1_090_000).await.unwrap(), []);
        journal.append(&[fact(2, Event::RegistrationUnbound(gone))]).unwrap();
        consumer.step().await.unwrap();
        assert_eq!(store.registrations(&here, 0).await.unwrap(), []);
    });
}

/// Proves CDR-02 (by phone, direction, time, talk duration).
#[test]
fn records_are_listed_newest_first_and_filtered() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let here = TenantId::first();
        let mut calls = Vec::new();
        for n in 1..=70 {
            calls.append(&mut folded(&whole_call(n, u64::try_from(n).unwrap() * 1_000)));
        }
        calls[4].record.direction = Direction::Outbound;
        calls[5].record.answered_at_ms = None;
        calls[6].record.caller = "4001".into();
        calls[7].record.end = None;
        calls[8].record.end.as_mut().unwrap().talk_duration_ms = 60_000;
        let (from, to) =
            (Position::start(here.clone()), Position { epoch: 1, number: 1, ..Position::start(here.clone()) });
        store.save_derived("test", &from, &to, &Derived { calls, ..Derived::default() }).await.unwrap();
        let list = async |filter: RecordFilter| {
            let page = store.call_records(Sight::whole(&here), &filter, &PageAsk::first(100)).await.unwrap();
            page.items.into_iter().map(|record| record.call).collect::<Vec<_>>()
        };
        let all = list(RecordFilter::default()).await;
        assert_eq!(
            (all.len(), all[0], all.is_sorted_by(|a, b| a > b)),
            (69, call(70), true),
            "a running call is not listed"
        );
        let only = RecordFilter { direction: Some(Direction::Outbound), ..RecordFilter::default() };
        assert_eq!(list(only).await, [call(5)]);
        assert_eq!(list(RecordFilter { answered: Some(false), ..RecordFilter::default() }).await, [call(6)]);
        assert_eq!(list(RecordFilter { number: Some("4001".into()), ..RecordFilter::default() }).await, [call(7)]);
        assert_eq!(list(RecordFilter { talk_min_ms: Some(11_000), ..RecordFilter::default() }).await, [call(9)]);
        assert_eq!(list(RecordFilter { extension: Some("1002".into()), ..RecordFilter::default() }).await.len(), 69);
        assert_eq!(list(RecordFilter { extension: Some("1001".into()), ..RecordFilter::default() }).await, []);
        let hour = RecordFilter { from_ms: Some(1_010_000), to_ms: Some(1_012_000), ..RecordFilter::default() };
        assert_eq!(list(hour).await, [call(11), call(10)]);
        let page = store.call_records(Sight::whole(&here), &RecordFilter::default(), &PageAsk::first(2)).await.unwrap();
        let next = PageAsk { limit: 2, after: page.next };
        let second = store.call_records(Sight::whole(&here), &RecordFilter::default(), &next).await.unwrap();
        assert_eq!(second.items[0].call, call(68));
        let other: TenantId = "other".parse().unwrap();
        assert_eq!(store.call_records(Sight::whole(&other), &RecordFilter::default(), &next).await.unwrap().items, []);
        assert_eq!(store.call_record(Sight::whole(&other), call(1)).await.unwrap(), None);
    });
}

/// Proves REC-05 (each use is logged).
#[test]
fn a_recording_is_found_and_its_uses_are_logged() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let here = TenantId::first();
        let (from, to) =
            (Position::start(here.clone()), Position { epoch: 1, number: 1, ..Position::start(here.clone()) });
        let derived = Derived { calls: folded(&whole_call(1, 0)), ..Derived::default() };
        store.save_derived("test", &from, &to, &derived).await.unwrap();
        let id = RecordingId::new(1, 1);
        let found = store.recording(Sight::whole(&here), id).await.unwrap().unwrap();
        assert_eq!((found.call, found.left, found.right), (call(1), Some(leg(11)), Some(leg(13))));
        assert_eq!(store.recordings_of(&here, &[call(1), call(2)]).await.unwrap(), [found]);
        assert_eq!(store.recording(Sight::whole(&"other".parse().unwrap()), id).await.unwrap(), None);
        store.log_recording_use(&here, "admin", id, RecordingUse::Play).await.unwrap();
        store.log_recording_use(&here, "token:crm", id, RecordingUse::Download).await.unwrap();
        let uses = store.recording_uses(&here, id, &PageAsk::first(10)).await.unwrap().items;
        assert_eq!((uses[0].by.as_str(), uses[0].kind), ("token:crm", RecordingUse::Download));
        for (tenant, other) in [(&here, RecordingId::new(1, 9)), (&"other".parse().unwrap(), id)] {
            assert!(store.recording_uses(tenant, other, &PageAsk::first(10)).await.unwrap().items.is_empty());
        }
    });
}

/// Not a proof but a figure: µs of wall time per call, whole calls in batches.
#[test]
fn a_thousand_calls_are_stored_in_a_few_batches() {
    on_each_database(|scratch| async move {
        let calls: Vec<Fact> = (1..=1_000).flat_map(|n| whole_call(n, 0)).collect();
        let (_folder, journal) = journal(&calls);
        let mut consumer = CallRecords::new(scratch.store.clone(), journal.handle());
        let begin = std::time::Instant::now();
        let mut batches = 0;
        while consumer.step().await.unwrap() > 0 {
            batches += 1;
        }
        println!("1000 calls in {batches} batches, {} us a call", begin.elapsed().as_micros() / 1_000);
        assert_eq!(batches, 4);
        let page = scratch
            .store
            .call_records(Sight::whole(&TenantId::first()), &RecordFilter::default(), &PageAsk::first(1_000))
            .await;
        assert_eq!(page.unwrap().items.len(), 1_000);
    });
}
