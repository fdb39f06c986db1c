//! Keys of a phone, pressed and heard: telephone events (RFC 4733) and their sounds.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::browser::level_db;
use crate::g711::Law;
use crate::rtp::{PACKET_MS, Packet, RtpEnd};
use crate::sdp;

/// In the order of their events.
const KEYS: &str = "0123456789*#ABCD";
/// The pitches of the rows and of the columns.
const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// Which key stands where.
const PAD: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Payload type of events in what [`crate::party::Party`] offers.
pub const EVENTS: u8 = 101;
/// Packets of a key that is down, with the first two repetitions of its end, and of the silence after it.
const DOWN: u16 = 7;
const ENDS: u16 = 3;
const PAUSE: u16 = 10;
/// How often an end is said again that comes too often.
const ENDS_AGAIN: u16 = 5;
/// Packets of silence around them.
const REST: u16 = 25;
/// Samples of 8 kHz in a packet.
const STEP: u32 = 160;
/// How finely a sound is cut into bursts, below which amplitude it is quiet, and how many quiet pieces end a burst: keys of
/// Chromium have holes of some milliseconds, and what presses keys pauses for 80.
const LOOK_MS: usize = 10;
const QUIET: f64 = 0.005;
const PAUSE_LOOKS: usize = 4;
/// A pitch of a key is that loud, and so much louder than the others of its group.
const LOUD_DB: f64 = -40.0;
const CLEAR_DB: f64 = 6.0;

/// What becomes of the packets of a key on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All arrive.
    Whole,
    /// Those that say its end are lost.
    WithoutEnd,
    /// All but the last that says its end are lost.
    OnlyTheEnd,
    /// What says its end comes five times more.
    EndAgain,
}

/// The keypad of a phone that says nothing else.
#[derive(Debug)]
pub struct Keypad<'a> {
    end: &'a RtpEnd,
    to: SocketAddr,
    events: u8,
    sequence: u16,
    timestamp: u32,
    way: Way,
}

impl<'a> Keypad<'a> {
    /// One whose audio goes where this description wants it, with its keys under the number that it names.
    ///
    /// # Errors
    /// When it wants no keys.
    pub fn toward(end: &'a RtpEnd, description: &str) -> Result<Self> {
        let events = sdp::events(description).context("no keys are wanted")?;
        Ok(Self { end, to: sdp::audio_address(description)?, events, sequence: 0, timestamp: 0, way: Way::Whole })
    }

    /// What becomes of keys from now on.
    #[must_use]
    pub fn by(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// Presses keys by events in a stream of silence, in real time: half a second of it before the first and after the last.
    ///
    /// # Errors
    /// When a key is none, or the kernel refuses.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.say_nothing(REST)?;
        for key in keys.chars() {
            let event = KEYS.find(key).and_then(|at| u8::try_from(at).ok());
            self.press_one(event.with_context(|| format!("{key} is no key"))?)?;
            self.say_nothing(PAUSE)?;
        }
        self.say_nothing(REST)
    }

    fn say_nothing(&mut self, packets: u16) -> Result<()> {
        for _ in 0..packets {
            let silence = vec![Law::Mu.encode(0.0); STEP as usize];
            self.send(Law::Mu.payload_type(), false, self.timestamp, silence)?;
            self.timestamp += STEP;
        }
        Ok(())
    }

    /// One time stamp for all packets of a key, a duration that grows, an end that is said three times (RFC 4733 §2.5.1).
    fn press_one(&mut self, event: u8) -> Result<()> {
        let began = self.timestamp;
        for nth in 1..=DOWN {
            let is_end = nth > DOWN - ENDS;
            let duration = nth.min(DOWN - ENDS + 1) * 160;
            let [high, low] = duration.to_be_bytes();
            let payload = vec![event, if is_end { 0x8a } else { 0x0a }, high, low];
            let arrives = match self.way {
                Way::Whole | Way::EndAgain => true,
                Way::WithoutEnd => !is_end,
                Way::OnlyTheEnd => nth == DOWN,
            };
            if arrives {
                self.send(self.events, nth == 1, began, payload.clone())?;
            } else {
                self.sequence += 1;
            }
            if nth == DOWN && self.way == Way::EndAgain {
                for _ in 0..ENDS_AGAIN {
                    self.send(self.events, false, began, payload.clone())?;
                }
            }
            self.timestamp += STEP;
        }
        Ok(())
    }

