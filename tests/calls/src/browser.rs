//! A browser as a phone: Chromium with JsSIP, driven by `tests/browser/phone.mjs` with lines of JSON; and with the
//! console in it, driven by `console.mjs`.

use std::f64::consts::TAU;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::chirp::Voice;
use crate::network::Network;
use crate::wait;
use crate::wav::Sound;

/// How long anything may take: Chromium on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rate of what [`Browser::recorded`] returns, as the page records it.
const RECORDED_HZ: u32 = 16_000;

/// The page of a phone alone.
const PHONE: &str = "phone.mjs";
/// The console.
const CONSOLE: &str = "console.mjs";

/// The node that runs the drivers, whose packages are installed where they are missing.
///
/// # Errors
/// When they cannot be.
pub fn node() -> Result<String> {
    let setup = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../setup/browser.sh");
    let node = Command::new(setup).stderr(Stdio::inherit()).output().context("tests/setup/browser.sh")?;
    ensure!(node.status.success(), "tests/setup/browser.sh failed");
    Ok(String::from_utf8_lossy(&node.stdout).trim().to_owned())
}

/// Where a browser runs.
#[derive(Clone, Copy)]
enum Place<'a> {
    Here,
    Inside(&'a Network),
}

/// A Chromium with one page. It ends when dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    lines: Option<ChildStdin>,
    said: Receiver<Value>,
    /// What it said and nobody asked for yet.
    pending: Vec<Value>,
    folder: tempfile::TempDir,
}

impl Browser {
    /// Starts one whose page is of this origin and whose microphone hears a tone of this pitch.
    ///
    /// # Errors
    /// Where node, its packages (`tests/setup/browser.sh`) or Chromium are missing.
    pub fn start(origin: &str, pitch_hz: f64) -> Result<Self> {
        // Two seconds: a whole number of periods, so that Chromium's loop is seamless.
        Self::hearing(PHONE, origin, &sine(48_000, pitch_hz, 96_000), Place::Here)
    }

