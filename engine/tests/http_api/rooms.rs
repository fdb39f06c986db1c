//! Conference rooms as they are set, and what is done to those who are in them.

use hooks::fact::{MemberRole, PeerKind};
use hooks::id::{CallId, ConferenceId, LegId};
use serde_json::json;
use switch::input::{Command, ConferenceOrder};
use switch::media::Decibels;
use switch::view::{ConferenceView, MemberView, View};

use crate::fixture::{Fixture, default_tenant};

#[tokio::test]
async fn a_room_is_made_changed_and_deleted_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let new = json!({"number": "8001", "name": "Board", "pin": "1234", "moderator_pin": "56789", "members_max": 5});
    let made = admin.post("/rooms", new).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/rooms/8001"));
    assert!(!String::from_utf8_lossy(&made.bytes).contains("1234"), "a PIN is never shown");
    let shown = made.json();
    assert_eq!((&shown["has_pin"], &shown["has_moderator_pin"]), (&json!(true), &json!(true)));
    let handed = |fixture: &Fixture| fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    let number = "8001".parse().unwrap();
    let config = handed(&fixture);
    assert!(config.plan.rooms.contains(&number));
    let room = &config.rooms[&number];
    assert_eq!(room.pin.as_ref().unwrap().digits(), "1234");
    assert_eq!(room.moderator_pin.as_ref().unwrap().digits(), "56789");
    assert_eq!((room.members_max, room.announce, room.locked), (5, true, false));

    let route = json!({"name": "board", "direction": "inbound", "did": "8610", "to": "room:8001"});
    assert_eq!(admin.post("/routes", route).await.status, 201);
    let nowhere = json!({"name": "none", "direction": "inbound", "did": "8611", "to": "room:8009"});
    assert_eq!(admin.post("/routes", nowhere).await.json()["errors"][0]["field"], "to");

    let patched = admin.patch("/rooms/8001", json!({"pin": null, "locked": true})).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["has_pin"]), (200, &json!(false)));
    let room = handed(&fixture).rooms[&number].clone();
    assert!(room.pin.is_none() && room.moderator_pin.is_some() && room.locked, "{room:?}");
    let unlockable = admin.patch("/rooms/8001", json!({"moderator_pin": null})).await;
    assert_eq!(unlockable.json()["errors"][0]["field"], "locked");

    assert_eq!(admin.delete("/rooms/8001").await.problem(), "in-use");
    assert_eq!(admin.delete("/routes/board").await.status, 204);
    assert_eq!(admin.delete("/rooms/8001").await.status, 204);
    assert!(!handed(&fixture).rooms.contains_key(&number));
    let audit = String::from_utf8_lossy(&admin.get("/audit?limit=100").await.bytes).into_owned();
    assert!(audit.contains("8001") && !audit.contains("56789"), "the audit log hides PINs");
}

#[tokio::test]
async fn a_number_is_a_rooms_or_an_extensions() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let taken = admin.post("/rooms", json!({"number": "1001"})).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["errors"][0]["field"]), (422, &json!("number")));
    assert_eq!(admin.post("/rooms", json!({"number": "8001"})).await.status, 201);
    let taken = admin.post("/extensions", json!({"number": "8001"})).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["errors"][0]["field"]), (422, &json!("number")));
    let bad = json!({"number": "x", "pin": "12", "moderator_pin": "12", "members_max": 101, "name": "a\nb"});
    let bad = admin.post("/rooms", bad).await.json();
    let fields: Vec<&str> = bad["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["number", "name", "members_max", "pin", "moderator_pin", "moderator_pin"]);
}

#[tokio::test]
async fn who_is_in_a_room_is_shown_and_obeyed() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.get("/conferences/8000").await.status, 404);
    let call = CallId::new(5, 7);
    let member = MemberView {
        call,
        leg: LegId::new(5, 8),
        peer: PeerKind::Extension,
        peer_name: "1001".into(),
        number: "1001".into(),
        role: MemberRole::Moderator,
        muted: true,
        held: false,
        gain: Decibels::new(-6),
        joined_ms: 1_000,
    };
    let view = ConferenceView {
        tenant: default_tenant(),
        conference: ConferenceId::new(5, 9),
        room: "8000".into(),
        started_ms: 1_000,
        locked: true,
        recording: None,
        members: vec![member],
    };
    fixture.live.apply(View::Conference(Box::new(view)));
    let list = admin.get("/conferences").await.json();
    assert_eq!((&list["items"][0]["room"], &list["items"][0]["locked"]), (&json!("8000"), &json!(true)));
    let shown = admin.get("/conferences/8000").await.json();
    let first = &shown["members"][0];
    assert_eq!(
        (&first["call"], &first["role"], &first["muted"], &first["gain_db"], &first["joined_at"]),
        (&json!(call.to_string()), &json!("moderator"), &json!(true), &json!(-6), &json!("1970-01-01T00:00:01.000Z"))
    );
    let of = format!("/conferences/8000/members/{call}");
    for path in ["/mute", "/unmute", "/kick"].map(|what| format!("{of}{what}")) {
        assert_eq!(admin.post(&path, json!({})).await.status, 204, "{path}");
    }
    assert_eq!(admin.patch(&of, json!({"gain_db": 12})).await.status, 204);
    assert_eq!(admin.patch(&of, json!({"gain_db": 13})).await.status, 422);
    for what in ["lock", "unlock", "record", "record/stop", "end"] {
        assert_eq!(admin.post(&format!("/conferences/8000/{what}"), json!({})).await.status, 204, "{what}");
    }
    assert_eq!(admin.post("/conferences/8001/end", json!({})).await.status, 404);
    let told: Vec<ConferenceOrder> = fixture.switch.commands.lock().unwrap()[..9]
        .iter()
        .map(|(_, command)| match command {
            Command::Conference(_, order) => *order,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            ConferenceOrder::Mute(call),
            ConferenceOrder::Unmute(call),
            ConferenceOrder::Kick(call),
            ConferenceOrder::SetGain(call, Decibels::new(12)),
            ConferenceOrder::Lock,
            ConferenceOrder::Unlock,
            ConferenceOrder::Record,
            ConferenceOrder::StopRecording,
            ConferenceOrder::End,
        ]
    );
}
