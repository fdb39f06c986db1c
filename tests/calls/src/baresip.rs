//! baresip as a phone: a real softphone with a real audio path, without a screen or a sound card.
//!
//! It speaks from a WAV file (`aufile`), what it decodes is written to another (`sndfile`; `aubridge` stands in for the
//! loudspeaker, because without a player nothing is decoded), and it is driven over `ctrl_tcp` (JSON in netstrings).

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::chirp::Voice;
use crate::ports::Ports;
use crate::process::{Process, tail};
use crate::wait;
use crate::wav::{self, Sound};

/// How long an event may take.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Longer than any call of a test: at the end of its file, baresip falls silent.
const SPEECH_S: f64 = 90.0;

/// A codec as baresip names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 16 kHz.
    G722,
    /// Opus at 48 kHz.
    Opus,
}

impl Codec {
    fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU/8000/1",
            Self::Pcma => "PCMA/8000/1",
            Self::G722 => "G722/16000/1",
            Self::Opus => "opus/48000/2",
        }
    }

    fn rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 => 16_000,
            Self::Opus => 48_000,
        }
    }
}

/// How a phone is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its number.
    pub user: String,
    /// Its SIP password; `None` for a phone that does not register.
    pub password: Option<String>,
    /// Where it registers and sends its calls; its own address when it does not register.
    pub server: Option<SocketAddr>,
    /// Over TCP in place of UDP.
    pub tcp: bool,
    /// Over TLS, and whose certificate is believed.
    pub tls: Option<PathBuf>,
    /// What it says.
    pub voice: Voice,
    /// The codecs it offers, best first; its audio runs at the rate of the first.
    pub codecs: Vec<Codec>,
    /// Takes every call at once.
    pub answers: bool,
    /// Takes and offers only encrypted audio, with keys in the session description.
    pub srtp: bool,
}

impl Setup {
    /// A registered phone on UDP that speaks G.711 µ-law.
    #[must_use]
    pub fn registered(user: &str, password: &str, server: SocketAddr, voice: Voice) -> Self {
        Self {
            user: user.to_owned(),
            password: Some(password.to_owned()),
            server: Some(server),
            tcp: false,
            tls: None,
            voice,
            codecs: vec![Codec::Pcmu],
            answers: false,
            srtp: false,
        }
    }
}

/// A running phone.
#[derive(Debug)]
pub struct Baresip {
    process: Process,
    control: TcpStream,
    events: Arc<Mutex<Vec<Value>>>,
    folder: PathBuf,
    address: SocketAddr,
    tokens: u32,
}

