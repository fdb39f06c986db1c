//! Messages in boxes, over a real journal and each database, and what the switch is told of them.

use hooks::fact::{
    CallCreated, CallEnded, CallSource, Direction, EndCause, EndedBy, Event, Fact, RecordingDiscarded, RecordingReady,
    RecordingStarted, VoicemailLeft, VoicemailUsed,
};
use hooks::id::{CallId, LegId, RecordingId, TenantId};
use switch::input::Input;

use super::call_records::CallRecords;
use crate::journal::JournalOptions;
use crate::journal::facts::FactJournal;
use crate::store::Store;
use crate::store::scope::Sight;
use crate::store::setting::PageAsk;
use crate::store::tests::on_each_database;
use crate::store::voicemails::{FirstUse, VoicemailFilter, Waiting};
use crate::writer::{Outbox, inbox};

const NOON: u64 = 1_795_336_200_000;

fn call(n: u64) -> CallId {
    CallId::new(NOON + n * 1_000, u128::from(n))
}

fn message(n: u64) -> RecordingId {
    RecordingId::new(NOON + n * 1_000, u128::from(n))
}

fn fact(n: u64, event: Event) -> Fact {
    Fact { tenant: TenantId::first(), at_ms: NOON + n * 1_000, event }
}

/// The `n`th caller leaves a message of `n` seconds in a box; without one he says too little.
fn left(n: u64, mailbox: &str, is_kept: bool) -> Vec<Fact> {
    let (call, recording, caller) = (call(n), message(n), format!("1380000000{n}"));
    let created = CallCreated {
        call,
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: caller.clone(),
        caller_name: String::new(),
        callee: "8610".to_owned(),
        trunk: None,
        emergency: false,
        diverted_from: None,
    };
    let leg = LegId::new(NOON, 1);
    let started = RecordingStarted {
        recording,
        call,
        left: leg,
        right: leg,
        part: 1,
        conference: None,
        mailbox: Some(mailbox.to_owned()),
    };
    let end = match is_kept {
        true => Event::VoicemailLeft(VoicemailLeft {
            voicemail: recording,
            call,
            mailbox: mailbox.to_owned(),
            caller,
            caller_name: String::new(),
            callee: "8610".to_owned(),
            length_ms: n * 1_000,
        }),
        false => Event::RecordingDiscarded(RecordingDiscarded { recording, call }),
    };
    let ready = RecordingReady {
        recording,
        call,
        path: format!("default/{recording}.wav"),
        bytes: 44,
        duration_ms: 1_000,
        sha256: "0".repeat(64),
        partial: false,
    };
    let ended = CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 };
    let events = [
        Event::CallCreated(created),
        Event::RecordingStarted(started),
        end,
        Event::CallEnded(ended),
        Event::RecordingReady(ready),
    ];
    events.into_iter().map(|event| fact(n, event)).collect()
}

fn used(n: u64, by: &str, what: fn(VoicemailUsed) -> Event) -> Fact {
    fact(n + 100, what(VoicemailUsed { voicemail: message(n), call: call(n), by: by.to_owned() }))
}