    fn send(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: Vec<u8>) -> Result<()> {
        let sequence = self.sequence;
        self.sequence += 1;
        let packet = Packet { at_s: 0.0, marker, payload_type, sequence, timestamp, ssrc: 0x6b65_7973, payload };
        self.end.send(self.to, &packet)?;
        std::thread::sleep(Duration::from_millis(PACKET_MS));
        Ok(())
    }
}

/// The keys that came by events, each as often as it was pressed: one time stamp is one press.
#[must_use]
pub fn events(heard: &[Packet]) -> String {
    let mut presses: Vec<(u32, u32, u8)> = Vec::new();
    for packet in heard.iter().filter(|packet| packet.payload_type == EVENTS) {
        let press = (packet.ssrc, packet.timestamp, packet.payload.first().copied().unwrap_or(u8::MAX));
        if !presses.contains(&press) {
            presses.push(press);
        }
    }
    presses.iter().map(|(_, _, event)| KEYS.chars().nth(usize::from(*event)).unwrap_or('?')).collect()
}

/// The keys that a sound holds, one for each burst between two pauses; `?` for a burst that is none.
#[must_use]
pub fn sounds(rate: u32, sound: &[f64]) -> String {
    let look = (rate / 1_000) as usize * LOOK_MS;
    let mut bursts: Vec<Range<usize>> = Vec::new();
    for (at, part) in sound.chunks(look).enumerate() {
        if part.iter().fold(0.0, |most: f64, sample| most.max(sample.abs())) < QUIET {
            continue;
        }
        match bursts.last_mut() {
            Some(burst) if at - burst.end < PAUSE_LOOKS => burst.end = at + 1,
            Some(_) | None => bursts.push(at..at + 1),
        }
    }
    let whole = |burst: Range<usize>| &sound[burst.start * look..sound.len().min(burst.end * look)];
    bursts.into_iter().map(|burst| key_in(rate, whole(burst)).unwrap_or('?')).collect()
}

fn key_in(rate: u32, sound: &[f64]) -> Option<char> {
    let (row, column) = (clearest(rate, ROWS_HZ, sound)?, clearest(rate, COLUMNS_HZ, sound)?);
    Some(PAD[row][column])
}

fn clearest(rate: u32, pitches: [f64; 4], sound: &[f64]) -> Option<usize> {
    let levels = pitches.map(|pitch| level_db(rate, pitch, sound));
    let best = (0..4).max_by(|one, other| levels[*one].total_cmp(&levels[*other]))?;
    let others = (0..4).filter(|at| *at != best).map(|at| levels[at]).fold(f64::MIN, f64::max);
    (levels[best] > LOUD_DB && levels[best] > others + CLEAR_DB).then_some(best)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::browser::sine;
    use crate::ports::Ports;
    use crate::wait;

    #[test]
    fn keys_by_events_are_heard_as_often_as_they_are_pressed() {
        let ports = Ports::take().unwrap();
        let first = ports.many(2).unwrap();
        let (a, b) = (RtpEnd::open(first, Instant::now()).unwrap(), RtpEnd::open(first + 1, Instant::now()).unwrap());
        let wanted = sdp::audio(b.address().unwrap(), "0 101", &["rtpmap:101 telephone-event/8000"]);
        Keypad::toward(&a, &wanted).unwrap().press("15#5").unwrap();
        let all = usize::from(REST + 4 * (DOWN + PAUSE) + REST);
        wait::until("all packets", Duration::from_secs(5), || Ok((b.heard().len() == all).then_some(()))).unwrap();
        assert_eq!(events(&b.close()), "15#5");
    }

    #[test]
    fn keys_by_sound_are_heard_as_often_as_they_sound() {
        let pad = |row: f64, column: f64| -> Vec<f64> {
            sine(16_000, row, 1_600).iter().zip(sine(16_000, column, 1_600)).map(|(a, b)| 0.4 * (a + b)).collect()
        };
        let silence = vec![0.0; 1_600];
        let (five, pound) = (pad(770.0, 1_336.0), pad(941.0, 1_477.0));
        let sound = [&silence[..], &five, &silence, &five, &silence, &pound, &silence].concat();
        assert_eq!(sounds(16_000, &sound), "55#");
        assert_eq!(sounds(16_000, &sine(16_000, 770.0, 16_000)), "?", "a pitch alone is no key");
        assert_eq!(sounds(16_000, &silence), "");
    }
}
