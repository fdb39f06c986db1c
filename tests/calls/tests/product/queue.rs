//! Callers in a queue of the real binary: agents at desk phones sign in by the API, are rung, and hold, consult and join by it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::chirp::Voice;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party::{self, Party};
use calls::phone::{Dialog, Phone};
use calls::ports::Ports;
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A caller from outside in the queue `support`, whose only agent who is ready is rung.
pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) alice: Party,
    pub(crate) bob: Party,
    /// The network of mobiles: numbers that begin with 13.
    pub(crate) mobile: Phone,
    pub(crate) caller: Phone,
    call: Dialog,
    pub(crate) heard: RtpEnd,
    /// What he was answered.
    pub(crate) answer: String,
    /// Where the caller's audio goes.
    pub(crate) to: SocketAddr,
    /// Where the agent's does, once he has answered.
    pub(crate) agent: SocketAddr,
    pub(crate) clock: Instant,
    pub(crate) server: Switchboard,
}

/// Which agent is ready.
pub(crate) enum Ready {
    /// 10001, on a phone on the desk.
    OnDesk,
    /// 10002, by his mobile.
    ByMobile,
}

pub(crate) fn trunk(name: &str, at: SocketAddr) -> String {
    let (ip, port) = (at.ip(), at.port());
    format!("[[provision.trunk]]\nname = \"{name}\"\nhost = \"{ip}\"\nport = {port}\nsources = [\"{ip}\"]\n\n")
}

/// The callers of the queue may be asked how it was, and say something.
fn set_survey(api: &Api) -> Result<()> {
    let made = api.post("surveys", &json!({"name": "service", "comment": ["voicemail_leave_message"]}))?;
    ensure!(made.status == 201, "{}", made.json());
    let members = json!([{"agent": "10001"}, {"agent": "10002"}]);
    let rules = json!({"number": "7000", "members": members, "survey": "service", "callback_key": "2"});
    let set = api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    Ok(())
}

impl Scene {
    pub(crate) fn begin(ready: &Ready) -> Result<Self> {
        let ports = Ports::take()?;
        let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
        let cell = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
        let sections = trunk("carrier", carrier) + &trunk("cell", cell);
        let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
        let api = server.api()?;
        let inbound = json!({"name": "centre", "direction": "inbound", "did": "8610", "to": "queue:support"});
        let outbound = json!({"name": "mobiles", "direction": "outbound", "prefix": "13", "trunks": ["cell"]});
        for route in [inbound, outbound] {
            let made = api.post("routes", &route)?;
            ensure!(made.status == 201, "{}", made.json());
        }
        set_survey(&api)?;
        let clock = Instant::now();
        let alice = Party::new(&server, "1001", clock)?;
        let bob = Party::new(&server, "1002", clock)?;
        let mobile = Phone::udp_at(cell, "13900139000", server.sip())?;
        let mut caller = Phone::udp_at(carrier, "13800138000", server.sip())?;
        let media = SocketAddr::new(carrier.ip(), server.ports().many(2)?);
        let heard = RtpEnd::open_at(media, clock)?;
        for (agent, extension) in [("10001", "1001"), ("10002", "1002")] {
            order(&api, &format!("agents/{agent}/sign-in"), &json!({"way": "desk", "extension": extension}))?;
        }
        match ready {
            Ready::OnDesk => order(&api, "agents/10001/state", &json!({"state": "ready"}))?,
            Ready::ByMobile => order(&api, "agents/10002/mobile-sign-in", &json!({"mobile": "139 0013 9000"}))?,
        }
        let mut call = caller.dialog_to("8610");
        caller.invite(&mut call, None, &sdp::audio(media, "0 101", &["rtpmap:101 telephone-event/8000"]))?;
        let ok = caller.expect("200 INVITE")?;
        caller.ack(&mut call, &ok, "")?;
        let to = sdp::audio_address(&ok.body)?;
        Ok(Self { api, alice, bob, mobile, caller, call, heard, answer: ok.body, to, agent: to, clock, server })
    }

