//! A tenant with one of everything: each resource of the API, what is derived from facts, and what is live.

use std::collections::BTreeMap;

use engine::store::recordings::{Recording, RecordingState};
use engine::store::records::{CallLeg, Derived};
use engine::store::voicemails::Voicemail;
use engine::store::webhooks::{DeadLetter, Delivery, DeliveryOutcome, Settled};
use hooks::fact::{CallCreated, CallSource, Direction, Event, Fact, MemberRole, PeerKind};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId, TenantId};
use hooks::position::Position;
use serde_json::{Value, json};
use switch::media::Decibels;
use switch::queue::Figures;
use switch::view::{CallbackView, ConferenceView, MemberView, QueueView, View};

use super::bodies::{Sent, Writer, body, query};
use crate::fixture::{Answer, Client, Fixture, PASSWORD, call_view};
use crate::people::as_bearer;
use crate::rights::{audio, record, standing, stay};

const ROOT: &str = "00000000000000000000000001";
const NOON: u64 = 1_795_336_200_000;

/// Kinds of which both tenants have the same, or one that is a word like others.
const SHARED: [&str; 4] = ["bans", "entries", "tenants", "versions"];

/// What a tenant has, by its kind: that of a path's parameter is the segment before it.
pub(super) struct Things {
    pub(super) tenant: TenantId,
    /// Stands in every free text.
    pub(super) canary: String,
    /// Stands in every secret that people choose.
    pub(super) secret: String,
    /// Who called.
    pub(super) number: String,
    /// Before every number.
    digit: u64,
    ids: BTreeMap<&'static str, String>,
}

impl Things {
    /// The ID of the planted one.
    pub(super) fn id(&self, kind: &str) -> &str {
        self.ids.get(kind).unwrap_or_else(|| panic!("a new resource of the document: plant one of its {kind}"))
    }

    /// Everything that a path names is this tenant's.
    pub(super) fn path(&self, path: &str) -> String {
        let mut before = "";
        let filled = path.split('/').map(|part| {
            let part = if part.starts_with('{') { self.id(before) } else { part };
            before = part;
            part.to_owned()
        });
        filled.collect::<Vec<_>>().join("/")
    }

    /// Whether a body tells of anything of this tenant: by its ID or by what people wrote.
    pub(super) fn is_told_by(&self, body: &str) -> bool {
        let own = self.ids.iter().filter(|(kind, _)| !SHARED.contains(kind));
        let is_named = own.into_iter().any(|(_, id)| body.contains(&format!("\"{id}\"")));
        is_named || [&self.canary, &self.secret, &self.number].into_iter().any(|text| body.contains(text.as_str()))
    }

    fn call(&self) -> CallId {
        CallId::new(NOON, u128::from(self.digit) * 100)
    }

    fn live(&self) -> CallId {
        CallId::new(NOON, u128::from(self.digit) * 100 + 1)
    }

    /// Asked for another call by somebody who waits.
    fn callback(&self) -> CallId {
        CallId::new(NOON, u128::from(self.digit) * 100 + 2)
    }

    fn recording(&self) -> RecordingId {
        RecordingId::new(NOON, u128::from(self.digit) * 100 + 3)
    }

    fn message(&self) -> RecordingId {
        RecordingId::new(NOON, u128::from(self.digit) * 100 + 4)
    }

    fn leg(&self) -> LegId {
        LegId::new(NOON, u128::from(self.digit) * 100 + 5)
    }

    pub(super) fn positions(&self, number: u64) -> Position {
        Position { number, epoch: 1, ..Position::start(self.tenant.clone()) }
    }

    fn note(&mut self, kind: &'static str, id: &str) {
        self.ids.insert(kind, id.to_owned());
    }
}

/// A client with an API token that may do everything, and the administrator, signed in.
pub(super) async fn clients<'f>(fixture: &'f Fixture, tenant: &TenantId) -> [Client<'f>; 2] {
    let token = fixture.token(tenant, &["*"]).await;
    let session = json!({"login": "admin", "password": PASSWORD, "tenant": tenant.as_str()});
    let session = fixture.client().post("/session", session).await.json();
    [fixture.client().with("authorization", &format!("Bearer {token}")), as_bearer(fixture, &session)]
}

