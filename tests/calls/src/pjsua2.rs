//! PJSUA2 as a phone: the stack of many desk phones and softphones, one process a phone, without a sound card.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::chirp::Voice;
use crate::process::{Process, tail};
use crate::switchboard::{PASSWORD, Switchboard};
use crate::wait;
use crate::wav::{self, Sound};

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any call of a test.
const SPEECH_S: f64 = 90.0;
const RATE: u32 = 8_000;

/// A running, registered phone.
#[derive(Debug)]
pub struct Pjsua2 {
    process: Process,
    control: TcpStream,
    events: Arc<Mutex<Vec<Value>>>,
    /// Events before this one were waited for.
    seen: usize,
    folder: PathBuf,
}

impl Pjsua2 {
    /// Starts a phone of this extension and waits until it is registered. Without a voice it is silent.
    ///
    /// # Errors
    /// When PJSUA2 is missing (`tests/setup/packages.sh test` installs it) or cannot register.
    pub fn start(server: &Switchboard, user: &str, voice: Option<Voice>) -> Result<Self> {
        let ports = server.ports();
        let (control_port, sip_port) = (ports.one()?, ports.one()?);
        let folder = server.folder().join(format!("pjsua2-{user}"));
        std::fs::create_dir_all(&folder).context("no folder for PJSUA2")?;
        let speech = voice.map_or_else(|| vec![0.0; 8_000], |voice| voice.speak(RATE, SPEECH_S));
        wav::write(&folder.join("speech.wav"), &Sound::mono(RATE, speech))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/pjsua2_phone.py");
        let mut command = Command::new(interpreter()?);
        command.arg(script).args([control_port.to_string(), sip_port.to_string()]);
        command.args([&server.sip().to_string(), user, PASSWORD]);
        command.args([folder.join("speech.wav"), folder.join("heard.wav")]);
        let mut process = Process::start(&mut command, &folder.join("log"))?;
        let control = wait::until("PJSUA2's control port", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "PJSUA2 ended: {}", tail(&process.output()));
            Ok(TcpStream::connect(("127.0.0.1", control_port)).ok())
        })?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let (reading, read) = (control.try_clone()?, Arc::clone(&events));
        std::thread::spawn(move || {
            for line in BufReader::new(reading).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line) {
                    read.lock().unwrap_or_else(PoisonError::into_inner).push(event);
                }
            }
        });
        let mut phone = Self { process, control, events, seen: 0, folder };
        phone.expect(&json!({"event": "registration", "code": 200}))?;
        Ok(phone)
    }

    /// Gives a command and waits until it was taken.
    ///
    /// # Errors
    /// When PJSUA2 refuses it, with its reason.
    pub fn command(&mut self, command: &Value) -> Result<()> {
        let from = self.told().len();
        writeln!(self.control, "{command}").context("PJSUA2's control connection is gone")?;
        let name = &command["do"];
        let answer = wait::until(&format!("PJSUA2 to take {command}"), PATIENCE, || {
            let told = self.told();
            let answers = told[from..].iter().filter(|event| event["event"] == "done" || event["event"] == "refused");
            Ok(answers.into_iter().find(|event| &event["do"] == name).cloned())
        })?;
        ensure!(answer["event"] == "done", "PJSUA2 refused {command}: {answer}");
        Ok(())
    }

    /// Waits for the next event with these values, beyond the last one that was waited for; the ones between are passed over.
    ///
    /// # Errors
    /// When it does not come; with what came.
    pub fn expect(&mut self, wanted: &Value) -> Result<()> {
        let wanted_fields = wanted.as_object().context("an event is an object")?;
        let from = self.seen;
        let found = wait::until(&format!("the event {wanted}"), PATIENCE, || {
            let told = self.told();
            let fits = |event: &Value| wanted_fields.iter().all(|(key, value)| event[key] == *value);
            Ok(told[from..].iter().position(fits))
        });
        let found = found.with_context(|| format!("PJSUA2 told {:?}", &self.told()[from..]))?;
        self.seen = from + found + 1;
        Ok(())
    }

    fn told(&self) -> Vec<Value> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seconds of sound that it has heard so far.
    fn heard_s(&self) -> f64 {
        let bytes = std::fs::metadata(self.folder.join("heard.wav")).map_or(0, |file| file.len());
        bytes.saturating_sub(44) as f64 / 2.0 / f64::from(RATE)
    }

    /// Waits until it has heard so many seconds more.
    ///
    /// # Errors
    /// When nothing comes.
    pub fn listen_for(&self, seconds: f64) -> Result<()> {
        let until = self.heard_s() + seconds;
        wait::until("sound", PATIENCE, || Ok((self.heard_s() >= until).then_some(())))
    }

    /// Ends it; everything it heard.
    ///
    /// # Errors
    /// When it does not end, or wrote no sound.
    pub fn finish(mut self) -> Result<Sound> {
        self.command(&json!({"do": "quit"}))?;
        self.process.wait(PATIENCE)?;
        wav::read(&self.folder.join("heard.wav"))
    }
}

/// The Python that has PJSUA2.
fn interpreter() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/pjsua2.sh");
    let out = Command::new(script).output().context("tests/setup/pjsua2.sh cannot be started")?;
    ensure!(out.status.success(), "PJSUA2 is not there: {}", String::from_utf8_lossy(&out.stderr));
    Ok(PathBuf::from(String::from_utf8(out.stdout)?.trim()))
}
