//! Webhooks: settings, places, the log and the dead letters, with their bounds.

use hooks::id::TenantId;
use hooks::position::Position;

use super::on_each_database;
use crate::store::Store;
use crate::store::setting::{Change, Expect, Hidden, Origin, PageAsk};
use crate::store::webhooks::{
    DEAD_LETTERS_MAX, DELIVERIES_MAX, DeadLetter, Delivery, DeliveryOutcome, LostPlace, PreviousSecret, Settled,
    Trying, Webhook, WebhookPlace,
};

fn at(number: u64) -> Position {
    Position { tenant: TenantId::first(), epoch: 1 + number / 100, number }
}

fn change() -> Change {
    Change::system(TenantId::first(), Origin::Setup)
}

fn webhook(id: &str) -> Webhook {
    Webhook {
        id: id.to_owned(),
        url: "https://crm.example/".to_owned(),
        description: "客户".to_owned(),
        enabled: true,
        types: vec!["call.*".parse().unwrap(), "agent.state_changed".parse().unwrap()],
        allow_private: true,
        secret: Hidden::new("new".to_owned()),
        previous: Some(PreviousSecret { secret: Hidden::new("old".to_owned()), until_ms: 77 }),
    }
}

async fn make(store: &Store, id: &str, place: u64) {
    let mut tx = store.change(change()).await.unwrap();
    tx.create(webhook(id)).await.unwrap();
    tx.place_webhook(id, &at(place)).await.unwrap();
    tx.commit().await.unwrap();
}

fn delivery(n: u64, status: Option<u16>) -> Delivery {
    Delivery {
        id: ulid::Ulid::from_parts(n, 0).to_string(),
        event: at(n).to_string(),
        kind: "call.ended".to_owned(),
        attempt: 2,
        at_ms: n,
        status,
        duration_ms: 12,
        outcome: if status.is_some() { DeliveryOutcome::Delivered } else { DeliveryOutcome::Failed },
        error: status.is_none().then(|| "no answer".to_owned()),
    }
}

fn letter(n: u64) -> DeadLetter {
    DeadLetter {
        at: at(n),
        kind: "call.ended".to_owned(),
        body: "{}".to_owned(),
        attempts: 3,
        first_at_ms: 1,
        dead_at_ms: 2,
        status: None,
        error: "no answer".to_owned(),
    }
}

#[test]
fn a_webhook_and_its_place_are_read_back_and_go_together() {
    on_each_database(|scratch| async move {
        let (store, tenant) = (scratch.store, TenantId::first());
        make(&store, "one", 5).await;
        make(&store, "two", 250).await;
        let stored = store.get::<Webhook>(&tenant, "one").await.unwrap();
        assert_eq!(stored.value, webhook("one"));
        let mut place = store.webhook_place(&tenant, "one").await.unwrap().unwrap();
        let fresh = WebhookPlace { at: at(5), generation: 0, trying: None, lost: None, gone_at_ms: None };
        assert_eq!(place, fresh);
        assert_eq!(store.webhooks_passed(&tenant).await.unwrap(), Some(at(5)));

        place.at = at(120);
        place.trying = Some(Trying { attempts: 3, since_ms: 4, next_at_ms: 5, status: None, error: "late".to_owned() });
        place.lost = Some(LostPlace { at_ms: 9, after: at(5), resumed_after: at(119) });
        let log = [delivery(1, Some(200)), delivery(2, None)];
        let settled = Settled { place: &place, log: &log, dead: Some(&letter(110)) };
        assert!(store.settle_webhook("one", &settled).await.unwrap());
        assert_eq!(store.webhook_place(&tenant, "one").await.unwrap().unwrap(), place);
        assert_eq!(store.webhook_places(&tenant).await.unwrap().len(), 2);

        // Set back by people: what was under way moves it no more.
        assert!(store.replay_webhook("one", &at(7)).await.unwrap());
        assert!(!store.settle_webhook("one", &settled).await.unwrap());
        let set_back = WebhookPlace { at: at(7), generation: 1, trying: None, lost: None, gone_at_ms: None };
        assert_eq!(store.webhook_place(&tenant, "one").await.unwrap().unwrap(), set_back);
        let log = store.webhook_deliveries(&tenant, "one", &PageAsk::first(10)).await.unwrap();
        assert_eq!(log.items, [delivery(2, None), delivery(1, Some(200))]);

        // A disabled one holds no events.
        let mut tx = store.change(change()).await.unwrap();
        tx.update(Webhook { enabled: false, ..webhook("one") }, Expect::Any).await.unwrap();
        tx.note_webhook_gone("one", Some(8)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.webhooks_passed(&tenant).await.unwrap(), Some(at(250)));
        assert_eq!(store.webhook_place(&tenant, "one").await.unwrap().unwrap().gone_at_ms, Some(8));

        let mut tx = store.change(change()).await.unwrap();
        tx.forget_webhook("one").await.unwrap();
        tx.delete::<Webhook>("one", Expect::Any).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.webhook_place(&tenant, "one").await.unwrap(), None);
        assert!(!store.replay_webhook("one", &at(1)).await.unwrap());
        store.log_delivery(&tenant, "one", &delivery(3, None)).await.unwrap();
        assert!(store.webhook_deliveries(&tenant, "one", &PageAsk::first(10)).await.unwrap().items.is_empty());
        assert!(store.dead_letters("one", &Position::start(tenant), 10).await.unwrap().is_empty());
    });
}

#[test]
fn the_log_and_the_dead_letters_are_bounded_and_the_oldest_go() {
    on_each_database(|scratch| async move {
        let (store, tenant) = (scratch.store, TenantId::first());
        make(&store, "one", 0).await;
        make(&store, "two", 0).await;
        store.log_delivery(&tenant, "two", &delivery(1, None)).await.unwrap();
        let place = store.webhook_place(&tenant, "one").await.unwrap().unwrap();
        let log: Vec<Delivery> = (1..=DELIVERIES_MAX + 5).map(|n| delivery(n, Some(200))).collect();
        assert!(store.settle_webhook("one", &Settled { place: &place, log: &log, dead: None }).await.unwrap());
        let kept = store.webhook_deliveries(&tenant, "one", &PageAsk::first(1_000)).await.unwrap();
        assert_eq!((kept.items.len() as u64, kept.items.last().map(|entry| entry.at_ms)), (DELIVERIES_MAX, Some(6)));
        assert_eq!(store.webhook_deliveries(&tenant, "two", &PageAsk::first(9)).await.unwrap().items.len(), 1);
        assert_eq!(store.sweep_webhook_deliveries(11).await.unwrap(), 6);

        for n in (1..=DEAD_LETTERS_MAX + 2).chain([500]) {
            let letter = letter(n);
            assert!(
                store.settle_webhook("one", &Settled { place: &place, log: &[], dead: Some(&letter) }).await.unwrap()
            );
        }
        let dead = store.dead_letters("one", &Position::start(tenant.clone()), 2_000).await.unwrap();
        let numbers: Vec<u64> = dead.iter().map(|letter| letter.at.number).collect();
        assert_eq!(numbers, (3..=DEAD_LETTERS_MAX + 2).collect::<Vec<_>>());
        let after = store.dead_letters("one", &at(150), 2).await.unwrap();
        assert_eq!(after, [letter(151), letter(152)]);
        assert_eq!(store.dead_letter("one", &at(151)).await.unwrap(), Some(letter(151)));
        assert!(store.delete_dead_letter("one", &at(151)).await.unwrap());
        assert!(!store.delete_dead_letter("one", &at(151)).await.unwrap());
    });
}
