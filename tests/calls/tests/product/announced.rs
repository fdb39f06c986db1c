//! What is said of recording, where a route leads outside, and which number is shown there: with real audio, by the voices in the ears.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::chirp::{Hearing, Voice};
use calls::g711::Law;
use calls::party::{self, Party};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use calls::wav::{self, Sound};
use serde_json::{Value, json};

use crate::queue::order;

const PATIENCE: Duration = Duration::from_secs(20);
/// The prompt `call_recorded`: this voice, for so long.
const ANNOUNCEMENT: Voice = Voice::High;
const ANNOUNCEMENT_S: f64 = 4.0;
/// That much of what is spoken has to be heard.
const HEARD_S: f64 = 3.0;
/// Longer than a test.
const SPEECH_S: f64 = 30.0;

/// A line outside, with a mouth and an ear.
struct Line {
    phone: Phone,
    media: RtpEnd,
}

/// A server with two lines: calls come in by the carrier, and numbers that begin with 138 go out by the cell. The prompt is uploaded.
struct World {
    api: Api,
    carrier: Line,
    cell: Line,
    clock: Instant,
    server: Switchboard,
}

fn created(api: &Api, path: &str, body: &Value) -> Result<()> {
    let made = api.post(path, body)?;
    ensure!(made.status == 201, "{path}: {} {}", made.status, made.json());
    Ok(())
}

impl Line {
    fn open(server: &Switchboard, at: SocketAddr, user: &str, clock: Instant) -> Result<Self> {
        let phone = Phone::udp_at(at, user, server.sip())?;
        let media = RtpEnd::open_at(SocketAddr::new(at.ip(), server.ports().many(2)?), clock)?;
        Ok(Self { phone, media })
    }

    fn sdp(&self) -> Result<String> {
        Ok(sdp::audio(self.media.address()?, "0", &[]))
    }

    /// It answers a call that comes out by it, and says something; the INVITE.
    fn answer(&mut self, voice: Voice) -> Result<calls::sip_text::Text> {
        let invite = self.phone.expect_within("INVITE", PATIENCE)?;
        let answer = self.sdp()?;
        self.phone.reply(&invite, "200 OK", &answer)?;
        self.phone.expect("ACK")?;
        self.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &voice.speak(8_000, SPEECH_S))?;
        Ok(invite)
    }

    /// It calls in and is answered.
    fn calls(&mut self, number: &str, voice: Voice) -> Result<calls::phone::Dialog> {
        let mut call = self.phone.dialog_to(number);
        let offer = self.sdp()?;
        self.phone.invite(&mut call, None, &offer)?;
        let ok = self.phone.expect_within("200 INVITE", PATIENCE)?;
        self.phone.ack(&mut call, &ok, "")?;
        self.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &voice.speak(8_000, SPEECH_S))?;
        Ok(call)
    }
}

fn world() -> Result<World> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let cell = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
    let server = Switchboard::start_on(ports, Setup::default())?;
    let api = server.api()?;
    let file = server.folder().join("recorded.wav");
    wav::write(&file, &Sound::mono(16_000, ANNOUNCEMENT.speak(16_000, ANNOUNCEMENT_S)))?;
    api.upload("prompts?language=zh-CN&name=call_recorded", "audio/wav", &std::fs::read(&file)?)?;
    let trunk = |name: &str, at: SocketAddr, policy: Value| {
        json!({"name": name, "host": at.ip().to_string(), "port": at.port(), "sources": [at.ip().to_string()],
            "record": true, "policy": policy})
    };
    created(&api, "trunks", &trunk("carrier", carrier, json!({})))?;
    created(&api, "trunks", &trunk("cell", cell, json!({"recording_announcement": "call_recorded"})))?;
    created(&api, "routes", &json!({"name": "mobiles", "direction": "outbound", "prefix": "138", "trunks": ["cell"]}))?;
    let clock = Instant::now();
    let carrier = Line::open(&server, carrier, "13900139000", clock)?;
    let cell = Line::open(&server, cell, "cell", clock)?;
    Ok(World { api, carrier, cell, clock, server })
}

