//! Who takes part in the day: callers from outside, desk phones that take every call, and those who are called outside.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{self, Baresip};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party;
use calls::phone::{Dialog, Phone};
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::sip_text::Text;
use calls::switchboard::PASSWORD;
use calls::wait;

use super::Centre;
use crate::queue::PATIENCE;

/// What callers and mobiles speak with.
pub(crate) const OUTSIDE: Voice = Voice::Third;
/// Longer than any call of the day.
const SPEECH_S: f64 = 60.0;
/// That much of a voice has to be heard.
const HEARD_S: f64 = 1.5;
const EVENTS: &str = "rtpmap:101 telephone-event/8000";

/// Somebody outside who calls, and speaks all the time.
pub(crate) struct Caller {
    pub(crate) number: String,
    phone: Phone,
    dialog: Dialog,
    pub(crate) heard: RtpEnd,
    /// The answer to his offer.
    answer: String,
}

impl Caller {
    /// Calls `did` and is answered, by a person or by the centre itself.
    pub(crate) fn dials(centre: &mut Centre, did: &str) -> Result<Self> {
        centre.callers += 1;
        let number = format!("137000{:05}", centre.callers);
        let ip = centre.carrier.ip();
        let mut phone = Phone::udp_at((ip, centre.server.ports().one()?).into(), &number, centre.server.sip())?;
        let at = SocketAddr::new(ip, centre.server.ports().many(2)?);
        let heard = RtpEnd::open_at(at, centre.clock)?;
        let mut dialog = phone.dialog_to(did);
        phone.invite(&mut dialog, None, &sdp::audio(at, "0 101", &[EVENTS]))?;
        let ok = phone.expect_within("200 INVITE", PATIENCE)?;
        phone.ack(&mut dialog, &ok, "")?;
        Ok(Self { number, phone, dialog, heard, answer: ok.body })
    }

    pub(crate) fn speaks(&mut self) -> Result<()> {
        self.heard.speak(sdp::audio_address(&self.answer)?, Law::Mu, &OUTSIDE.speak(8_000, SPEECH_S))
    }

    pub(crate) fn presses(&mut self, keys: &str) -> Result<()> {
        self.heard.hush();
        Keypad::toward(&self.heard, &self.answer)?.press(keys)
    }

    /// From now on he hears all of `voices`, and none of the others of the house.
    pub(crate) fn hears(&self, what: &str, voices: &[Voice]) -> Result<()> {
        let from = self.heard.heard().len();
        let seconds = |voice| party::hearing(&self.heard, voice, from).seconds();
        wait::until(what, PATIENCE, || Ok(voices.iter().all(|voice| seconds(*voice) > HEARD_S).then_some(())))?;
        for other in [Voice::Low, Voice::High].into_iter().filter(|voice| !voices.contains(voice)) {
            ensure!(seconds(other) == 0.0, "{what}: {} heard {other:?}, too", self.number);
        }
        Ok(())
    }

    /// From now on he hears something, and it is nobody of the house.
    pub(crate) fn hears_words_or_music(&self, what: &str) -> Result<()> {
        // What was said just before is still on its way for a moment.
        let (since_s, from) = (self.heard.now_s() + 0.3, self.heard.heard().len() + 15);
        wait::until(what, PATIENCE, || Ok((self.heard.loud_since(since_s).len() > 60).then_some(())))?;
        for voice in [Voice::Low, Voice::High] {
            let seconds = party::hearing(&self.heard, voice, from).seconds();
            ensure!(seconds == 0.0, "{what}: {} heard {voice:?} for {seconds} s", self.number);
        }
        Ok(())
    }

    pub(crate) fn hangs_up(mut self) -> Result<()> {
        self.phone.hang_up(&mut self.dialog)
    }

    /// The centre ends the call.
    pub(crate) fn sees_the_end(mut self) -> Result<()> {
        let bye = self.phone.expect_within("BYE", PATIENCE)?;
        self.phone.reply(&bye, "200 OK", "")
    }
}

