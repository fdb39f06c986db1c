//! Between the switch and the media threads: commands one way, events the other.
//!
//! Runs on the writer's thread and never blocks. A command that the media side has no room for ends in the event
//! that the switch waits for, so that nothing is waited for in vain.

pub mod figures;
mod music;
pub mod translate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hooks::fact::MediaQuality;
use hooks::id::{RecordingId, TenantId};
use media::{
    Channels, Codec, Command, EdgeGain, Event, Hear, OpenBrowser, OpenEndpoint, PlayerId, Playlist, Prompt, RecordRate,
    RecorderId, StartRecorder,
};
use media_io::{BrowserPorts, MediaHandle};
use switch::media::{Agreement, EndpointId, IceCredentials, MediaCommand, MediaEvent, RecordingOutcome, Sound, Source};

use crate::gauge;
use crate::prompts::PromptLibrary;
use crate::recorder::Recorder;
use crate::writer::Inbox;
use music::MusicOnHold;
pub use translate::SessionDefaults;
use translate::{endpoint, endpoint_back};

/// The writer's way to the media threads.
pub struct MediaBridge {
    media: MediaHandle,
    recorder: Recorder,
    inbox: Inbox,
    defaults: SessionDefaults,
    prompts: Arc<PromptLibrary>,
    /// Sounds that are being played: one player each, for all who hear them.
    sounds: BTreeSet<Sound>,
    music: MusicOnHold,
    /// What was agreed on an endpoint decides at which rate it is recorded.
    codecs: BTreeMap<EndpointId, Vec<Codec>>,
    recorders: BTreeMap<RecordingId, RecorderId>,
    next_recorder: u64,
    /// First sequence numbers and SSRCs shall not be guessed (RFC 3550 §5.1).
    random: sip::random::Random,
}

impl MediaBridge {
    /// Starts the media threads; what they report goes to the inbox.
    ///
    /// # Errors
    /// The system gives no thread, or not the ports for browsers.
    pub fn start(
        recorder: Recorder,
        prompts: Arc<PromptLibrary>,
        inbox: Inbox,
        defaults: SessionDefaults,
        browsers: Option<BrowserPorts>,
        seed: [u8; 32],
    ) -> anyhow::Result<Self> {
        let events = inbox.clone();
        let media = media_io::start(Arc::new(move |event| report(&events, &event)), browsers)
            .context("cannot start the media threads")?;
        Ok(Self {
            media,
            recorder,
            inbox,
            defaults,
            prompts,
            sounds: BTreeSet::new(),
            music: MusicOnHold::default(),
            codecs: BTreeMap::new(),
            recorders: BTreeMap::new(),
            next_recorder: 1,
            random: sip::random::Random::from_seed(seed),
        })
    }

    /// Shows how late the media threads met their deadlines, as a histogram of `/metrics` has it: each count holds those before.
    pub fn show_lateness(&self) {
        let bounds = media_io::LATENESS_US.iter().map(|us| format!("{}", Duration::from_micros(*us).as_secs_f64()));
        let mut met = 0;
        for (le, more) in bounds.chain(["+Inf".to_owned()]).zip(self.media.lateness()) {
            met += more;
            metrics::counter!("switchboard_media_deadlines_total", "le" => le).absolute(met);
        }
    }

    /// Shows how full the tables of the media threads are.
    pub fn show_sizes(&self) {
        let sizes = self.media.sizes();
        let gauges = [
            ("switchboard_media_endpoints", sizes.endpoints),
            ("switchboard_media_browsers", sizes.browsers),
            ("switchboard_media_browser_fragments", sizes.browser_fragments),
            ("switchboard_media_browser_addresses", sizes.browser_addresses),
            ("switchboard_media_players", sizes.players),
            ("switchboard_media_recorders", sizes.recorders),
        ];
        for (name, value) in gauges {
            gauge::set(name, value);
        }
    }