/// Waits until so much of a voice was heard since the packet `from`.
fn hears(end: &RtpEnd, voice: Voice, from: usize) -> Result<Hearing> {
    let mut last = None;
    let heard = wait::until("a voice", PATIENCE, || {
        let hearing = party::hearing(end, voice, from);
        let enough = hearing.seconds() > HEARD_S;
        last = Some(hearing.clone());
        Ok(enough.then_some(hearing))
    });
    heard.with_context(|| format!("{voice:?}: {last:?}"))
}

/// Proves REC-08 (the called party: told after the answer, connected then, and the recording holds it).
#[test]
fn who_is_called_outside_hears_that_he_is_recorded_and_the_recording_has_it() -> Result<()> {
    let mut world = world()?;
    let mut alice = Party::new(&world.server, "1001", world.clock)?;
    let mut call = alice.phone.dialog_to("13800000001");
    alice.call(&mut call)?;
    world.cell.answer(Voice::Low)?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut call, &ok, "")?;
    // The agent speaks before it is over, and nearly all of it stands alone in the recording.
    hears(&world.cell.media, ANNOUNCEMENT, 0)?;
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &Voice::Top.speak(8_000, SPEECH_S))?;
    // Both hear it, whole and in order, and nobody hears the other meanwhile.
    for (end, other) in [(&world.cell.media, Voice::Top), (&alice.media, Voice::Low)] {
        let told = hears(end, ANNOUNCEMENT, 0)?;
        ensure!(told.is_in_order() && told.largest_gap_ms() <= 40.0, "{told:?}");
        let talk = hears(end, other, 0)?;
        let began = talk.chirps.first().context("no chirp")?.at_s;
        let over = party::hearing(end, ANNOUNCEMENT, 0).chirps.last().context("no chirp")?.at_s;
        ensure!(began > over, "{other:?} is heard at {began} s, and the announcement at {over} s");
    }
    alice.phone.hang_up(&mut call)?;
    let bye = world.cell.phone.expect("BYE")?;
    world.cell.phone.reply(&bye, "200 OK", "")?;
    let record = world.server.ended_calls(1)?.remove(0);
    let document = world.server.recorded_call(record["id"].as_str().context("no id")?)?;
    let recording = document["recordings"][0]["id"].as_str().context("no recording")?;
    let audio = world.api.fetch(&format!("recordings/{recording}/audio"), None)?;
    let file = world.server.folder().join("call.wav");
    std::fs::write(&file, &audio.body)?;
    let sound = wav::read(&file)?;
    let [customer, ours] = &sound.channels[..] else { anyhow::bail!("{} channels", sound.channels.len()) };
    let heard = |channel: &[f64], voice: Voice| voice.listen(sound.rate, channel);
    let alone = ours.get(..(f64::from(sound.rate) * HEARD_S) as usize).context("the recording is too short")?;
    let said = heard(alone, ANNOUNCEMENT);
    ensure!(said.seconds() > HEARD_S - 0.5 && said.is_in_order(), "the announcement in the recording: {said:?}");
    ensure!(heard(ours, Voice::Top).seconds() > HEARD_S, "the agent in the recording");
    ensure!(heard(customer, Voice::Low).seconds() > HEARD_S, "the customer in the recording");
    ensure!(heard(customer, ANNOUNCEMENT).is_nobody(), "REC-09: the customer's channel has the customer alone");
    Ok(())
}