/// Plants one of everything.
pub(super) async fn plant(fixture: &Fixture, tenant: TenantId, digit: u64) -> Things {
    let upper = tenant.as_str().to_uppercase();
    let (canary, secret) = (format!("CANARY-{upper}"), format!("secret-{tenant}-1"));
    let number = format!("1391234{digit}567");
    let mut things = Things { tenant, canary, secret, number, digit, ids: BTreeMap::new() };
    let [admin, administrator] = clients(fixture, &things.tenant).await;
    let unknown = json!({"login": things.canary, "password": things.secret, "tenant": things.tenant.as_str()});
    assert_eq!(fixture.client().post("/session", unknown).await.status, 401);
    made(&administrator, &things, 1, "change_me", ("PATCH", "/me")).await;
    made(&administrator, &things, 1, "replace_my_avatar", ("PUT", "/me/avatar")).await;
    people(fixture, &admin, &mut things).await;
    telephony(&admin, &mut things).await;
    lists(&admin, &mut things).await;
    derive(fixture, &mut things).await;
    publish(fixture, &mut things);
    dead_letter(fixture, &things).await;
    things
}

/// Sends one operation's valid body with what the tenant has of its own.
pub(super) async fn made(admin: &Client<'_>, things: &Things, n: u32, operation: &str, to: (&str, &str)) -> Value {
    let writer = Writer { canary: &things.canary, secret: &things.secret, n };
    let path = format!("{}{}", to.1, query(operation, &writer));
    let answer = deliver(admin, to.0, &path, body(operation, &writer, things)).await;
    assert!(answer.status.is_success(), "{operation}: {}", String::from_utf8_lossy(&answer.bytes));
    serde_json::from_slice(&answer.bytes).unwrap_or_default()
}