    /// Starts one that shows the console of this origin, and whose microphone hears a tone of this pitch.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn console(origin: &str, pitch_hz: f64) -> Result<Self> {
        Self::hearing(CONSOLE, origin, &sine(48_000, pitch_hz, 96_000), Place::Here)
    }

    /// [`Self::start`] inside a network.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn inside(network: &Network, origin: &str, pitch_hz: f64) -> Result<Self> {
        Self::hearing(PHONE, origin, &sine(48_000, pitch_hz, 96_000), Place::Inside(network))
    }

    /// Starts one whose microphone hears this voice: all of its 51.2 seconds, after which they repeat.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn speaking(origin: &str, voice: Voice) -> Result<Self> {
        Self::hearing(PHONE, origin, &voice.speak(48_000, 51.2), Place::Here)
    }

    fn hearing(script: &str, origin: &str, sound: &[f64], place: Place<'_>) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let capture = folder.path().join("capture.wav");
        write_capture(&capture, sound)?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../browser").join(script);
        let node = node()?;
        let mut command = match place {
            Place::Here => Command::new(node),
            Place::Inside(network) => network.command(Path::new(&node)),
        };
        command.arg(script).arg(&capture).arg(origin);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node is missing")?;
        let lines = child.stdin.take().context("no stdin")?;
        let out = child.stdout.take().context("no stdout")?;
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self { child, lines: Some(lines), said, pending: Vec::new(), folder };
        browser.expect("ready")?;
        Ok(browser)
    }

    /// Tells it to do something, and waits until that is done.
    ///
    /// # Errors
    /// When it fails.
    pub fn tell(&mut self, verb: &str, what: Value) -> Result<Value> {
        let mut line = what;
        line["do"] = json!(verb);
        writeln!(self.lines.as_mut().context("it has ended")?, "{line}")?;
        if verb == "reload" {
            return Ok(Value::Null);
        }
        Ok(self.await_event(|said| said["event"] == "done" && said["verb"] == verb, verb)?["result"].clone())
    }

    /// Waits for what it says of this kind, if it did not say it already: each event is taken once.
    ///
    /// # Errors
    /// When that does not come in time, or something failed.
    pub fn expect(&mut self, event: &str) -> Result<Value> {
        self.await_event(|said| said["event"] == event, event)
    }

    fn await_event(&mut self, is_it: impl Fn(&Value) -> bool, wanted: &str) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.pending.iter().position(&is_it) {
                return Ok(self.pending.remove(at));
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(said) = self.said.recv_timeout(left) else { bail!("no {wanted}; it said {:?}", self.pending) };
            ensure!(said["event"] != "failed" && said["event"] != "error", "{wanted}: {said}");
            self.pending.push(said);
        }
    }

    /// Registers with what `POST session/sip-credential` gave, by this WebSocket.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn register(&mut self, socket: &str, credential: &Value) -> Result<()> {
        let mut account = credential.clone();
        account["socket"] = json!(socket);
        account["instance"] = json!("8f1fa16a-1165-4a96-8341-785b1ef24f12");
        self.tell("register", account)?;
        self.expect("registered").map(drop)
    }

    /// From now on it keeps what it hears.
    ///
    /// # Errors
    /// Before it has heard anything.
    pub fn record(&mut self) -> Result<()> {
        self.tell("record", json!({})).map(drop)
    }

    /// What it has heard since [`Self::record`].
    ///
    /// # Errors
    /// When it has kept nothing.
    pub fn recorded(&mut self) -> Result<Sound> {
        let path = self.folder.path().join("heard.s16");
        self.tell("save", json!({"path": path}))?;
        let bytes = std::fs::read(&path).context("nothing kept")?;
        let samples = bytes.as_chunks::<2>().0.iter().map(|pair| f64::from(i16::from_le_bytes(*pair)) / 32_768.0);
        Ok(Sound::mono(RECORDED_HZ, samples.collect()))
    }

    /// Waits until it hears the first pitch and not the second one.
    ///
    /// # Errors
    /// When it does not; with what it hears.
    pub fn hears(&mut self, pitch_hz: f64, not_hz: f64) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let heard = self.tell("hear", json!({"pitches": [pitch_hz, not_hz]}))?;
            let level = |at: usize| heard["levels"][at].as_f64().unwrap_or(-200.0);
            if level(0) > -60.0 && level(0) > level(1) + 20.0 {
                return Ok(heard);
            }
            ensure!(Instant::now() < until, "{pitch_hz} Hz is not heard: {heard}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends Chromium when its input ends; one that is killed would leave it behind.
        self.lines = None;
        if wait::until("the end of the browser", PATIENCE, || Ok(self.child.try_wait()?)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// 48 kHz, mono, 16 bit.
fn write_capture(path: &Path, sound: &[f64]) -> Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in sound {
        #[expect(clippy::cast_possible_truncation, reason = "it is within the range of i16")]
        writer.write_sample((sample * 32_767.0) as i16)?;
    }
    writer.finalize().context("no capture file")
}

/// A tone of half of full scale.
#[must_use]
pub fn sine(rate: u32, pitch_hz: f64, samples: u32) -> Vec<f64> {
    (0..samples).map(|n| 0.5 * (TAU * pitch_hz * f64::from(n) / f64::from(rate)).sin()).collect()
}

/// How loud a pitch is in a sound, in dB below a full-scale sine (Goertzel).
#[must_use]
pub fn level_db(rate: u32, pitch_hz: f64, sound: &[f64]) -> f64 {
    let coefficient = 2.0 * (TAU * pitch_hz / f64::from(rate)).cos();
    let (one, two) = sound.iter().fold((0.0, 0.0), |(one, two), sample| (sample + coefficient * one - two, one));
    #[expect(clippy::cast_precision_loss, reason = "a sound is short")]
    let length = sound.len().max(1) as f64;
    10.0 * ((one * one + two * two - coefficient * one * two).max(1e-20) * 4.0 / (length * length)).log10()
}
