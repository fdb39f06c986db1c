//! A conference room and three real softphones, each in a voice of its own: who hears whom, muted, sent away, asked for a PIN; and
//! what is said aloud there.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{Baresip, Codec, Setup};
use calls::chirp::{Hearing, Voice};
use calls::g711::Law;
use calls::party::{Party, hearing, wait_for_packets};
use calls::phone::Dialog;
use calls::sip_text::Text;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::{sdp, wait, wav};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
/// What lies between an order and what is heard of it: the phone's own buffers, and a dump that is written in pieces.
const SETTLING_S: f64 = 1.0;

fn phone(server: &Switchboard, user: &str, voice: Voice, codec: Codec) -> Result<Baresip> {
    let setup = Setup { codecs: vec![codec], ..Setup::registered(user, PASSWORD, server.sip(), voice) };
    Baresip::start(server.ports(), server.folder(), &setup)
}

/// Waits until so many are in the room; who they are.
fn members(server: &Switchboard, room: &str, wanted: usize) -> Result<Vec<Value>> {
    let api = server.api()?;
    wait::until(&format!("{wanted} members of {room}"), PATIENCE, || {
        let answer = api.fetch(&format!("conferences/{room}"), None)?;
        let members = answer.json()["members"].as_array().cloned().unwrap_or_default();
        Ok((members.len() == wanted).then_some(members))
    })
}

fn call_of(members: &[Value], number: &str) -> Result<String> {
    let member = members.iter().find(|member| member["number"] == number);
    Ok(member.and_then(|member| member["call"].as_str()).with_context(|| format!("{number} is no member"))?.to_owned())
}

fn order(server: &Switchboard, path: &str) -> Result<()> {
    let answer = server.api()?.post(&format!("conferences/8000/{path}"), &json!({}))?;
    ensure!(answer.status == 204, "{path}: {} {}", answer.status, answer.json());
    Ok(())
}

/// What a phone heard of a voice, from the first sound of its call on.
fn heard(phone: &Baresip, voice: Voice) -> Result<Hearing> {
    let sounds = phone.heard()?;
    let sound = sounds.first().context("nothing decoded")?;
    Ok(voice.listen(sound.rate, &sound.channels[0]))
}

/// How many chirps of a voice began between two moments.
fn between(hearing: &Hearing, from_s: f64, to_s: f64) -> usize {
    hearing.chirps.iter().filter(|chirp| (from_s..to_s).contains(&chirp.at_s)).count()
}

/// Another stretch of time, as one phone hears it.
fn pass(phone: &Baresip, seconds: f64) -> Result<f64> {
    let now = phone.heard_s()?;
    phone.wait_until_heard(now + seconds)?;
    Ok(now)
}

