//! Who hears whom: the switch's media commands applied to the real graph, and what must hold of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use dialplan::say::{Part, Repeat};
use media::{Channels, EdgeGain, EndpointId, Gain, Graph, Hear, PlayerId, RecorderId, Source};
use switch::media::{Activity, Agreement, Detect, MediaCommand, MediaEvent, RecordingOutcome, Sound};

/// An endpoint as the media side knows it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its RTP port; `None` for a browser's.
    pub port: Option<u16>,
    /// What was agreed last.
    pub agreement: Option<Agreement>,
    /// Keys are listened for in its sound.
    pub detects: bool,
}

/// The media side of the simulated node.
#[derive(Debug, Default)]
pub struct Ears {
    graph: Graph,
    endpoints: BTreeMap<u64, Endpoint>,
    recordings: BTreeMap<hooks::id::RecordingId, RecorderId>,
    /// Those of conferences.
    of_rooms: BTreeSet<hooks::id::RecordingId>,
    ever_opened: BTreeSet<u64>,
    ever_played: BTreeSet<switch::media::PlayerId>,
    /// Could not be bound; true once the switch was told.
    unbound: BTreeMap<u64, bool>,
    /// Recordings of whose last order nothing came, since it named such ports.
    behind: BTreeSet<hooks::id::RecordingId>,
    next_recorder: u64,
}

/// Players of the switch are named from here on.
const PLAYERS_FROM: u64 = 1_000;

const SOUNDS: [Sound; 3] = [Sound::RingbackCn, Sound::RingbackUs, Sound::HoldMusic];

impl Ears {
    /// Nothing open; every sound can be heard.
    #[must_use]
    pub fn new() -> Self {
        let mut ears = Self::default();
        for sound in SOUNDS {
            ears.graph.add_player(player(sound)).expect("each sound is named once");
        }
        ears
    }

    /// The next endpoint cannot be bound: somebody else has its ports.
    ///
    /// # Errors
    /// The command makes no sense: a bug of the switch.
    pub fn cannot_bind(&mut self, endpoint: switch::media::EndpointId, port: u16) -> Result<MediaEvent, String> {
        self.check_new(endpoint.0, port)?;
        self.unbound.insert(endpoint.0, false);
        Ok(MediaEvent::BindFailed(endpoint))
    }

    /// The switch was told.
    pub fn told(&mut self, event: &MediaEvent) {
        if let MediaEvent::BindFailed(endpoint) = event {
            self.unbound.insert(endpoint.0, true);
        }
        if let MediaEvent::Played(player) = event {
            self.stop_playing(*player);
        }
    }

    /// A recording is going to be one of a conference.
    pub fn will_record_room(&mut self, recording: hooks::id::RecordingId) {
        self.of_rooms.insert(recording);
    }

    /// One of the running recordings fails: the disk is full.
    pub fn fail_recording(&mut self) -> Option<MediaEvent> {
        let recording = *self.recordings.keys().next()?;
        self.stop_recording(recording)?;
        let outcome = RecordingOutcome::Failed { reason: "no space left".to_owned() };
        Some(MediaEvent::Recorded { recording, outcome })
    }

    /// The endpoint that speaks to that address.
    #[must_use]
    pub fn speaks_to(&self, address: SocketAddr) -> Option<u64> {
        let agreed = |endpoint: &Endpoint| endpoint.agreement.as_ref().and_then(|agreement| agreement.remote_rtp);
        self.endpoints.iter().find(|(_, endpoint)| agreed(endpoint) == Some(address)).map(|(id, _)| *id)
    }

    /// Whether an endpoint is agreed to receive nothing.
    #[must_use]
    pub fn some_are_silent_by_agreement(&self) -> bool {
        self.endpoints.values().filter_map(|endpoint| endpoint.agreement.as_ref()).any(|agreed| !agreed.flows.receive)
    }