    /// The process is killed and another started; it asks the caller whether he is still there, and he hears music again.
    pub(crate) fn outlives_a_crash(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.start_again()?;
        let asked = self.caller.expect("INVITE")?;
        let answer = sdp::session(self.heard.address()?, 2, "0 101", &["rtpmap:101 telephone-event/8000"]);
        self.caller.reply(&asked, "200 OK", &answer)?;
        self.caller.expect("ACK")?;
        self.hears_music(self.heard.now_s() + 0.2)?;
        self.api = self.server.api()?;
        Ok(())
    }

    /// The only call there is.
    pub(crate) fn call_id(&self) -> Result<String> {
        Ok(self.api.get("calls")?["items"][0]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The caller hangs up.
    pub(crate) fn hang_up(&mut self) -> Result<()> {
        self.caller.hang_up(&mut self.call)
    }

    /// The caller hears music while the agent's phone rings; then they hear each other.
    pub(crate) fn answer(&mut self) -> Result<()> {
        let invite = self.alice.phone.expect("INVITE")?;
        ensure!(invite.header("From").contains("13800138000"), "{}", invite.header("From"));
        self.alice.phone.reply(&invite, "180 Ringing", "")?;
        self.hears_music(0.0)?;
        let now = self.api.get("queues/support")?["now"].clone();
        ensure!(now["waiting"] == 1 && now["callers"].as_array().is_some_and(|all| all.len() == 1), "{now}");
        ensure!(state(&self.api, "10001", "call_status")? == "ringing", "not ringing");
        self.alice.phone.reply(&invite, "200 OK", &self.alice.sdp(1, "sendrecv"))?;
        self.alice.phone.expect("ACK")?;
        let before = self.heard.heard().len();
        self.agent = sdp::audio_address(&invite.body)?;
        self.alice.media.speak(self.agent, Law::Mu, &Voice::High.speak(8_000, 4.0))?;
        self.heard.speak(self.to, Law::Mu, &Voice::Low.speak(8_000, 4.0))?;
        party::wait_for_packets(&self.alice.media, 180)?;
        let by_agent = party::hearing(&self.alice.media, Voice::Low, 0);
        ensure!(by_agent.is_in_order() && by_agent.seconds() > 2.5, "{by_agent:?}");
        wait::until("the agent's voice", PATIENCE, || {
            Ok((party::hearing(&self.heard, Voice::High, before).seconds() > 2.5).then_some(()))
        })
    }

    pub(crate) fn hears_music(&self, since_s: f64) -> Result<()> {
        wait::until("music", PATIENCE, || Ok((self.heard.loud_since(since_s).len() > 50).then_some(())))
    }

    /// A colleague who is offline is not asked; once he is there he is, and joins.
    fn bring_colleague(&mut self, id: &str) -> Result<()> {
        let consult = format!("calls/{id}/consult?agent=10001");
        let refused = self.api.post(&consult, &json!({"to": "1002"}))?;
        ensure!(refused.status == 409, "{}", refused.json());
        order(&self.api, "agents/10002/state", &json!({"state": "ready"}))?;
        order(&self.api, &consult, &json!({"to": "1002"}))?;
        let invite = self.bob.phone.expect("INVITE")?;
        self.bob.phone.reply(&invite, "200 OK", &self.bob.sdp(1, "sendrecv"))?;
        self.bob.phone.expect("ACK")?;
        wait::until("a consult", PATIENCE, || {
            let status = state(&self.api, "10001", "call_status")?;
            Ok((status == json!({"connected": "consulting"})).then_some(()))
        })?;
        order(&self.api, &format!("calls/{id}/conference?agent=10001"), &json!({}))?;
        let before = (self.heard.heard().len(), self.alice.media.heard().len());
        let colleague = sdp::audio_address(&invite.body)?;
        self.bob.media.speak(colleague, Law::Mu, &Voice::High.speak(8_000, 4.0))?;
        wait::until("the colleague's voice", PATIENCE, || {
            let by_caller = party::hearing(&self.heard, Voice::High, before.0).seconds();
            let by_agent = party::hearing(&self.alice.media, Voice::High, before.1).seconds();
            Ok((by_caller > 2.0 && by_agent > 2.0).then_some(()))
        })
    }
}

pub(crate) fn order(api: &Api, path: &str, body: &Value) -> Result<()> {
    let done = api.post(path, body)?;
    ensure!(done.status == 204, "{path}: {}", done.json());
    Ok(())
}

/// What the wallboard says that outlives the process: who waits, what the day has brought, and how each agent stands who is online. Not who is
/// rung just now: that begins anew, and the ringing that the kill cut off counts among what timed out.
fn board(api: &Api) -> Result<Value> {
    let board = api.get("wallboard")?;
    let agents = board["agents"].as_array().into_iter().flatten();
    let stand = |agent: &Value| json!([agent["agent"], agent["state"], agent["since"], agent["extension"]]);
    let agents: Vec<Value> = agents.filter(|agent| agent["state"] != "offline").map(stand).collect();
    let callers = board["callers"].as_array().into_iter().flatten();
    let callers: Vec<Value> =
        callers.map(|caller| json!([caller["call"], caller["number"], caller["place"]])).collect();
    let mut today = board["today"].clone();
    today["abandoned_or_timed_out"] = Value::Null;
    Ok(json!({"today": today, "waiting": board["waiting"], "agents": agents, "callers": callers}))
}

pub(crate) fn state(api: &Api, agent: &str, what: &str) -> Result<Value> {
    Ok(api.get(&format!("agents/{agent}"))?["now"][what].clone())
}

#[test]
fn a_caller_waits_with_music_an_agent_answers_holds_and_brings_a_colleague_in() -> Result<()> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    scene.answer()?;
    let id = scene.call_id()?;
    let hold = format!("calls/{id}/hold?agent=10001");
    order(&scene.api, &hold, &json!({}))?;
    let again = scene.api.post(&hold, &json!({}))?;
    let why = again.json()["detail"].as_str().unwrap_or_default().to_owned();
    ensure!(again.status == 409 && why.contains("on hold"), "{why}");
    scene.hears_music(scene.heard.now_s() + 0.5)?;
    scene.bring_colleague(&id)?;

    // The caller hangs up: it ends for all, and wrap-up follows for both agents.
    scene.hang_up()?;
    for party in [&mut scene.alice, &mut scene.bob] {
        let bye = party.phone.expect("BYE")?;
        party.phone.reply(&bye, "200 OK", "")?;
    }
    for agent in ["10001", "10002"] {
        let is_over = || Ok((state(&scene.api, agent, "state")? == "wrap_up").then_some(()));
        wait::until("wrap-up", PATIENCE, is_over)?;
    }
    let events = scene.api.get("events?limit=200")?;
    let kinds: Vec<&str> =
        events["items"].as_array().into_iter().flatten().filter_map(|event| event["type"].as_str()).collect();
    for kind in [
        "call.queued",
        "call.offered",
        "call.offer_ended",
        "call.left_queue",
        "call.held",
        "call.consult_started",
        "call.consult_ended",
        "call.conference_started",
        "call.conference_ended",
        "agent.state_changed",
    ] {
        ensure!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    Ok(())
}

/// `kill -9` while a caller waits: he hears music on, keeps his waiting time, and an agent answers him.
#[test]
fn a_caller_who_waits_goes_on_waiting_when_the_process_is_killed() -> Result<()> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    let rung = scene.alice.phone.expect("INVITE")?;
    scene.alice.phone.reply(&rung, "180 Ringing", "")?;
    scene.hears_music(0.0)?;
    let before = board(&scene.api)?;
    ensure!(before["waiting"] == 1 && before["today"]["queued"] == 1, "{before}");
    let killed = Instant::now();
    scene.outlives_a_crash()?;
    // What the boards say is as it was (MON-02 to MON-10, AGT-15): the day's figures, who waits since when, each agent's state and since when.
    wait::until("the board as it was", PATIENCE, || Ok((board(&scene.api)? == before).then_some(())))
        .with_context(|| format!("before {before}, now {:?}", board(&scene.api)))?;
    let now = scene.api.get("queues/support")?["now"].clone();
    ensure!(now["waiting"] == 1, "{now}");
    let away = killed.elapsed();
    scene.answer()?;
    scene.hang_up()?;
    let bye = scene.alice.phone.expect("BYE")?;
    scene.alice.phone.reply(&bye, "200 OK", "")?;
    let record = scene.server.ended_calls(1)?.remove(0);
    ensure!(record["agent"] == "10001" && record["queue"] == "support", "{record}");
    let waited = record["queue_wait_ms"].as_u64().map(Duration::from_millis);
    ensure!(waited > Some(away), "what he waited before counts: {record}");
    ensure!(record["interruptions"].as_array().is_some_and(|gaps| gaps.len() == 1), "{record}");
    Ok(())
}

/// `kill -9` after a caller asked to be called back: an agent's phone rings for it in the next process, and once he answers the caller is
/// called by the outbound route.
#[test]
fn who_asked_to_be_called_back_is_called_though_the_process_was_killed() -> Result<()> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    let rung = scene.alice.phone.expect("INVITE")?;
    scene.alice.phone.reply(&rung, "486 Busy Here", "")?;
    scene.alice.phone.expect("ACK")?;
    order(&scene.api, "agents/10001/state", &json!({"state": "on_break"}))?;
    scene.hears_music(0.0)?;
    Keypad::toward(&scene.heard, &scene.answer)?.press("2")?;
    let asked = wait::until("a callback", PATIENCE, || {
        let callback = scene.api.get("queues/support")?["now"]["callbacks"][0].clone();
        Ok((callback["number"] == "13800138000").then_some(callback))
    })?;
    scene.hang_up()?;
    scene.server.ended_calls(1)?;
    scene.server.kill()?;
    scene.server.start_again()?;
    scene.api = scene.server.api()?;
    let now = scene.api.get("queues/support")?["now"].clone();
    ensure!(now["callbacks"][0]["call"] == asked["call"] && now["waiting"] == 0, "{now}");
    order(&scene.api, "agents/10001/state", &json!({"state": "ready"}))?;
    let invite = scene.alice.phone.expect("INVITE")?;
    ensure!(invite.header("From").contains("13800138000"), "{}", invite.header("From"));
    scene.alice.phone.reply(&invite, "200 OK", &scene.alice.sdp(1, "sendrecv"))?;
    scene.alice.phone.expect("ACK")?;
    let called = scene.mobile.expect("INVITE")?;
    ensure!(called.start.contains("13800138000"), "{}", called.start);
    let answer = sdp::audio(scene.heard.address()?, "0 101", &["rtpmap:101 telephone-event/8000"]);
    scene.mobile.reply(&called, "200 OK", &answer)?;
    scene.mobile.expect("ACK")?;
    let mut talk = scene.mobile.dialog_of(&called);
    scene.mobile.hang_up(&mut talk)?;
    let bye = scene.alice.phone.expect("BYE")?;
    scene.alice.phone.reply(&bye, "200 OK", "")?;
    let records = scene.server.ended_calls(2)?;
    let back = records.iter().find(|record| record["direction"] == "outbound");
    ensure!(back.is_some_and(|back| back["agent"] == "10001" && back["queue"] == "support"), "{records:?}");
    let now = scene.api.get("queues/support")?["now"].clone();
    ensure!(now["callbacks"] == json!([]), "{now}");
    Ok(())
}