/// A desk phone that takes every call and speaks with its agent's voice.
pub(crate) fn desk(centre: &Centre, user: &str, voice: Voice) -> Result<Baresip> {
    let setup =
        baresip::Setup { answers: true, ..baresip::Setup::registered(user, PASSWORD, centre.server.sip(), voice) };
    Baresip::start(centre.server.ports(), centre.server.folder(), &setup)
}

/// A call that somebody outside was called for.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The number that was called.
    pub(crate) called: String,
    /// Who was shown as the caller.
    pub(crate) from: String,
    /// How long he heard his own voice, said back by the other side.
    pub(crate) echo_s: f64,
    /// How long he heard the agent at the desk phone 1001.
    pub(crate) agent_s: f64,
}

/// The network of mobiles: whoever is called there answers, presses 1 where he is an agent, and speaks until he is hung up on.
pub(crate) struct Outside {
    stop: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<Taken>>>,
    thread: Option<JoinHandle<Result<()>>>,
}

/// The agent who is signed in by his mobile.
pub(crate) const MOBILE: &str = "13900139000";

impl Outside {
    pub(crate) fn open(centre: &Centre) -> Result<Self> {
        let mut phone = Phone::udp_at(centre.cell, "cell", centre.server.sip())?;
        let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, kept) = (Arc::clone(&stop), Arc::clone(&taken));
        let at = SocketAddr::new(centre.cell.ip(), centre.server.ports().many(2)?);
        let clock = centre.clock;
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(text) = phone.receive(Duration::from_millis(100))? else { continue };
                if text.name() == "INVITE" {
                    let call = take(&mut phone, &text, RtpEnd::open_at(at, clock)?)?;
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(call);
                }
            }
            Ok(())
        });
        Ok(Self { stop, taken, thread: Some(thread) })
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn close(mut self) -> Result<Vec<Taken>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("it runs")?;
        thread.join().map_err(|_| anyhow::anyhow!("the network of mobiles panicked"))??;
        Ok(self.taken())
    }
}

/// One call of the network of mobiles, until it is hung up.
fn take(phone: &mut Phone, invite: &Text, mut media: RtpEnd) -> Result<Taken> {
    let called = invite.start.split(['@', ':']).nth(1).unwrap_or_default().to_owned();
    phone.reply(invite, "180 Ringing", "")?;
    phone.reply(invite, "200 OK", &sdp::audio(media.address()?, "0 101", &[EVENTS]))?;
    let next = phone.expect_one_of(&["ACK", "CANCEL"])?;
    ensure!(next.name() == "ACK", "a call that was answered is cancelled");
    let mut gone = None;
    if called.ends_with(MOBILE) {
        // "Press one", of which a second is enough; the caller may give up in the middle of it.
        gone = wait_or_bye(phone, || media.loud_since(0.0).len() > 30)?;
        if gone.is_none() {
            Keypad::toward(&media, &invite.body)?.press("1")?;
        }
    }
    let from = media.heard().len();
    media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &OUTSIDE.speak(8_000, SPEECH_S))?;
    let bye = match gone {
        Some(bye) => bye,
        None => phone.expect_within("BYE", Duration::from_secs(60))?,
    };
    phone.reply(&bye, "200 OK", "")?;
    media.hush();
    let seconds = |voice| party::hearing(&media, voice, from).seconds();
    Ok(Taken { called, from: invite.uri("From"), echo_s: seconds(OUTSIDE), agent_s: seconds(Voice::Low) })
}

/// Looks until it is so, or the other side hangs up.
fn wait_or_bye(phone: &mut Phone, mut is_so: impl FnMut() -> bool) -> Result<Option<Text>> {
    for _ in 0..200 {
        if is_so() {
            return Ok(None);
        }
        if let Some(text) = phone.receive(Duration::from_millis(100))?
            && text.name() == "BYE"
        {
            return Ok(Some(text));
        }
    }
    anyhow::bail!("the mobile hears nothing in 20 s\n{}", phone.told())
}
