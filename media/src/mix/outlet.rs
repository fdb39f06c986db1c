//! Distinct outputs of a room and their encoders, whose state goes on through changes of who shares them.

use std::collections::BTreeMap;

use super::Portion;
use crate::codec::resample::Resampler;
use crate::codec::{Coder, Encoder};
use crate::gain::Gain;
use crate::{EndpointId, RecordRate, Source};

/// What makes outputs different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) coder: Coder,
    pub(super) edges: Vec<(Source, Gain)>,
    /// What was heard in the last tick, if that was something else.
    pub(super) faded: Option<Vec<(Source, Gain)>>,
}

/// One output.
pub(super) struct Outlet {
    pub(super) key: Key,
    pub(super) members: Vec<EndpointId>,
    /// Index in the plan.
    pub(super) recipe: usize,
    /// Source and steps of what fades in the next tick.
    pub(super) fades: Vec<(usize, i32)>,
    line: Line,
}

/// From samples of the room to payloads.
struct Line {
    /// `None` if its library had no memory: the payload is empty then.
    encoder: Option<Box<dyn Encoder>>,
    resampler: Resampler,
    resampled: Vec<i16>,
    payload: Vec<u8>,
}

impl Key {
    /// How much of each source fades: what was heard less what is heard now.
    pub(super) fn fades(&self) -> impl Iterator<Item = (Source, i32)> {
        let mut by: BTreeMap<Source, i32> = BTreeMap::new();
        if let Some(faded) = &self.faded {
            for (source, gain) in faded {
                *by.entry(*source).or_default() += gain.steps();
            }
            for (source, gain) in &self.edges {
                *by.entry(*source).or_default() -= gain.steps();
            }
        }
        by.into_iter().filter(|(_, steps)| *steps != 0)
    }
}

impl Outlet {
    /// Encodes a frame at the room's rate.
    pub(super) fn encode(&mut self, samples: &[i16], rate: RecordRate) -> Portion<'_> {
        let Line { encoder, resampler, resampled, payload } = &mut self.line;
        payload.clear();
        let own = self.key.coder.encoder_rate();
        let samples = if rate == own {
            samples
        } else {
            if resampler.from() != rate {
                *resampler = Resampler::new(rate, own);
            }
            resampled.clear();
            resampler.process(samples, resampled);
            resampled
        };
        if let Some(encoder) = encoder {
            encoder.encode(samples, payload);
        }
        Portion { payload, coder: self.key.coder, sinks: &self.members }
    }
}

/// New outputs out of old ones: the encoder that most of a group listened to goes on with it; a group that splits off
/// goes on with a copy where the codec can be copied, so that nobody's decoder is surprised.
pub(super) fn regroup(
    old: Vec<Outlet>,
    groups: impl Iterator<Item = ((Key, Vec<EndpointId>), Vec<(usize, i32)>)>,
) -> Vec<Outlet> {
    let old_of: BTreeMap<EndpointId, usize> =
        old.iter().enumerate().flat_map(|(at, outlet)| outlet.members.iter().map(move |sink| (*sink, at))).collect();
    let mut lines: Vec<(Coder, Option<Line>)> =
        old.into_iter().map(|outlet| (outlet.key.coder, Some(outlet.line))).collect();
    let mut groups: Vec<_> = groups.enumerate().collect();
    groups.sort_by_key(|(_, ((_, members), _))| std::cmp::Reverse(members.len()));
    let mut outlets: Vec<Outlet> = Vec::with_capacity(groups.len());
    // Which new outlet has the line of an old one.
    let mut heirs: BTreeMap<usize, usize> = BTreeMap::new();
    for (recipe, ((key, members), fades)) in groups {
        let before = old_of.get(&members[0]).copied().filter(|at| lines[*at].0 == key.coder);
        let line = match before {
            Some(at) => match (lines[at].1.take(), heirs.get(&at)) {
                (Some(line), _) => {
                    heirs.insert(at, outlets.len());
                    line
                }
                (None, Some(heir)) => outlets[*heir].line.fork(key.coder),
                (None, None) => Line::new(key.coder),
            },
            None => Line::new(key.coder),
        };
        outlets.push(Outlet { key, members, recipe, fades, line });
    }
    outlets
}

impl Line {
    fn new(coder: Coder) -> Self {
        let rate = coder.encoder_rate();
        Self {
            encoder: coder.encoder(),
            resampler: Resampler::new(rate, rate),
            resampled: Vec::new(),
            payload: Vec::new(),
        }
    }

    fn fork(&self, coder: Coder) -> Self {
        let encoder = self.encoder.as_ref().and_then(|encoder| encoder.fork()).or_else(|| coder.encoder());
        Self { encoder, resampler: self.resampler.clone(), resampled: Vec::new(), payload: Vec::new() }
    }
}