    /// Passes a command on.
    pub fn send(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Open { endpoint, bind, port } => self.open(endpoint, bind, port),
            MediaCommand::OpenBrowser { endpoint, local } => self.open_browser(endpoint, &local),
            MediaCommand::RestartIce { endpoint: id, local } => {
                self.pass(Command::RestartIce { endpoint: endpoint(id), local: translate::credentials(&local) });
            }
            MediaCommand::Agree { endpoint, agreement } => self.agree(endpoint, &agreement),
            MediaCommand::Hear { endpoint, tenant, sources } => self.hear(endpoint, &tenant, &sources),
            MediaCommand::SetGain { endpoint: sink, source, gain } => {
                if let Some(source) = self.source(sink, source) {
                    self.pass(Command::SetGain(EdgeGain { sink: endpoint(sink), source, gain: translate::gain(gain) }));
                }
            }
            MediaCommand::SendDigits { endpoint: id, digits } => {
                self.pass(Command::SendDigits { endpoint: endpoint(id), digits });
            }
            MediaCommand::DetectKeys { endpoint: id, detect } => {
                self.pass(Command::DetectKeys { endpoint: endpoint(id), detect: translate::detect(detect) });
            }
            MediaCommand::DetectVoice { endpoint: id, detect } => {
                self.pass(Command::DetectVoice { endpoint: endpoint(id), detect: translate::detect(detect) });
            }
            MediaCommand::Play { player, tenant, language, parts, repeat } => {
                let playlist = self.prompts.playlist(&tenant, language, &parts, repeat);
                let start = Command::StartPlayer { player: translate::player(player), playlist };
                self.pass_or(start, MediaEvent::Played(player));
            }
            MediaCommand::PlayAudio { player, audio } => {
                let playlist = Playlist::once(vec![Prompt::Clip(self.prompts.clip_of(audio.0))]);
                let start = Command::StartPlayer { player: translate::player(player), playlist };
                self.pass_or(start, MediaEvent::Played(player));
            }
            MediaCommand::StopPlaying(player) => self.pass(Command::StopPlayer(translate::player(player))),
            MediaCommand::Record { recording, path, left, right } => self.record(recording, &path, &left, &right),
            MediaCommand::RecordFrom { recording, left, right, said_to } => self.to_recorder(recording, |recorder| {
                let said_to = said_to.map(endpoint);
                Command::RecordFrom { recorder, channels: Channels { said_to, ..translate::channels(&left, &right) } }
            }),
            MediaCommand::PauseRecording(recording) => self.to_recorder(recording, Command::PauseRecorder),
            MediaCommand::ResumeRecording(recording) => self.to_recorder(recording, Command::ResumeRecorder),
            MediaCommand::StopRecording(recording) => {
                if let Some(recorder) = self.recorders.remove(&recording) {
                    self.pass(Command::StopRecorder(recorder));
                }
            }
            MediaCommand::Close(id) => {
                self.codecs.remove(&id);
                self.music.leave(id);
                let quality = MediaQuality::default();
                self.pass_or(Command::Close(endpoint(id)), MediaEvent::Closed { endpoint: id, quality });
            }
        }
    }

    /// The outcome of a recording is in the journal.
    pub fn confirm(&self, recording: RecordingId) {
        self.recorder.confirm(recording);
    }

    fn open(&mut self, id: EndpointId, bind: IpAddr, port: u16) {
        let open = OpenEndpoint {
            endpoint: endpoint(id),
            rtp: SocketAddr::new(bind, port),
            rtcp: SocketAddr::new(bind, port.saturating_add(1)),
            seed: self.random.next_u64(),
        };
        self.pass_or(Command::Open(open), MediaEvent::BindFailed(id));
    }

    fn open_browser(&mut self, id: EndpointId, local: &IceCredentials) {
        let (endpoint, local) = (endpoint(id), translate::credentials(local));
        let open = OpenBrowser { endpoint, local, seed: self.random.next_u64() };
        self.pass_or(Command::OpenBrowser(open), MediaEvent::BindFailed(id));
    }

    fn agree(&mut self, id: EndpointId, agreement: &Agreement) {
        let session = translate::session(agreement, &self.defaults);
        let codecs = session.formats.iter().map(|format| format.codec.clone()).take(1).collect();
        self.codecs.insert(id, codecs);
        self.pass(Command::Configure { endpoint: endpoint(id), session });
    }

    fn hear(&mut self, id: EndpointId, tenant: &TenantId, sources: &[Source]) {
        if sources.contains(&Source::Sound(Sound::HoldMusic)) {
            let clip = self.prompts.hold_music(tenant);
            if let Some(player) = self.music.hear(id, clip.name) {
                self.pass(Command::StartPlayer { player, playlist: Playlist::forever(Prompt::Loop(clip)) });
            }
        } else {
            self.music.leave(id);
        }
        let sources = sources.iter().filter_map(|source| self.source(id, *source)).collect();
        self.pass(Command::Hear(Hear { sink: endpoint(id), sources }));
        for player in self.music.take_ended(|clip| self.prompts.is_hold_music(clip)) {
            self.pass(Command::StopPlayer(player));
        }
    }

    /// What `sink` hears there; `None` for music where it was given none.
    fn source(&mut self, sink: EndpointId, source: Source) -> Option<media::Source> {
        Some(match source {
            Source::Endpoint(other) => media::Source::Endpoint(endpoint(other)),
            Source::Sound(sound) => media::Source::Player(self.sound(sink, sound)?),
            Source::Player(player) => media::Source::Player(translate::player(player)),
        })
    }

    /// One player a sound, begun when it is first wanted; those who hear it hear it at its current position.
    fn sound(&mut self, sink: EndpointId, sound: Sound) -> Option<PlayerId> {
        let Some(tone) = translate::tone(sound) else { return self.music.heard_by(sink) };
        let player = translate::sound_player(sound, 0);
        if self.sounds.insert(sound) {
            self.pass(Command::StartPlayer { player, playlist: Playlist::forever(tone) });
        }
        Some(player)
    }

    fn record(&mut self, recording: RecordingId, path: &str, left: &[EndpointId], right: &[EndpointId]) {
        let legs = left.iter().chain(right);
        let rate = RecordRate::for_codecs(legs.filter_map(|leg| self.codecs.get(leg)).flatten());
        // The tenant is the first folder of the path.
        let tenant = path.split('/').next().unwrap_or_default();
        let sink = match self.recorder.begin(tenant, recording, rate) {
            Ok(sink) => sink,
            Err(error) => {
                let outcome = RecordingOutcome::Failed { reason: error.to_string() };
                return self.inbox.media(MediaEvent::Recorded { recording, outcome });
            }
        };
        let recorder = RecorderId(self.next_recorder);
        self.next_recorder += 1;
        self.recorders.insert(recording, recorder);
        let start = StartRecorder { recorder, channels: translate::channels(left, right), rate, sink };
        self.pass(Command::StartRecorder(start));
    }

    /// An order about a recording that could begin.
    fn to_recorder(&self, recording: RecordingId, order: impl FnOnce(RecorderId) -> Command) {
        if let Some(recorder) = self.recorders.get(&recording) {
            self.pass(order(*recorder));
        }
    }

    /// Sound is wanting where the media threads have no room for a command; nobody waits for its end.
    fn pass(&self, command: Command) {
        if let Err(error) = self.media.send(command) {
            tracing::warn!(%error, "a media command was dropped");
        }
    }

    /// As [`Self::pass`] for a command whose end the switch waits for: it is told `otherwise` where there is no room.
    fn pass_or(&self, command: Command, otherwise: MediaEvent) {
        if let Err(error) = self.media.send(command) {
            tracing::warn!(%error, "a media command was dropped");
            self.inbox.media(otherwise);
        }
    }
}