/// What the switch was told since the last look: box, new and old.
fn told(outbox: &Outbox) -> Vec<(String, u32, u32)> {
    let inputs = std::iter::from_fn(|| outbox.take_input());
    let mut told: Vec<_> = inputs
        .map(|input| match input {
            Input::MessagesWaiting { mailbox, new, old, .. } => (mailbox.to_string(), new, old),
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort();
    told
}

async fn numbers(store: &Store, filter: VoicemailFilter) -> Vec<u64> {
    let page = store.voicemails(Sight::whole(&TenantId::first()), &filter, &PageAsk::first(50)).await.unwrap();
    page.items.iter().map(|it| it.length_ms / 1_000).collect()
}

async fn check_filters(store: &Store) {
    let all = VoicemailFilter::default();
    let filters = [
        (all.clone(), vec![4, 2, 1]),
        (VoicemailFilter { caller: Some("13800000002".into()), ..all.clone() }, vec![2]),
        (VoicemailFilter { callee: Some("8610".into()), length_min_ms: Some(2_000), ..all.clone() }, vec![4, 2]),
        (VoicemailFilter { length_max_ms: Some(2_000), ..all.clone() }, vec![2, 1]),
        (VoicemailFilter { listened: Some(true), ..all.clone() }, vec![1]),
        (VoicemailFilter { listened: Some(false), ..all.clone() }, vec![4, 2]),
        (VoicemailFilter { downloaded: Some(true), ..all.clone() }, vec![2]),
        (VoicemailFilter { downloaded: Some(false), ..all.clone() }, vec![4, 1]),
        (VoicemailFilter { from_ms: Some(NOON + 2_000), to_ms: Some(NOON + 4_000), ..all.clone() }, vec![2]),
        (VoicemailFilter { mailbox: Some("queue:support".into()), ..all.clone() }, vec![4]),
        (VoicemailFilter { mailbox: Some("extension:1001".into()), ..all.clone() }, vec![2, 1]),
        (VoicemailFilter { mailbox: Some("queue:x".into()), ..all }, vec![]),
    ];
    for (filter, expected) in filters {
        assert_eq!(numbers(store, filter.clone()).await, expected, "{filter:?}");
    }
}

#[test]
fn messages_are_listed_with_who_used_them_first_and_phones_are_told_how_many_wait() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let folder = tempfile::tempdir().unwrap();
        let mut journal = FactJournal::open(&JournalOptions::new(folder.path(), TenantId::first())).unwrap();
        let (way_in, outbox) = inbox();
        let mut consumer = CallRecords::new(store.clone(), journal.handle()).telling(way_in);
        let facts =
            [left(1, "extension:1001", true), left(2, "extension:1001", true), left(3, "extension:1001", false)];
        journal.append(&facts.concat()).unwrap();
        journal.append(&left(4, "queue:support", true)).unwrap();
        // At once, not with the next fact.
        assert!(consumer.step().await.unwrap() > 0);
        let extension = |new, old| ("extension:1001".to_owned(), new, old);
        let queue = ("queue:support".to_owned(), 1, 0);
        assert_eq!(told(&outbox), [extension(2, 0), queue.clone()], "one message was none");
        let uses = [
            used(1, "extension:1001", Event::VoicemailListened),
            used(1, "admin", Event::VoicemailListened),
            used(2, "admin", Event::VoicemailDownloaded),
        ];
        journal.append(&uses).unwrap();
        while consumer.step().await.unwrap() > 0 {}
        assert_eq!(told(&outbox), [extension(1, 1)]);
        check_filters(store).await;
        let first = store.voicemail(Sight::whole(&TenantId::first()), message(1)).await.unwrap().unwrap();
        let by = FirstUse { at_ms: NOON + 101_000, by: "extension:1001".to_owned() };
        assert_eq!((first.listened, first.downloaded), (Some(by), None));

        // Another process tells them all anew.
        let (way_in, other) = inbox();
        let mut next = CallRecords::new(store.clone(), journal.handle()).telling(way_in);
        assert_eq!(next.step().await.unwrap(), 0);
        assert_eq!(told(&other), [extension(1, 1), queue]);

        journal
            .append(&[used(1, "admin", Event::VoicemailDeleted), used(2, "admin", Event::VoicemailDeleted)])
            .unwrap();
        while consumer.step().await.unwrap() > 0 {}
        assert_eq!(told(&outbox), [extension(0, 0)]);
        assert_eq!(store.voicemail(Sight::whole(&TenantId::first()), message(1)).await.unwrap(), None);
        assert_eq!(numbers(store, VoicemailFilter::default()).await, [4]);
        let none = store.waiting_messages_of(&TenantId::first(), "extension:1001").await.unwrap();
        assert_eq!(none, Waiting::default());
        let discarded = store.recordings_discarded(&TenantId::first(), 9).await.unwrap();
        assert_eq!(discarded.iter().map(|it| it.recording).collect::<Vec<_>>(), [message(3)]);
        let to_store = store.recordings_to_store(&TenantId::first(), 9).await.unwrap();
        assert!(to_store.iter().all(|it| it.recording != message(3)), "what is deleted need not be moved");
    });
}