impl Baresip {
    /// Starts it with its files in a folder of its own under `folder`, and waits until it can be driven and, if it has a
    /// password, is registered.
    ///
    /// # Errors
    /// When baresip is missing, refuses its configuration, or cannot register.
    pub fn start(ports: &Ports, folder: &Path, setup: &Setup) -> Result<Self> {
        // baresip takes the port above its SIP port for TLS.
        let sip_port = ports.many(2)?;
        let address = SocketAddr::from(([127, 0, 0, 1], sip_port));
        let control_port = ports.one()?;
        let folder = folder.join(format!("baresip-{}-{sip_port}", setup.user));
        std::fs::create_dir_all(&folder).context("no folder for baresip")?;
        let rate = setup.codecs.first().context("a phone needs a codec")?.rate();
        wav::write(&folder.join("speech.wav"), &Sound::mono(rate, setup.voice.speak(rate, SPEECH_S)))?;
        std::fs::write(
            folder.join("config"),
            configuration(&folder, address, control_port, ports.many(20)?, rate) + &trust(setup),
        )?;
        std::fs::write(folder.join("accounts"), account(setup, address))?;
        std::fs::write(folder.join("contacts"), "")?;

        let mut process = Process::start(Command::new("baresip").arg("-f").arg(&folder), &folder.join("log"))?;
        let control = wait::until("baresip's control port", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "baresip ended: {}", tail(&process.output()));
            Ok(TcpStream::connect(("127.0.0.1", control_port)).ok())
        })?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let (reading, read) = (control.try_clone()?, Arc::clone(&events));
        std::thread::spawn(move || read_events(reading, &read));
        let mut phone = Self { process, control, events, folder, address, tokens: 0 };
        if setup.password.is_some() {
            // The account registers while the phone starts, so the event may be past: ask until it says so.
            wait::until(&format!("the registration of {}", setup.user), PATIENCE, || {
                let failed = phone.process.output().contains("registration failed");
                ensure!(!failed, "{} cannot register: {}", setup.user, tail(&phone.process.output()));
                let told = phone.command("reginfo", "")?;
                Ok(told.contains("OK ").then_some(()))
            })?;
        }
        Ok(phone)
    }

    /// Its SIP address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Gives a command of baresip's menu (`dial`, `accept`, `hangup`, `hold`, `resume`, `sndcode`...) and returns its words.
    ///
    /// # Errors
    /// When it is refused or nothing is said to it.
    pub fn command(&mut self, name: &str, parameters: &str) -> Result<String> {
        self.tokens += 1;
        let token = format!("t{}", self.tokens);
        let message = json!({"command": name, "params": parameters, "token": token}).to_string();
        let framed = format!("{}:{message},", message.len());
        self.control.write_all(framed.as_bytes()).context("baresip's control connection is gone")?;
        let answer = wait::until(&format!("an answer to {name}"), PATIENCE, || {
            let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(events.iter().find(|event| event["token"] == token.as_str()).cloned())
        })?;
        let said = answer["data"].as_str().unwrap_or_default().to_owned();
        ensure!(answer["ok"] == true, "baresip refused {name}: {said}");
        Ok(said)
    }

    /// Calls `number` at the server it registered with, or the full URI given.
    ///
    /// # Errors
    /// When baresip refuses.
    pub fn dial(&mut self, number: &str) -> Result<()> {
        self.command("dial", number).map(drop)
    }

    /// Takes the call that rings.
    ///
    /// # Errors
    /// When none rings.
    pub fn accept(&mut self) -> Result<()> {
        self.command("accept", "").map(drop)
    }

    /// Ends the call.
    ///
    /// # Errors
    /// When there is none.
    pub fn hang_up(&mut self) -> Result<()> {
        self.command("hangup", "").map(drop)
    }

    /// Events of one kind that came so far (`CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED`, ...).
    #[must_use]
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|event| event["type"] == kind).cloned().collect()
    }

    /// Waits until an event of this kind has come `times` times since the start; returns the last.
    ///
    /// # Errors
    /// When it does not come.
    pub fn wait_for(&self, kind: &str, times: usize) -> Result<Value> {
        let seen = wait::until(&format!("{kind} at {}", self.address), PATIENCE, || {
            Ok(self.events(kind).into_iter().nth(times - 1))
        });
        seen.with_context(|| format!("baresip said last: {}", tail(&self.output())))
    }

    /// Everything it decoded, one sound each time its audio was started, in that order. Complete once the call is over.
    ///
    /// # Errors
    /// When a file is torn.
    pub fn heard(&self) -> Result<Vec<Sound>> {
        self.dumps()?.iter().map(|path| wav::read(path)).collect()
    }

    /// How many seconds it has decoded so far since its audio was last started, while the call still goes on.
    ///
    /// # Errors
    /// When its folder is gone.
    pub fn heard_s(&self) -> Result<f64> {
        const HEADER: usize = 44;
        let bytes = self.dumps()?.last().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let Some(head) = bytes.first_chunk::<HEADER>() else { return Ok(0.0) };
        let channels = u16::from_le_bytes([head[22], head[23]]);
        let rate = u32::from_le_bytes([head[24], head[25], head[26], head[27]]);
        Ok((bytes.len() - HEADER) as f64 / 2.0 / f64::from(channels) / f64::from(rate))
    }

    /// Waits until it has decoded `seconds` since its audio was last started.
    ///
    /// # Errors
    /// When it does not.
    pub fn wait_until_heard(&self, seconds: f64) -> Result<()> {
        let at_most = PATIENCE + Duration::from_secs_f64(seconds);
        let heard = wait::until("speech", at_most, || Ok((self.heard_s()? >= seconds).then_some(())));
        heard.with_context(|| format!("baresip said last: {}", tail(&self.output())))
    }

    fn dumps(&self) -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.folder).context("baresip's folder is gone")?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.to_string_lossy().ends_with("-dec.wav"));
        files.sort();
        Ok(files)
    }

    /// Ends it as a user would.
    ///
    /// # Errors
    /// When it hangs.
    pub fn quit(mut self) -> Result<()> {
        self.process.terminate(PATIENCE).map(drop)
    }
}

