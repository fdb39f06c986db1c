//! Who hears whom at this instant. The relay obeys it; the simulator reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Refusal;
use crate::{Channels, EdgeGain, EndpointId, Gain, Hear, PlayerId, RecorderId};

/// Something that can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The party at an endpoint.
    Endpoint(EndpointId),
    /// A prompt.
    Player(PlayerId),
}

/// What a recorder takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Who is recorded where.
    pub channels: Channels,
    /// Silence is recorded instead.
    pub paused: bool,
}

/// Nodes and edges, without any audio. Edges to nodes that have gone are gone too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    endpoints: BTreeSet<EndpointId>,
    players: BTreeSet<PlayerId>,
    recorders: BTreeMap<RecorderId, Recorded>,
    hears: BTreeMap<EndpointId, BTreeMap<Source, Gain>>,
}

impl Graph {
    /// Adds an endpoint that hears nothing.
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_endpoint(&mut self, endpoint: EndpointId) -> Result<(), Refusal> {
        if self.endpoints.insert(endpoint) { Ok(()) } else { Err(Refusal::EndpointExists(endpoint)) }
    }

    /// Takes an endpoint away, as sink and as source. A recorder of it goes on with silence.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_endpoint(&mut self, endpoint: EndpointId) -> Result<(), Refusal> {
        if !self.endpoints.remove(&endpoint) {
            return Err(Refusal::NoSuchEndpoint(endpoint));
        }
        self.hears.remove(&endpoint);
        for recorded in self.recorders.values_mut() {
            recorded.channels.left.remove(&endpoint);
            recorded.channels.right.remove(&endpoint);
            recorded.channels.said_to = recorded.channels.said_to.filter(|told| *told != endpoint);
        }
        self.forget(Source::Endpoint(endpoint));
        Ok(())
    }

    /// Adds a player nobody hears yet.
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_player(&mut self, player: PlayerId) -> Result<(), Refusal> {
        if self.players.insert(player) { Ok(()) } else { Err(Refusal::PlayerExists(player)) }
    }

    /// Takes a player away.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_player(&mut self, player: PlayerId) -> Result<(), Refusal> {
        if !self.players.remove(&player) {
            return Err(Refusal::NoSuchPlayer(player));
        }
        self.forget(Source::Player(player));
        Ok(())
    }

    /// Adds a recorder.
    ///
    /// # Errors
    /// The name is taken or an endpoint is not open.
    pub fn add_recorder(&mut self, recorder: RecorderId, channels: &Channels) -> Result<(), Refusal> {
        if self.recorders.contains_key(&recorder) {
            return Err(Refusal::RecorderExists(recorder));
        }
        self.check_channels(channels)?;
        self.recorders.insert(recorder, Recorded { channels: channels.clone(), paused: false });
        Ok(())
    }

    /// Lets a recorder take in others.
    ///
    /// # Errors
    /// There is none of that name or an endpoint is not open; it then takes in whom it did before.
    pub fn record_from(&mut self, recorder: RecorderId, channels: &Channels) -> Result<(), Refusal> {
        self.check_channels(channels)?;
        let recorded = self.recorders.get_mut(&recorder).ok_or(Refusal::NoSuchRecorder(recorder))?;
        recorded.channels = channels.clone();
        Ok(())
    }

    /// Lets a recorder take in silence, or what is said again.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn pause_recorder(&mut self, recorder: RecorderId, paused: bool) -> Result<(), Refusal> {
        let recorded = self.recorders.get_mut(&recorder).ok_or(Refusal::NoSuchRecorder(recorder))?;
        recorded.paused = paused;
        Ok(())
    }

    /// Takes a recorder away.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_recorder(&mut self, recorder: RecorderId) -> Result<(), Refusal> {
        self.recorders.remove(&recorder).map(drop).ok_or(Refusal::NoSuchRecorder(recorder))
    }

    /// Replaces what a sink hears. An edge that was there keeps its gain, a new one begins at unity. A player that is not there has
    /// ended while the order was on its way: nothing is heard of it.
    ///
    /// # Errors
    /// Sink or an endpoint does not exist; the sink then hears what it heard before.
    pub fn hear(&mut self, hear: &Hear) -> Result<(), Refusal> {
        if !self.endpoints.contains(&hear.sink) {
            return Err(Refusal::NoSuchEndpoint(hear.sink));
        }
        for source in &hear.sources {
            match *source {
                Source::Endpoint(endpoint) if !self.endpoints.contains(&endpoint) => {
                    return Err(Refusal::NoSuchEndpoint(endpoint));
                }
                Source::Endpoint(_) | Source::Player(_) => {}
            }
        }
        let there = |source: &&Source| match source {
            Source::Player(player) => self.players.contains(player),
            Source::Endpoint(_) => true,
        };
        let sources: BTreeSet<Source> = hear.sources.iter().filter(there).copied().collect();
        if sources.is_empty() {
            self.hears.remove(&hear.sink);
        } else {
            let heard = self.hears.entry(hear.sink).or_default();
            heard.retain(|source, _| sources.contains(source));
            for source in sources {
                heard.entry(source).or_default();
            }
        }
        Ok(())
    }

    /// Sets how loud a sink hears one of its sources.
    ///
    /// # Errors
    /// It does not hear that source.
    pub fn set_gain(&mut self, edge: &EdgeGain) -> Result<(), Refusal> {
        let heard = self.hears.get_mut(&edge.sink).and_then(|heard| heard.get_mut(&edge.source));
        *heard.ok_or(Refusal::NotHeard(edge.sink))? = edge.gain;
        Ok(())
    }

    /// What a sink hears, in order of name.
    pub fn heard_by(&self, sink: EndpointId) -> impl Iterator<Item = Source> + '_ {
        self.edges(sink).map(|(source, _)| source)
    }

    /// What a sink hears and how loud, in order of name.
    pub fn edges(&self, sink: EndpointId) -> impl Iterator<Item = (Source, Gain)> + '_ {
        self.hears.get(&sink).into_iter().flatten().map(|(source, gain)| (*source, *gain))
    }

    /// Who hears a source, in order of name.
    pub fn hearers_of(&self, source: Source) -> impl Iterator<Item = EndpointId> + '_ {
        self.hears.iter().filter(move |(_, heard)| heard.contains_key(&source)).map(|(sink, _)| *sink)
    }

    /// Whether two endpoints hear each other.
    #[must_use]
    pub fn talk(&self, one: EndpointId, other: EndpointId) -> bool {
        let hears = |sink: EndpointId, source: EndpointId| {
            self.hears.get(&sink).is_some_and(|heard| heard.contains_key(&Source::Endpoint(source)))
        };
        hears(one, other) && hears(other, one)
    }

    /// Recorders with what they take in.
    pub fn recorders(&self) -> impl ExactSizeIterator<Item = (RecorderId, &Recorded)> + '_ {
        self.recorders.iter().map(|(id, recorded)| (*id, recorded))
    }

    /// What a recorder takes in.
    #[must_use]
    pub fn recorder(&self, recorder: RecorderId) -> Option<&Recorded> {
        self.recorders.get(&recorder)
    }

    /// Open endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.endpoints.iter().copied()
    }

    /// Whether a player of that name plays.
    #[must_use]
    pub fn has_player(&self, player: PlayerId) -> bool {
        self.players.contains(&player)
    }

    /// Whether nothing is left: what quiescence must look like.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.players.is_empty() && self.recorders.is_empty() && self.hears.is_empty()
    }

    fn check_channels(&self, channels: &Channels) -> Result<(), Refusal> {
        match channels.all().chain(channels.said_to).find(|endpoint| !self.endpoints.contains(endpoint)) {
            Some(endpoint) => Err(Refusal::NoSuchEndpoint(endpoint)),
            None => Ok(()),
        }
    }

    fn forget(&mut self, source: Source) {
        self.hears.retain(|_, heard| {
            heard.remove(&source);
            !heard.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: EndpointId = EndpointId(1);
    const B: EndpointId = EndpointId(2);
    const MUSIC: PlayerId = PlayerId(9);

    fn two() -> Graph {
        let mut graph = Graph::default();
        graph.add_endpoint(A).unwrap();
        graph.add_endpoint(B).unwrap();
        graph.add_player(MUSIC).unwrap();
        graph
    }

    fn hear(sink: EndpointId, sources: &[Source]) -> Hear {
        Hear { sink, sources: sources.to_vec() }
    }

    #[test]
    fn two_endpoints_talk_when_each_hears_the_other() {
        let mut graph = two();
        graph.hear(&hear(A, &[Source::Endpoint(B)])).unwrap();
        assert!(!graph.talk(A, B));
        graph.hear(&hear(B, &[Source::Endpoint(A)])).unwrap();
        assert!(graph.talk(A, B));
        graph.hear(&hear(B, &[Source::Player(MUSIC)])).unwrap();
        assert!(!graph.talk(A, B));
        assert_eq!(graph.hearers_of(Source::Player(MUSIC)).collect::<Vec<_>>(), [B]);
    }

    #[test]
    fn an_edge_that_stays_keeps_its_gain() {
        let mut graph = two();
        let music = Source::Player(MUSIC);
        graph.hear(&hear(A, &[Source::Endpoint(B), music])).unwrap();
        graph.set_gain(&EdgeGain { sink: A, source: music, gain: Gain::MUTE }).unwrap();
        graph.hear(&hear(A, &[music])).unwrap();
        graph.hear(&hear(A, &[music, Source::Endpoint(B)])).unwrap();
        assert_eq!(graph.edges(A).collect::<Vec<_>>(), [(Source::Endpoint(B), Gain::UNITY), (music, Gain::MUTE)]);
        let stranger = EdgeGain { sink: B, source: music, gain: Gain::MUTE };
        assert_eq!(graph.set_gain(&stranger), Err(Refusal::NotHeard(B)));
    }

    #[test]
    fn a_node_that_goes_is_heard_by_nobody() {
        let mut graph = two();
        graph.hear(&hear(A, &[Source::Endpoint(B)])).unwrap();
        graph.hear(&hear(B, &[Source::Player(MUSIC)])).unwrap();
        graph.remove_endpoint(B).unwrap();
        assert_eq!(graph.heard_by(A).count(), 0);
        graph.remove_player(MUSIC).unwrap();
        graph.remove_endpoint(A).unwrap();
        assert!(graph.is_empty());
    }

    #[test]
    fn an_edge_to_an_unknown_node_is_refused_and_changes_nothing() {
        let mut graph = two();
        graph.hear(&hear(A, &[Source::Endpoint(B)])).unwrap();
        let before = graph.clone();
        let stranger = EndpointId(7);
        assert_eq!(graph.hear(&hear(A, &[Source::Endpoint(stranger)])), Err(Refusal::NoSuchEndpoint(stranger)));
        assert_eq!(graph.hear(&hear(stranger, &[])), Err(Refusal::NoSuchEndpoint(stranger)));
        assert_eq!(graph, before);
    }

    #[test]
    fn nothing_is_heard_of_a_player_that_has_ended() {
        let mut graph = two();
        let ended = Source::Player(PlayerId(8));
        graph.hear(&hear(A, &[Source::Endpoint(B), ended])).unwrap();
        assert_eq!(graph.heard_by(A).collect::<Vec<_>>(), [Source::Endpoint(B)]);
        graph.hear(&hear(A, &[ended])).unwrap();
        assert_eq!(graph.heard_by(A).count(), 0);
    }
}