#[test]
fn three_softphones_in_a_room_hear_exactly_the_two_others() -> Result<()> {
    const TALK_S: f64 = 5.0;
    let server = Switchboard::start()?;
    server.hush_room()?;
    let mut alice = phone(&server, "1001", Voice::Low, Codec::Pcmu)?;
    let mut bob = phone(&server, "1002", Voice::High, Codec::Pcma)?;
    let mut carol = phone(&server, "1003", Voice::Top, Codec::Pcmu)?;
    for phone in [&mut alice, &mut bob, &mut carol] {
        phone.dial("8000")?;
        phone.wait_for("CALL_ESTABLISHED", 1)?;
    }
    let there = members(&server, "8000", 3)?;
    order(&server, "record")?;
    // All three talk.
    let all_from = pass(&alice, TALK_S)? + SETTLING_S;
    let bob_from = bob.heard_s()? - TALK_S + SETTLING_S;
    // Bob is muted: he hears on, but is not heard.
    let bobs = call_of(&there, "1002")?;
    order(&server, &format!("members/{bobs}/mute"))?;
    let muted_from = pass(&alice, TALK_S)? + SETTLING_S;
    let muted_until = alice.heard_s()?;
    order(&server, &format!("members/{bobs}/unmute"))?;
    let again_from = pass(&alice, TALK_S)? + SETTLING_S;
    let again_until = alice.heard_s()?;
    // Carol is sent away; the two others go on.
    order(&server, &format!("members/{}/kick", call_of(&there, "1003")?))?;
    carol.wait_for("CALL_CLOSED", 1)?;
    members(&server, "8000", 2)?;
    let two_from = pass(&alice, TALK_S)? + SETTLING_S;
    let bob_until = bob.heard_s()?;
    for phone in [&mut alice, &mut bob] {
        phone.hang_up()?;
        phone.wait_for("CALL_CLOSED", 1)?;
    }

    // Nearly all of the chirps of a stretch, but for the one that each of its ends cuts.
    let most = |from: f64, to: f64| ((to - from) * 10.0) as usize - 4;
    let (of_bob, of_carol) = (heard(&alice, Voice::High)?, heard(&alice, Voice::Top)?);
    ensure!(
        between(&of_bob, all_from, muted_from - SETTLING_S) >= most(all_from, muted_from - SETTLING_S),
        "{of_bob:?}"
    );
    ensure!(between(&of_bob, muted_from, muted_until) == 0, "a muted phone is heard: {of_bob:?}");
    ensure!(between(&of_bob, again_from, again_until) >= most(again_from, again_until), "{of_bob:?}");
    ensure!(between(&of_carol, all_from, again_until) >= most(all_from, again_until), "{of_carol:?}");
    ensure!(of_carol.is_in_order() && of_bob.is_in_order(), "{of_carol:?}");
    // From the mix to the relay and back there is a short break, which spoils a chirp.
    ensure!(of_carol.largest_jump_ms() <= 40.0 && of_carol.silence_ms <= 40.0, "{of_carol:?}");
    ensure!(between(&of_carol, two_from, f64::MAX) == 0, "who was sent away is heard: {of_carol:?}");
    let (by_bob, top) = (heard(&bob, Voice::Low)?, heard(&bob, Voice::Top)?);
    ensure!(between(&by_bob, bob_from, bob_until) >= most(bob_from, bob_until), "a muted phone hears: {by_bob:?}");
    ensure!(top.seconds() > 2.0 * TALK_S, "{top:?}");
    ensure!(heard(&carol, Voice::Low)?.seconds() > 2.0 * TALK_S && heard(&carol, Voice::High)?.seconds() > TALK_S);
    for (phone, own) in [(&alice, Voice::Low), (&bob, Voice::High), (&carol, Voice::Top)] {
        ensure!(heard(phone, own)?.is_nobody(), "a phone hears itself");
    }
    check_records(&server)
}