pub(super) async fn deliver(client: &Client<'_>, method: &str, path: &str, sent: Sent) -> Answer {
    match sent {
        Sent::Nothing => client.send(method, path, None).await,
        Sent::Json(mut json) => {
            // A flow says its own name.
            if let ("PUT", Some((_, name))) = (method, path.split_once("/flows/")) {
                json["name"] = name.into();
            }
            client.send(method, path, Some(json)).await
        }
        Sent::File(kind, bytes) => client.send_body(method, path, Some((kind, bytes.into()))).await,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn people(fixture: &Fixture, admin: &Client<'_>, things: &mut Things) {
    let digit = things.digit;
    things.note("tenants", &things.tenant.to_string());
    things.note("departments", ROOT);
    things.note("employees", "10000");
    let department = made(admin, things, 1, "create_department", ("POST", "/departments")).await;
    things.note("departments", text(&department["id"]));
    let role = made(admin, things, 1, "create_role", ("POST", "/roles")).await;
    things.note("roles", text(&role["id"]));
    let extension = format!("{digit}001");
    let prompt = format!("said-{digit}");
    made(admin, things, u32::try_from(digit).unwrap(), "create_prompt", ("POST", "/prompts")).await;
    things.note("prompts", &format!("en.{prompt}"));
    things.note("prompt-names", &prompt);
    things.note("extensions", "1001");
    let beyond = format!("{digit}002");
    for number in [&extension, &beyond] {
        let phone = json!({"number": number, "display_name": things.canary, "password": things.secret});
        assert_eq!(admin.post("/extensions", phone).await.status, 201);
    }
    things.note("other-extensions", &beyond);
    things.note("extensions", &extension);
    made(admin, things, 1, "change_extension", ("PATCH", &format!("/extensions/{extension}"))).await;
    for (kind, number) in [("spare", digit * 10_000 + 78), ("employees", digit * 10_000 + 77)] {
        let hired = json!({
            "number": number.to_string(), "name": things.canary, "nickname": things.canary,
            "email": format!("{}@example.com", things.canary), "mobile": format!("138000{number}"),
            "password": things.secret, "role": things.id("roles"), "department": things.id("departments"),
        });
        let hired = admin.post("/employees", hired).await;
        assert_eq!(hired.status, 201, "{}", hired.json());
        things.note(kind, &number.to_string());
    }
    let agent = things.id("employees").to_owned();
    let rules = json!({"agent": agent, "rules": {"extension": extension}});
    assert_eq!(admin.post("/agents", rules).await.status, 201);
    things.note("agents", &agent);
    made(admin, things, 1, "replace_employee_avatar", ("PUT", &format!("/employees/{agent}/avatar"))).await;
    let token = made(admin, things, 1, "create_token", ("POST", "/tokens")).await;
    things.note("tokens", text(&token["id"]));
    made(admin, things, 1, "change_tenant", ("PATCH", &format!("/tenants/{}", things.tenant))).await;
    fixture.publish_phone(&things.tenant, &extension, &things.canary);
    fixture.publish_ban("192.0.2.9");
    things.note("bans", "192.0.2.9");
    things.note("entries", "7");
}

async fn telephony(admin: &Client<'_>, things: &mut Things) {
    let digit = things.digit;
    let n = u32::try_from(digit).unwrap();
    let survey = made(admin, things, n, "create_survey", ("POST", "/surveys")).await;
    things.note("surveys", text(&survey["name"]));
    let (queue, other) = (format!("queue-{digit}"), format!("other-queue-{digit}"));
    for name in [&queue, &other] {
        assert_eq!(admin.post("/queues", json!({"name": name, "rules": {}})).await.status, 201);
    }
    things.note("queues", &queue);
    things.note("other-queues", &other);
    made(admin, things, n, "change_queue", ("PUT", &format!("/queues/{queue}"))).await;
    let hours = made(admin, things, n, "create_hours", ("POST", "/hours")).await;
    things.note("hours", text(&hours["name"]));
    let flow = format!("flow-{digit}");
    made(admin, things, n, "save_flow", ("PUT", &format!("/flows/{flow}"))).await;
    let published = admin.send("POST", &format!("/flows/{flow}/publish"), None).await;
    assert_eq!(published.status, 200, "{}", published.json());
    things.note("flows", &flow);
    things.note("versions", "1");
    let room = format!("{}", 8_000 + digit);
    let board = json!({"number": room, "name": things.canary, "pin": format!("1357246{digit}")});
    assert_eq!(admin.post("/rooms", board).await.status, 201);
    things.note("rooms", &room);
    let trunk = made(admin, things, n, "create_trunk", ("POST", "/trunks")).await;
    things.note("trunks", text(&trunk["name"]));
    let route = made(admin, things, n, "create_route", ("POST", "/routes")).await;
    things.note("routes", text(&route["name"]));
}

async fn lists(admin: &Client<'_>, things: &mut Things) {
    for (kind, operation, path) in [
        ("blocks", "create_block", "/blocks"),
        ("callers", "create_caller", "/callers"),
        ("webhooks", "create_webhook", "/webhooks"),
        ("tasks", "start_export", "/tasks/exports"),
    ] {
        let new = made(admin, things, 1, operation, ("POST", path)).await;
        things.note(kind, text(&new["id"]));
    }
}

fn recorded(things: &Things, id: RecordingId, mailbox: Option<&str>) -> Recording {
    let mut recording = audio(id, things.call(), mailbox);
    if let RecordingState::Ready(file) = &mut recording.state {
        file.path = format!("{}/a.wav", things.tenant);
        file.bytes = things.canary.len() as u64;
    }
    recording
}

/// A call with a recording, a message, an answer to a survey; a stay of an agent.
async fn derive(fixture: &Fixture, things: &mut Things) {
    let agent = things.id("agents").to_owned();
    let mailbox = format!("queue:{}", things.id("queues"));
    let mut call = record(things.call(), &things.canary, &agent);
    call.record.caller.clone_from(&things.number);
    call.record.callee.clone_from(&things.canary);
    call.recordings =
        vec![recorded(things, things.recording(), None), recorded(things, things.message(), Some(&mailbox))];
    call.legs.push(CallLeg {
        leg: things.leg(),
        caller_side: true,
        peer: PeerKind::Trunk,
        peer_name: things.id("trunks").to_owned(),
        number: things.canary.clone(),
        sip_call_id: things.canary.clone(),
        started_at_ms: NOON,
        ringing_at_ms: None,
        early_media: false,
        answer: None,
        end: None,
    });
    call.voicemails = vec![Voicemail {
        voicemail: things.message(),
        call: things.call(),
        mailbox: mailbox.clone(),
        caller: things.canary.clone(),
        caller_name: things.canary.clone(),
        callee: things.canary.clone(),
        left_at_ms: NOON,
        length_ms: 1_000,
        listened: None,
        downloaded: None,
        deleted: None,
    }];
    let derived = Derived { calls: vec![call], stays: vec![stay(1, &agent, &things.canary)], ..Derived::default() };
    let (from, to) = (Position::start(things.tenant.clone()), things.positions(9));
    fixture.store.save_derived("records", &from, &to, &derived).await.unwrap();
    let folder = fixture.folder.path().join("recordings").join(things.tenant.as_str());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.wav"), &things.canary).unwrap();
    let ids = [
        ("call-records", things.call().to_string()),
        ("recordings", things.recording().to_string()),
        ("voicemails", things.message().to_string()),
        ("legs", things.leg().to_string()),
        ("mailboxes", mailbox),
        ("dead-letters", things.positions(1).to_string()),
        ("positions", things.positions(1).to_string()),
    ];
    for (kind, id) in ids {
        things.note(kind, &id);
    }
}

/// A call, its agent, a line with somebody who wants to be called back, a conference; a fact.
fn publish(fixture: &Fixture, things: &mut Things) {
    let tenant = &things.tenant;
    fixture.live.apply(View::Call(call_view(tenant, things.live(), &things.canary, &things.canary)));
    let View::Agent(mut agent) = standing(things.id("agents"), things.live(), &things.canary) else { unreachable!() };
    agent.tenant = tenant.clone();
    fixture.live.apply(View::Agent(agent));
    let number = things.canary.as_str().into();
    let callback = CallbackView { call: things.callback(), number, since_ms: NOON, attempts: 1, under_way: None };
    fixture.live.apply(View::Queue(Box::new(QueueView {
        tenant: tenant.clone(),
        queue: things.id("queues").into(),
        waiting: 0,
        first: Vec::new(),
        callbacks: vec![callback],
        signed_in: 1,
        idle: 1,
        today: Figures::default(),
    })));
    let View::Trunk(mut trunk) = crate::trunks::view(tenant.clone()) else { unreachable!() };
    trunk.trunk = things.id("trunks").into();
    trunk.reason = things.canary.as_str().into();
    fixture.live.apply(View::Trunk(trunk));
    let member = MemberView {
        call: things.live(),
        leg: things.leg(),
        peer: PeerKind::Trunk,
        peer_name: things.id("trunks").into(),
        number: things.canary.as_str().into(),
        role: MemberRole::Moderator,
        muted: false,
        held: false,
        gain: Decibels::new(0),
        joined_ms: NOON,
    };
    fixture.live.apply(View::Conference(Box::new(ConferenceView {
        tenant: tenant.clone(),
        conference: ConferenceId::new(NOON, u128::from(things.digit)),
        room: things.id("rooms").into(),
        started_ms: NOON,
        locked: false,
        recording: None,
        members: vec![member],
    })));
    append(fixture, things);
    let ids = [
        ("calls", things.live().to_string()),
        ("callbacks", things.callback().to_string()),
        ("conferences", things.id("rooms").to_owned()),
        ("members", things.leg().to_string()),
    ];
    for (kind, id) in ids {
        things.note(kind, &id);
    }
}

/// A fact that tells the canary.
pub(super) fn append(fixture: &Fixture, things: &Things) {
    let created = CallCreated {
        call: things.call(),
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: things.canary.clone(),
        caller_name: things.canary.clone(),
        callee: things.canary.clone(),
        trunk: None,
        emergency: false,
        diverted_from: None,
    };
    let fact = Fact { tenant: things.tenant.clone(), at_ms: NOON, event: Event::CallCreated(created) };
    fixture.journals.lock().unwrap().get_mut(&things.tenant).unwrap().append(&[fact]).unwrap();
}

/// An event that the tenant's endpoint did not take, and the try.
async fn dead_letter(fixture: &Fixture, things: &Things) {
    let webhook = things.id("webhooks");
    let mut place = fixture.store.webhook_place(&things.tenant, webhook).await.unwrap().unwrap();
    place.at = things.positions(1);
    let dead = DeadLetter {
        at: things.positions(1),
        kind: "call.created".to_owned(),
        body: json!({"data": {"caller": things.canary}}).to_string(),
        attempts: 1,
        first_at_ms: NOON,
        dead_at_ms: NOON,
        status: None,
        error: things.canary.clone(),
    };
    let delivery = Delivery {
        id: engine::secrets::new_ulid(NOON),
        event: things.positions(1).to_string(),
        kind: "call.created".to_owned(),
        attempt: 1,
        at_ms: NOON,
        status: None,
        duration_ms: 1,
        outcome: DeliveryOutcome::Dead,
        error: Some(things.canary.clone()),
    };
    let settled = Settled { place: &place, log: &[delivery], dead: Some(&dead) };
    assert!(fixture.store.settle_webhook(webhook, &settled).await.unwrap());
}