    /// The endpoints that should receive, and from where.
    pub fn expecting(&self) -> impl Iterator<Item = (u64, SocketAddr)> + '_ {
        self.endpoints.iter().filter_map(|(id, endpoint)| {
            let agreement = endpoint.agreement.as_ref().filter(|agreement| agreement.flows.receive)?;
            Some((*id, agreement.remote_rtp?))
        })
    }

    /// Obeys a command; gives what the media side reports at once.
    ///
    /// # Errors
    /// The command makes no sense: a bug of the switch.
    pub fn obey(&mut self, command: &MediaCommand) -> Result<Vec<MediaEvent>, String> {
        let names_unbound = self.names_unbound(command);
        if let MediaCommand::Record { recording, .. } | MediaCommand::RecordFrom { recording, .. } = command {
            self.behind.remove(recording);
            if names_unbound == Some(false) {
                self.behind.insert(*recording);
            }
        }
        if let Some(told) = names_unbound {
            // Commands that were under way before the switch knew mean nothing.
            return if told { Err(format!("{command:?} on ports that could not be bound")) } else { Ok(Vec::new()) };
        }
        match command {
            MediaCommand::Open { endpoint, port, .. } => self.open(endpoint.0, *port).map(|()| Vec::new()),
            MediaCommand::OpenBrowser { endpoint, .. } => self.open_browser(endpoint.0).map(|()| Vec::new()),
            MediaCommand::RestartIce { endpoint, .. } => {
                let known = self.endpoints.get(&endpoint.0).is_some_and(|endpoint| endpoint.port.is_none());
                if known { Ok(Vec::new()) } else { Err(format!("{command:?} on what is no browser's endpoint")) }
            }
            MediaCommand::Agree { endpoint, agreement } => {
                let known = self.endpoints.get_mut(&endpoint.0).ok_or(format!("{command:?} on a closed endpoint"))?;
                known.agreement = Some(agreement.clone());
                Ok(Vec::new())
            }
            MediaCommand::Hear { endpoint, sources, .. } => {
                // Nothing comes from ports that could not be bound, which the switch does not know yet.
                let sources =
                    sources.iter().filter(|source| !self.is_unbound_unknown(source)).map(self::source).collect();
                let hear = Hear { sink: EndpointId(endpoint.0), sources };
                self.graph.hear(&hear).map_err(|refusal| format!("{command:?}: {refusal}"))?;
                Ok(Vec::new())
            }
            MediaCommand::PlayAudio { player, .. } => {
                Err(format!("{player:?} plays a message, and nobody here listens to any"))
            }
            MediaCommand::Play { player, parts, repeat, .. } => self.play(*player, parts, *repeat),
            MediaCommand::StopPlaying(player) => {
                self.stop_playing(*player);
                Ok(Vec::new())
            }
            MediaCommand::SetGain { .. } => self.set_gain(command),
            MediaCommand::DetectKeys { endpoint, detect } => {
                let known = self.endpoints.get_mut(&endpoint.0).ok_or(format!("{command:?} on a closed endpoint"))?;
                known.detects = *detect == Detect::On;
                Ok(Vec::new())
            }
            MediaCommand::DetectVoice { endpoint, detect } => self.listen(*endpoint, *detect),
            MediaCommand::SendDigits { endpoint, .. } => {
                self.endpoints.get(&endpoint.0).ok_or(format!("{command:?} on a closed endpoint"))?;
                Ok(Vec::new())
            }
            MediaCommand::Record { recording, left, right, .. } => {
                self.next_recorder += 1;
                let recorder = RecorderId(self.next_recorder);
                self.graph
                    .add_recorder(recorder, &channels(left, right))
                    .map_err(|refusal| format!("{command:?}: {refusal}"))?;
                self.recordings.insert(*recording, recorder);
                Ok(Vec::new())
            }
            MediaCommand::RecordFrom { recording, left, right, said_to } => {
                self.with_recorder(*recording, |graph, recorder| {
                    let said_to = said_to.map(|id| EndpointId(id.0));
                    let channels = Channels { said_to, ..channels(left, right) };
                    graph.record_from(recorder, &channels).map_err(|refusal| format!("{command:?}: {refusal}"))
                })
            }
            MediaCommand::PauseRecording(recording) => self.pause_recording(*recording, true),
            MediaCommand::ResumeRecording(recording) => self.pause_recording(*recording, false),
            MediaCommand::StopRecording(recording) => Ok(self.stop_recording(*recording).into_iter().collect()),
            MediaCommand::Close(endpoint) => self.close(*endpoint),
        }
    }

    /// Everybody has something to say.
    fn listen(&self, endpoint: switch::media::EndpointId, detect: Detect) -> Result<Vec<MediaEvent>, String> {
        self.endpoints.get(&endpoint.0).ok_or("a voice is listened for on a closed endpoint")?;
        let speaks = MediaEvent::Voice { endpoint, activity: Activity::Speech };
        Ok(if detect == Detect::On { vec![speaks] } else { Vec::new() })
    }

    fn set_gain(&mut self, command: &MediaCommand) -> Result<Vec<MediaEvent>, String> {
        let MediaCommand::SetGain { endpoint, source, gain } = command else { return Ok(Vec::new()) };
        if self.is_unbound_unknown(source) {
            return Ok(Vec::new());
        }
        let (sink, source) = (EndpointId(endpoint.0), self::source(source));
        let edge = EdgeGain { sink, source, gain: Gain::from_db(f32::from(gain.db())) };
        self.graph.set_gain(&edge).map_err(|refusal| format!("{command:?}: {refusal}"))?;
        Ok(Vec::new())
    }

    /// The ports in use.
    #[must_use]
    pub fn endpoint_at(&self, port: u16) -> Option<u64> {
        self.endpoints.iter().find(|(_, endpoint)| endpoint.port == Some(port)).map(|(id, _)| *id)
    }

    /// The endpoint of that name.
    #[must_use]
    pub fn endpoint(&self, id: u64) -> Option<&Endpoint> {
        self.endpoints.get(&id)
    }

    /// What an endpoint hears.
    #[must_use]
    pub fn heard_by(&self, id: u64) -> Vec<Source> {
        self.graph.heard_by(EndpointId(id)).collect()
    }

    /// Whether keys that are pressed at the far end come to the switch: as events, or as sounds where those are listened for.
    #[must_use]
    pub fn hears_keys_of(&self, id: u64) -> bool {
        self.endpoints.get(&id).is_some_and(|endpoint| {
            let events = endpoint.agreement.as_ref().is_some_and(|agreed| !agreed.telephone_events.is_empty());
            events || endpoint.detects
        })
    }

    /// Whom a recording takes in that runs.
    #[must_use]
    pub fn recorded(&self, recording: hooks::id::RecordingId) -> Option<&Channels> {
        let recorder = self.recordings.get(&recording)?;
        self.graph.recorder(*recorder).map(|recorded| &recorded.channels)
    }

    /// Endpoints about which nothing is agreed yet.
    pub fn not_agreed(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.endpoints.iter().filter(|(_, endpoint)| endpoint.agreement.is_none()).map(|(id, _)| EndpointId(*id))
    }

    /// Whether the last order of whom a recording takes in named ports that could not be bound, which the switch does not know yet: it
    /// means nothing, and another one follows once it knows.
    #[must_use]
    pub fn is_behind(&self, recording: hooks::id::RecordingId) -> bool {
        self.behind.contains(&recording) && self.unbound.values().any(|told| !told)
    }

    /// Whether that is something said to somebody: no voice, and no music.
    #[must_use]
    pub fn is_said(source: Source) -> bool {
        matches!(source, Source::Player(PlayerId(id)) if id >= PLAYERS_FROM)
    }

    /// What hold music is in the graph.
    #[must_use]
    pub fn hold_music() -> Source {
        Source::Player(player(Sound::HoldMusic))
    }

    /// What who waits for a phone that rings hears in every world.
    #[must_use]
    pub fn ringback() -> Source {
        Source::Player(player(Sound::RingbackCn))
    }

    /// Open endpoints, running recordings and players: none may be left when all calls are over.
    #[must_use]
    pub fn left_over(&self) -> usize {
        let players = self.ever_played.iter().filter(|player| self.graph.has_player(PlayerId(PLAYERS_FROM + player.0)));
        self.endpoints.len() + self.recordings.len() + players.count()
    }

    fn is_unbound_unknown(&self, source: &switch::media::Source) -> bool {
        match source {
            switch::media::Source::Endpoint(id) => self.unbound.get(&id.0) == Some(&false),
            switch::media::Source::Sound(_) | switch::media::Source::Player(_) => false,
        }
    }

    fn names_unbound(&self, command: &MediaCommand) -> Option<bool> {
        let named = |ids: &[switch::media::EndpointId]| ids.iter().find_map(|id| self.unbound.get(&id.0).copied());
        match command {
            MediaCommand::Agree { endpoint, .. }
            | MediaCommand::RestartIce { endpoint, .. }
            | MediaCommand::Hear { endpoint, .. }
            | MediaCommand::SetGain { endpoint, .. }
            | MediaCommand::DetectKeys { endpoint, .. }
            | MediaCommand::DetectVoice { endpoint, .. }
            | MediaCommand::SendDigits { endpoint, .. }
            | MediaCommand::Close(endpoint) => named(&[*endpoint]),
            MediaCommand::Record { left, right, .. } | MediaCommand::RecordFrom { left, right, .. } => {
                named(left).or(named(right))
            }
            MediaCommand::Open { .. }
            | MediaCommand::OpenBrowser { .. }
            | MediaCommand::PauseRecording(_)
            | MediaCommand::ResumeRecording(_)
            | MediaCommand::StopRecording(_)
            | MediaCommand::Play { .. }
            | MediaCommand::PlayAudio { .. }
            | MediaCommand::StopPlaying(_) => None,
        }
    }

    fn check_new(&mut self, id: u64, port: u16) -> Result<(), String> {
        if !port.is_multiple_of(2) {
            return Err(format!("endpoint {id} was given the odd port {port}"));
        }
        if let Some(other) = self.endpoint_at(port) {
            return Err(format!("endpoint {id} was given port {port} of endpoint {other}"));
        }
        self.check_new_name(id)
    }

    fn check_new_name(&mut self, id: u64) -> Result<(), String> {
        if !self.ever_opened.insert(id) {
            return Err(format!("endpoint {id} was opened twice"));
        }
        Ok(())
    }

    fn open(&mut self, id: u64, port: u16) -> Result<(), String> {
        self.check_new(id, port)?;
        self.add(id, Some(port))
    }

    fn open_browser(&mut self, id: u64) -> Result<(), String> {
        self.check_new_name(id)?;
        self.add(id, None)
    }

    fn add(&mut self, id: u64, port: Option<u16>) -> Result<(), String> {
        self.graph.add_endpoint(EndpointId(id)).map_err(|refusal| refusal.to_string())?;
        self.endpoints.insert(id, Endpoint { port, agreement: None, detects: false });
        Ok(())
    }

    fn close(&mut self, endpoint: switch::media::EndpointId) -> Result<Vec<MediaEvent>, String> {
        if self.endpoints.remove(&endpoint.0).is_none() {
            return Err(format!("endpoint {} was closed twice", endpoint.0));
        }
        // A recording of two would go on with silence in a channel; one of a room goes on with the others.
        let of_two = |recorder: &RecorderId| !self.of_rooms.iter().any(|id| self.recordings.get(id) == Some(recorder));
        let mut of_calls = self.graph.recorders().filter(|(recorder, _)| of_two(recorder));
        let is_recorded = of_calls.any(|(_, recorded)| recorded.channels.names(EndpointId(endpoint.0)));
        drop(of_calls);
        if is_recorded {
            return Err(format!("endpoint {} was closed while it was recorded", endpoint.0));
        }
        self.graph.remove_endpoint(EndpointId(endpoint.0)).map_err(|refusal| refusal.to_string())?;
        Ok(vec![MediaEvent::Closed { endpoint, quality: hooks::fact::MediaQuality::default() }])
    }

    /// A recording that has failed meanwhile is let be: the switch may not know yet.
    fn with_recorder(
        &mut self,
        recording: hooks::id::RecordingId,
        order: impl FnOnce(&mut Graph, RecorderId) -> Result<(), String>,
    ) -> Result<Vec<MediaEvent>, String> {
        match self.recordings.get(&recording) {
            Some(recorder) => order(&mut self.graph, *recorder).map(|()| Vec::new()),
            None => Ok(Vec::new()),
        }
    }

    /// One that is paused twice is a bug of the switch.
    fn pause_recording(&mut self, recording: hooks::id::RecordingId, paused: bool) -> Result<Vec<MediaEvent>, String> {
        self.with_recorder(recording, |graph, recorder| {
            if graph.recorder(recorder).is_some_and(|recorded| recorded.paused == paused) {
                return Err(format!("recording {recording} was paused or resumed twice"));
            }
            graph.pause_recorder(recorder, paused).map_err(|refusal| refusal.to_string())
        })
    }

    /// What plays once has ended by the time the switch is told so, and not before.
    fn play(
        &mut self,
        player: switch::media::PlayerId,
        parts: &[Part],
        repeat: Repeat,
    ) -> Result<Vec<MediaEvent>, String> {
        if parts.is_empty() {
            return Err(format!("{player:?} was told to play nothing"));
        }
        if !self.ever_played.insert(player) {
            return Err(format!("{player:?} was named twice"));
        }
        self.graph.add_player(PlayerId(PLAYERS_FROM + player.0)).map_err(|refusal| refusal.to_string())?;
        Ok(match repeat {
            Repeat::Once => vec![MediaEvent::Played(player)],
            Repeat::Forever => Vec::new(),
        })
    }

    fn stop_playing(&mut self, player: switch::media::PlayerId) {
        // It may have ended by itself.
        let _ = self.graph.remove_player(PlayerId(PLAYERS_FROM + player.0));
    }

    fn stop_recording(&mut self, recording: hooks::id::RecordingId) -> Option<MediaEvent> {
        let recorder = self.recordings.remove(&recording)?;
        self.graph.remove_recorder(recorder).expect("it records until it is stopped");
        let outcome = RecordingOutcome::Ready { bytes: 44, duration_ms: 0, sha256: "0".repeat(64), partial: false };
        Some(MediaEvent::Recorded { recording, outcome })
    }
}

fn channels(left: &[switch::media::EndpointId], right: &[switch::media::EndpointId]) -> Channels {
    let named = |ids: &[switch::media::EndpointId]| ids.iter().map(|id| EndpointId(id.0)).collect();
    Channels { left: named(left), right: named(right), ..Channels::default() }
}

fn player(sound: Sound) -> PlayerId {
    match sound {
        Sound::RingbackCn => PlayerId(1),
        Sound::RingbackUs => PlayerId(2),
        Sound::HoldMusic => PlayerId(3),
    }
}

fn source(source: &switch::media::Source) -> Source {
    match source {
        switch::media::Source::Endpoint(id) => Source::Endpoint(EndpointId(id.0)),
        switch::media::Source::Sound(sound) => Source::Player(player(*sound)),
        switch::media::Source::Player(player) => Source::Player(PlayerId(PLAYERS_FROM + player.0)),
    }
}