fn account(setup: &Setup, own: SocketAddr) -> String {
    let host = setup.server.unwrap_or(own);
    let transport = match (&setup.tls, setup.tcp) {
        (Some(_), _) => ";transport=tls",
        (None, true) => ";transport=tcp",
        (None, false) => "",
    };
    let codecs: Vec<&str> = setup.codecs.iter().map(|codec| codec.name()).collect();
    let answer = if setup.answers { "auto" } else { "manual" };
    let registration = match &setup.password {
        Some(password) => format!("auth_user={};auth_pass={password};regint=120", setup.user),
        None => "regint=0".to_owned(),
    };
    let encryption = if setup.srtp { ";mediaenc=srtp-mand" } else { "" };
    format!(
        "<sip:{}@{host}{transport}>;{registration};answermode={answer}{encryption};audio_codecs={}\n",
        setup.user,
        codecs.join(",")
    )
}

fn trust(setup: &Setup) -> String {
    setup.tls.as_ref().map_or_else(String::new, |ca| format!("sip_cafile {}\n", ca.display()))
}

fn configuration(folder: &Path, address: SocketAddr, control_port: u16, rtp_port: u16, rate: u32) -> String {
    let folder = folder.display();
    let modules = ["g711.so", "g722.so", "opus.so", "aufile.so", "aubridge.so", "sndfile.so", "srtp.so"];
    let modules: String = modules.iter().map(|name| format!("module {name}\n")).collect();
    format!(
        "poll_method epoll\nsip_listen {address}\nnet_interface {host}\ncall_local_timeout 120\ncall_max_calls 4\n\
         audio_player aubridge,speaker\naudio_alert aubridge,bell\naudio_source aufile,{folder}/speech.wav\n\
         ausrc_srate {rate}\nauplay_srate {rate}\nausrc_channels 1\nauplay_channels 1\naudio_level no\n\
         ausrc_format s16\nauplay_format s16\nauenc_format s16\naudec_format s16\n\
         rtp_ports {rtp_port}-{rtp_last}\nrtp_stats yes\njitter_buffer_delay 1-5\n\
         module_path /usr/lib/baresip/modules\n{modules}module_tmp uuid.so\nmodule_tmp account.so\n\
         module_app menu.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control_port}\nsnd_path {folder}\n",
        host = address.ip(),
        rtp_last = rtp_port + 19,
    )
}

/// Reads netstrings of JSON (`12:{"event":..},`) until the connection ends.
fn read_events(mut control: TcpStream, events: &Mutex<Vec<Value>>) {
    let mut unread = Vec::new();
    let mut bytes = [0; 16_384];
    while let Ok(length @ 1..) = control.read(&mut bytes) {
        unread.extend(&bytes[..length]);
        while let Some(value) = take_netstring(&mut unread) {
            events.lock().unwrap_or_else(PoisonError::into_inner).push(value);
        }
    }
}

fn take_netstring(unread: &mut Vec<u8>) -> Option<Value> {
    let colon = unread.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&unread[..colon]).ok()?.parse().ok()?;
    let value = serde_json::from_slice(unread.get(colon + 1..colon + 1 + length)?).unwrap_or(Value::Null);
    unread.get(colon + 1 + length)?;
    unread.drain(..colon + 2 + length);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_cut_out_of_a_stream() {
        let mut unread = b"8:{\"a\": 1},2:{},9:{".to_vec();
        assert_eq!(take_netstring(&mut unread), Some(json!({"a": 1})));
        assert_eq!(take_netstring(&mut unread), Some(json!({})));
        assert_eq!(take_netstring(&mut unread), None);
    }
}