/// Each was a call of its own, with the room as its other party. All of them are inner ones, so they are on the right.
fn check_records(server: &Switchboard) -> Result<()> {
    let api = server.api()?;
    for record in server.ended_calls(3)? {
        let id = record["id"].as_str().context("no id")?;
        let call = api.get(&format!("call-records/{id}"))?;
        let legs = call["legs"].as_array().context("no legs")?;
        ensure!(legs.iter().any(|leg| leg["peer"] == "service" && leg["peer_name"] == "8000"), "{call}");
        let wanted = if record["caller"] == "1003" { "command" } else { "normal" };
        ensure!(record["cause"] == wanted, "{record}");
        if record["caller"] == "1001" {
            let recording = server.recorded_call(id)?["recordings"][0]["id"].clone();
            let id = recording.as_str().context("a recording without an id")?;
            let path = server.folder().join("room.wav");
            std::fs::write(&path, api.fetch(&format!("recordings/{id}/audio"), None)?.body)?;
            let sound = wav::read(&path)?;
            for voice in [Voice::Low, Voice::High, Voice::Top] {
                let [left, right] = [0, 1].map(|channel| voice.listen(sound.rate, &sound.channels[channel]));
                // Bob was muted for a third of the time.
                ensure!(left.is_nobody() && right.seconds() > 8.0, "{voice:?}: {left:?} {right:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_softphone_enters_its_pin_and_mutes_itself_by_keys() -> Result<()> {
    let server = Switchboard::start()?;
    let made = server.api()?.post("rooms", &json!({"number": "8001", "pin": "2580", "announce": false}))?;
    ensure!(made.status == 201, "{}", made.json());
    let mut alice = phone(&server, "1001", Voice::Low, Codec::Pcmu)?;
    alice.dial("8001")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    press(&mut alice, "9999")?;
    press(&mut alice, "2580")?;
    members(&server, "8001", 1)?;
    for muted in [true, false] {
        press(&mut alice, "*6")?;
        wait::until("what the key says", PATIENCE, || {
            Ok((members(&server, "8001", 1)?[0]["muted"] == muted).then_some(()))
        })?;
    }
    alice.hang_up()?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal", "{record}");
    Ok(())
}

/// Each key is pressed until the phone has sent it.
fn press(phone: &mut Baresip, keys: &str) -> Result<()> {
    for key in keys.chars() {
        phone.command("sndcode", &key.to_string())?;
    }
    Ok(())
}

/// A guest of a room, who says nothing unless it is told to.
struct Guest {
    party: Party,
    call: Dialog,
    /// What it was answered.
    ok: Text,
    /// When it was let in.
    from_s: f64,
}

impl Guest {
    fn enter(server: &Switchboard, user: &str, clock: Instant) -> Result<Self> {
        let mut party = Party::new(server, user, clock)?;
        let mut call = party.phone.dialog_to("8000");
        party.call(&mut call)?;
        let ok = party.phone.expect("200 INVITE")?;
        party.phone.ack(&mut call, &ok, "")?;
        Ok(Self { from_s: party.media.now_s(), party, call, ok })
    }

    /// It speaks from now on, half a minute long.
    fn speak(&mut self, voice: Voice) -> Result<()> {
        self.party.media.speak(sdp::audio_address(&self.ok.body)?, Law::Mu, &voice.speak(8_000, 30.0))
    }

    /// Waits until something was said since then, and all of it; how long it took to begin, and how long it was.
    fn listen(&self, from_s: f64) -> Result<(f64, f64)> {
        wait::until("the end of what is said", PATIENCE, || {
            let spoken = self.party.media.loud_since(from_s);
            let (Some(first), Some(last)) = (spoken.first(), spoken.last()) else { return Ok(None) };
            let is_over = self.party.media.now_s() - last > PAUSE_MAX_S;
            Ok(is_over.then_some((first - from_s, last - first)))
        })
    }
}

/// Longer than any pause in what is said.
const PAUSE_MAX_S: f64 = 1.0;

#[test]
fn a_room_says_aloud_who_comes_and_goes_and_to_whom_is_sent_away_why() -> Result<()> {
    let server = Switchboard::start()?;
    server.api()?.patch("rooms/8000", &json!({"music_alone": false}))?;
    server.api()?.patch("tenants/default", &json!({"language": "en"}))?;
    let clock = Instant::now();
    let mut alice = Guest::enter(&server, "1001", clock)?;
    // "Welcome to the conference. You are the only one in this conference."
    let (begins, lasts) = alice.listen(alice.from_s)?;
    ensure!(begins < 1.0 && (2.5..6.0).contains(&lasts), "{begins} s, {lasts} s");
    let mut bob = Guest::enter(&server, "1002", clock)?;
    // "Somebody has joined the conference."
    let (begins, joined) = alice.listen(bob.from_s)?;
    ensure!(begins < 1.0 && (1.0..3.0).contains(&joined), "{begins} s, {joined} s");
    // "Welcome to the conference. There are two people in this conference."
    let (begins, lasts) = bob.listen(bob.from_s)?;
    ensure!(begins < 1.0 && (2.5..6.0).contains(&lasts) && lasts > joined + 0.5, "{begins} s, {lasts} s");
    let there = members(&server, "8000", 2)?;
    let sent_away_s = bob.party.media.now_s();
    order(&server, &format!("members/{}/kick", call_of(&there, "1002")?))?;
    members(&server, "8000", 1)?;
    // "You have been removed from the conference." It is out by then, and its call ends when that is said.
    let bye = bob.party.phone.expect("BYE")?;
    let until_s = bob.party.media.now_s();
    bob.party.phone.reply(&bye, "200 OK", "")?;
    let spoken = bob.party.media.loud_since(sent_away_s);
    let (first, last) = (spoken.first().context("nothing")? - sent_away_s, until_s - spoken.last().context("nothing")?);
    ensure!(spoken.len() > 40 && first < 1.0 && last < 1.5, "{} packets, {first} s, {last} s", spoken.len());
    // "Somebody has left the conference."
    let (begins, lasts) = alice.listen(sent_away_s)?;
    ensure!(begins < 1.0 && (1.0..3.0).contains(&lasts), "{begins} s, {lasts} s");
    alice.party.phone.hang_up(&mut alice.call)?;
    let causes: Vec<Value> = server.ended_calls(2)?.iter().map(|record| record["cause"].clone()).collect();
    ensure!(causes.contains(&json!("normal")) && causes.contains(&json!("command")), "{causes:?}");
    Ok(())
}

#[test]
fn members_are_in_their_room_again_after_a_crash() -> Result<()> {
    let mut server = Switchboard::start()?;
    server.api()?.patch("rooms/8000", &json!({"music_alone": false, "announce": false}))?;
    let clock = Instant::now();
    let mut alice = Guest::enter(&server, "1001", clock)?;
    let mut bob = Guest::enter(&server, "1002", clock)?;
    let there = members(&server, "8000", 2)?;
    let conference = |server: &Switchboard| -> Result<Value> {
        Ok(server.api()?.fetch("conferences/8000", None)?.json()["id"].clone())
    };
    let id = conference(&server)?;
    order(&server, "record")?;
    order(&server, &format!("members/{}/mute", call_of(&there, "1002")?))?;
    alice.speak(Voice::Low)?;
    bob.speak(Voice::High)?;
    wait_for_packets(&bob.party.media, 100)?;
    server.kill()?;
    let killed_s = bob.party.media.now_s();
    let before = bob.party.media.heard().len();
    server.start_again()?;
    for member in [&mut alice, &mut bob] {
        let asked = member.party.phone.expect("INVITE")?;
        let answer = member.party.sdp(2, "sendrecv");
        member.party.phone.reply(&asked, "200 OK", &answer)?;
        member.party.phone.expect("ACK")?;
    }
    let there = members(&server, "8000", 2)?;
    ensure!(conference(&server)? == id && !id.is_null(), "another conference than {id}");
    ensure!(there[1]["number"] == "1002" && there[1]["muted"] == true, "{there:?}");
    wait_for_packets(&bob.party.media, before + 150)?;
    let first = bob.party.media.heard()[before].at_s;
    ensure!(first - killed_s < GAP_S_MAX, "nothing was heard for {} s", first - killed_s);
    ensure!(!hearing(&bob.party.media, Voice::Low, before).is_nobody(), "Bob does not hear Alice");
    ensure!(hearing(&alice.party.media, Voice::High, 0).is_nobody(), "Bob is muted, and heard");
    order(&server, &format!("members/{}/unmute", call_of(&there, "1002")?))?;
    let from = alice.party.media.heard().len();
    wait_for_packets(&alice.party.media, from + 150)?;
    ensure!(!hearing(&alice.party.media, Voice::High, from).is_nobody(), "Alice does not hear Bob");
    alice.party.phone.hang_up(&mut alice.call)?;
    bob.party.phone.hang_up(&mut bob.call)?;
    for record in server.ended_calls(2)? {
        let gaps = record["interruptions"].as_array().map_or(0, Vec::len);
        ensure!(record["cause"] == "normal" && gaps == 1, "{record}");
    }
    Ok(())
}

/// How long the two may not hear each other: the time to be killed, to start, and to be asked.
const GAP_S_MAX: f64 = 5.0;