/// Runs on the media threads.
fn report(inbox: &Inbox, event: &Event) {
    match event {
        Event::OpenFailed { endpoint, reason } => {
            tracing::warn!(%reason, "an endpoint cannot be opened");
            inbox.media(MediaEvent::BindFailed(endpoint_back(*endpoint)));
        }
        Event::Digit(pressed) => {
            inbox.media(MediaEvent::Digit { endpoint: endpoint_back(pressed.endpoint), digit: pressed.digit });
        }
        Event::Voice { endpoint, activity } => {
            let (endpoint, activity) = (endpoint_back(*endpoint), translate::activity(*activity));
            inbox.media(MediaEvent::Voice { endpoint, activity });
        }
        Event::TimedOut { endpoint } => inbox.media(MediaEvent::Silent(endpoint_back(*endpoint))),
        Event::BrowserGone { endpoint, reason } => {
            let (endpoint, reason) = (endpoint_back(*endpoint), translate::loss(*reason));
            inbox.media(MediaEvent::BrowserGone { endpoint, reason });
        }
        Event::Measured { sample, .. } => figures::show(sample),
        Event::Closed { endpoint, stats, timeline } => {
            let quality = translate::quality(stats, timeline.as_ref());
            inbox.media(MediaEvent::Closed { endpoint: endpoint_back(*endpoint), quality });
        }
        // The end of a sound never comes: it is for ever.
        Event::PlayerEnded { player } => inbox.media(MediaEvent::Played(translate::player_back(*player))),
        // The switch may close an endpoint while a command about it is on its way.
        Event::Refused { reason } => tracing::debug!(%reason, "the media threads refused a command"),
        // The file's writer reports a recording's end, once it is on disk.
        Event::Opened { .. } | Event::SourceLocked { .. } | Event::RecordingStopped { .. } => {}
    }
}
