//! One room: frames of those who speak in, one payload for each distinct output out, each 20 ms.
//!
//! Each source is read once and added up once; a sink hears that sum less what it does not hear (itself, mostly). Sinks
//! that hear the same in the same codec share an encoder. Changes of edges and gains begin with the next tick, and the
//! difference fades out over its first milliseconds, so that nothing clicks.

mod blend;
mod outlet;
mod plan;

use std::collections::BTreeMap;

use crate::codec::Coder;
use crate::{EndpointId, Gain, RecordRate, Source};
use blend::Blend;
use outlet::{Key, Outlet};
use plan::{Listen, Plan};

/// Who hears whom in a room, and what it takes to let them.
#[derive(Default)]
pub struct Room {
    sinks: BTreeMap<EndpointId, Sink>,
    /// How many sinks have a codec of each rate.
    rates: BTreeMap<RecordRate, usize>,
    sources: Vec<Source>,
    plan: Plan,
    outlets: Vec<Outlet>,
    state: State,
    blend: Blend,
    work: Work,
}

/// What one sink is to hear, in which codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// In order of source, each once.
    pub edges: Vec<(Source, Gain)>,
    /// Codec of the payloads.
    pub coder: Coder,
}

/// A payload of 20 ms.
#[derive(Debug)]
pub struct Portion<'a> {
    /// Encoded once for all of them.
    pub payload: &'a [u8],
    /// Its codec.
    pub coder: Coder,
    /// Who hears it, in order of name.
    pub sinks: &'a [EndpointId],
}

/// What mixing has cost since the room began, counted and not timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Frames added to or taken from a sum.
    pub additions: u64,
    /// Frames encoded.
    pub encodes: u64,
}

struct Sink {
    wish: Wish,
    /// What it heard in the last tick.
    heard: Vec<(Source, Gain)>,
}

/// Whether the plan says what the sinks wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Settled,
    /// Wishes have changed.
    Changed,
    /// The last tick faded something; without that more sinks may share an encoder.
    Faded,
}

impl Room {
    /// Lets a sink hear something (else) from the next tick on; a new sink fades in.
    pub fn set(&mut self, sink: EndpointId, wish: Wish) {
        let heard = match self.sinks.get(&sink) {
            Some(known) if known.wish == wish => return,
            Some(known) => known.heard.clone(),
            None => Vec::new(),
        };
        self.admit(sink, wish, heard);
    }

    /// Takes in a sink that goes on from what it heard in another room.
    pub fn admit(&mut self, sink: EndpointId, wish: Wish, heard: Vec<(Source, Gain)>) {
        self.remove(sink);
        *self.rates.entry(wish.coder.encoder_rate()).or_default() += 1;
        self.sinks.insert(sink, Sink { wish, heard });
        self.state = State::Changed;
    }

    /// Takes a sink out; what it heard in the last tick, to go on from in another room.
    pub fn remove(&mut self, sink: EndpointId) -> Option<Vec<(Source, Gain)>> {
        let gone = self.sinks.remove(&sink)?;
        let rate = gone.wish.coder.encoder_rate();
        if let Some(sinks) = self.rates.get_mut(&rate) {
            *sinks -= 1;
            if *sinks == 0 {
                self.rates.remove(&rate);
            }
        }
        self.state = State::Changed;
        Some(gone.heard)
    }

    /// Rate of the frames that [`Room::tick`] reads: the least that all sinks can do with.
    #[must_use]
    pub fn rate(&self) -> RecordRate {
        self.rates.last_key_value().map_or(RecordRate::Narrow, |(rate, _)| *rate)
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// Who hears something here, in order of name.
    pub fn sinks(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.sinks.keys().copied()
    }

    /// What is heard here, or was until a moment ago: whose frames the next tick reads.
    pub fn sources(&mut self) -> &[Source] {
        self.settle();
        &self.sources
    }

    /// What it has cost.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Mixes 20 ms. `frame_of` gives a source's frame at [`Room::rate`], or nothing for silence; it is asked once for
    /// each of [`Room::sources`].
    pub fn tick<'a>(
        &mut self,
        mut frame_of: impl FnMut(Source) -> Option<&'a [i16]>,
        mut deliver: impl FnMut(Portion<'_>),
    ) {
        self.settle();
        let rate = self.rate();
        let frames: Vec<Option<&[i16]>> = self.sources.iter().map(|source| frame_of(*source)).collect();
        self.work.additions += self.blend.sum_up(&self.plan, &frames, rate);
        let mut faded = false;
        for outlet in &mut self.outlets {
            let mixed = self.blend.mix(&self.plan.recipes[outlet.recipe], &outlet.fades, &frames);
            self.work.additions += mixed.additions;
            self.work.encodes += 1;
            faded |= outlet.key.faded.is_some();
            deliver(outlet.encode(mixed.samples, rate));
        }
        if faded {
            for sink in self.sinks.values_mut().filter(|sink| sink.heard != sink.wish.edges) {
                sink.heard.clone_from(&sink.wish.edges);
            }
            self.state = State::Faded;
        }
    }

    /// Works out anew who shares an output and how each is made, if something has changed.
    fn settle(&mut self) {
        if self.state == State::Settled {
            return;
        }
        self.state = State::Settled;
        let mut groups: BTreeMap<Key, Vec<EndpointId>> = BTreeMap::new();
        for (id, sink) in &self.sinks {
            let faded = (sink.heard != sink.wish.edges).then(|| sink.heard.clone());
            let key = Key { coder: sink.wish.coder, edges: sink.wish.edges.clone(), faded };
            groups.entry(key).or_default().push(*id);
        }
        self.sources = sources_of(groups.keys());
        let at = |source: Source| self.sources.binary_search(&source).expect("gathered from the same edges");
        let listens = groups.iter().map(|(key, members)| Listen {
            terms: key.edges.iter().map(|(source, gain)| (at(*source), gain.steps())).collect(),
            own: self.sources.binary_search(&Source::Endpoint(members[0])).ok(),
        });
        self.plan = Plan::new(self.sources.len(), listens.collect());
        let fades: Vec<_> =
            groups.keys().map(|key| key.fades().map(|(source, by)| (at(source), by)).collect()).collect();
        let old = std::mem::take(&mut self.outlets);
        self.outlets = outlet::regroup(old, groups.into_iter().zip(fades));
    }
}

/// All sources of some outputs, each once.
fn sources_of<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Source> {
    let mut sources: Vec<Source> =
        keys.flat_map(|key| key.edges.iter().chain(key.faded.iter().flatten()).map(|(source, _)| *source)).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// Samples of 20 ms.
pub(crate) fn frame_samples(rate: RecordRate) -> usize {
    match rate {
        RecordRate::Narrow => 160,
        RecordRate::Wide => 320,
        RecordRate::Full => 960,
    }
}

#[cfg(test)]
mod tests;