/// Proves REC-08 (who calls a queue: told before the agent).
#[test]
fn who_calls_a_queue_hears_that_he_is_recorded_before_an_agent_is_rung() -> Result<()> {
    let mut world = world()?;
    let rules = json!({"number": "7000", "members": [{"agent": "10001"}], "recording_announcement": "call_recorded"});
    let set = world.api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    created(
        &world.api,
        "routes",
        &json!({"name": "centre", "direction": "inbound", "did": "8610", "to": "queue:support"}),
    )?;
    let mut alice = Party::new(&world.server, "1001", world.clock)?;
    order(&world.api, "agents/10001/sign-in", &json!({"way": "desk", "extension": "1001"}))?;
    order(&world.api, "agents/10001/state", &json!({"state": "ready"}))?;
    let mut call = world.carrier.calls("8610", Voice::Low)?;
    let invite = alice.phone.expect_within("INVITE", PATIENCE)?;
    let told = party::hearing(&world.carrier.media, ANNOUNCEMENT, 0);
    ensure!(told.seconds() > HEARD_S && told.is_in_order(), "he was told before the phone rang: {told:?}");
    alice.phone.reply(&invite, "200 OK", &alice.sdp(1, "sendrecv"))?;
    alice.phone.expect("ACK")?;
    let before = world.carrier.media.heard().len();
    alice.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &Voice::Top.speak(8_000, SPEECH_S))?;
    hears(&world.carrier.media, Voice::Top, before)?;
    hears(&alice.media, Voice::Low, 0)?;
    world.carrier.phone.hang_up(&mut call)?;
    let bye = alice.phone.expect("BYE")?;
    alice.phone.reply(&bye, "200 OK", "")
}

#[test]
fn a_route_leads_to_a_number_outside_and_both_lines_hear_each_other() -> Result<()> {
    let mut world = world()?;
    created(
        &world.api,
        "routes",
        &json!({"name": "mobile", "direction": "inbound", "did": "8611", "to": "number:13800000001"}),
    )?;
    let World { carrier, cell, .. } = &mut world;
    let mut call = carrier.phone.dialog_to("8611");
    let offer = carrier.sdp()?;
    carrier.phone.invite(&mut call, None, &offer)?;
    let invite = cell.answer(Voice::Top)?;
    ensure!(invite.start.starts_with("INVITE sip:13800000001@127.0.0.3"), "{}", invite.start);
    let ok = carrier.phone.expect_within("200 INVITE", PATIENCE)?;
    carrier.phone.ack(&mut call, &ok, "")?;
    carrier.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &Voice::Low.speak(8_000, SPEECH_S))?;
    hears(&carrier.media, Voice::Top, 0)?;
    hears(&cell.media, Voice::Low, 0)?;
    ensure!(party::hearing(&cell.media, ANNOUNCEMENT, 0).is_nobody(), "that is said in calls of ours alone");
    carrier.phone.hang_up(&mut call)?;
    let bye = cell.phone.expect("BYE")?;
    cell.phone.reply(&bye, "200 OK", "")?;
    let record = world.server.ended_calls(1)?.remove(0);
    ensure!(record["direction"] == "inbound" && record["trunk"] == "carrier", "{record}");
    ensure!(record["callee"] == "8611" && record["cause"] == "normal", "{record}");
    Ok(())
}

/// Proves CALL-08 (the number of the agent's queue, on the real binary).
#[test]
fn an_agent_shows_outside_the_number_of_his_queue() -> Result<()> {
    let mut world = world()?;
    let rules = json!({"number": "7000", "members": [{"agent": "10001"}], "caller_number": "+861055550002"});
    let set = world.api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    let mut alice = Party::new(&world.server, "1001", world.clock)?;
    for (signed_in, shown) in [(false, false), (true, true)] {
        if signed_in {
            order(&world.api, "agents/10001/sign-in", &json!({"way": "desk", "extension": "1001"}))?;
            order(&world.api, "agents/10001/state", &json!({"state": "ready"}))?;
        }
        let mut call = alice.phone.dialog_to("13800000001");
        let via = alice.call(&mut call)?;
        let invite = world.cell.phone.expect_within("INVITE", PATIENCE)?;
        let from = invite.header("From").to_owned();
        ensure!(from.contains("861055550002") == shown, "signed in: {signed_in}, {from}");
        world.cell.phone.reply(&invite, "486 Busy Here", "")?;
        world.cell.phone.expect("ACK")?;
        let busy = alice.phone.expect("486 INVITE")?;
        alice.phone.ack_failure(&call, &via, &busy)?;
    }
    Ok(())
}
