//! In which way a sink hears what the graph says: packet by packet, fed by a player, or mixed.

use super::endpoint::{self, Endpoint, Heard};
use super::rooms::Seat;
use super::{Output, Relay, Slot};
use crate::command::SOURCES_MAX;
use crate::event::Refusal;
use crate::{EdgeGain, EndpointId, Gain, Hear, Now, PlayerId, Source};

/// A way of hearing.
enum Way {
    Nothing,
    /// One party whose packets can be sent on as they come.
    Relayed(Slot),
    /// One prompt, encoded once for all who hear it.
    Fed(PlayerId),
    /// Anything else.
    Mixed(Option<Seat>),
}

impl Relay {
    pub(super) fn hear(&mut self, now: Now, hear: &Hear, out: &mut impl Output) -> Result<(), Refusal> {
        let slot = self.slot(hear.sink)?;
        if hear.sources.len() > SOURCES_MAX {
            return Err(Refusal::TooManySources(hear.sink));
        }
        let before: Vec<(Source, Gain)> = self.graph.edges(hear.sink).collect();
        self.graph.hear(hear)?;
        if self.graph.edges(hear.sink).eq(before) {
            return Ok(());
        }
        if let Some(sink) = self.endpoint_mut(slot) {
            sink.transcodes = false;
        }
        self.rehear(now, hear.sink, out);
        Ok(())
    }

    pub(super) fn set_gain(&mut self, now: Now, edge: &EdgeGain, out: &mut impl Output) -> Result<(), Refusal> {
        self.graph.set_gain(edge)?;
        self.rehear(now, edge.sink, out);
        Ok(())
    }

    /// Lets a sink hear what the graph says now; what is as it should be goes on without a break.
    pub(super) fn rehear(&mut self, now: Now, id: EndpointId, out: &mut impl Output) {
        let Ok(slot) = self.slot(id) else { return };
        let way = self.way(id, slot);
        let Some(sink) = self.endpoint(slot) else { return };
        match (&sink.heard, way) {
            (Heard::Nothing, Way::Nothing) => {}
            (Heard::Endpoint(source), Way::Relayed(wanted)) if *source == wanted => self.reroute(slot),
            (Heard::Mix(seat), Way::Mixed(wanted)) => {
                let same = *seat == wanted;
                if let Some(sink) = self.endpoint_mut(slot).filter(|_| !same) {
                    sink.heard = Heard::Mix(wanted);
                }
                self.reseat(now, id);
            }
            (_, Way::Nothing) => self.unhear(now, slot),
            (_, Way::Relayed(source)) => {
                self.unhear(now, slot);
                if let Some(source) = self.endpoint_mut(source) {
                    source.listeners.push(slot);
                }
                if let Some(sink) = self.endpoint_mut(slot) {
                    sink.hear(Heard::Endpoint(source));
                }
                self.reroute(slot);
            }
            (_, Way::Fed(player)) => {
                self.unhear(now, slot);
                self.start_feed(now, slot, player, out);
            }
            (_, Way::Mixed(seat)) => {
                let transcodes = sink.transcodes;
                self.unhear(now, slot);
                if let Some(sink) = self.endpoint_mut(slot) {
                    sink.hear(Heard::Mix(seat));
                    sink.transcodes = transcodes;
                }
                self.reseat(now, id);
            }
        }
    }

    fn way(&self, id: EndpointId, slot: Slot) -> Way {
        let Some(sink) = self.endpoint(slot) else { return Way::Nothing };
        if sink.pressing.as_ref().is_some_and(|pressing| pressing.sounds()) {
            return Way::Fed(super::digits::tone_of(slot));
        }
        let edges: Vec<(Source, Gain)> = self.graph.edges(id).take(2).collect();
        let mixed = |only| {
            let seat = sink.encodable().map(|(coder, send_as)| Seat { coder, send_as, only });
            Way::Mixed(seat)
        };
        match edges[..] {
            [] => Way::Nothing,
            [(Source::Player(player), Gain::UNITY)] => Way::Fed(player),
            [(Source::Endpoint(id), Gain::UNITY)] => match self.slot(id) {
                Ok(source) if !sink.transcodes && self.can_relay(source, sink) => Way::Relayed(source),
                Ok(_) => mixed(Some(id)),
                Err(_) => Way::Nothing,
            },
            [(Source::Endpoint(id), _)] => mixed(Some(id)),
            _ => mixed(None),
        }
    }

    fn can_relay(&self, source: Slot, sink: &Endpoint) -> bool {
        let Some(source) = self.endpoint(source) else { return false };
        !endpoint::must_transcode(source, sink, &endpoint::routes(source, sink))
    }

    /// Takes an endpoint off whatever it hears.
    fn unhear(&mut self, now: Now, slot: Slot) {
        self.stop_feed(slot);
        let Some(sink) = self.endpoint_mut(slot) else { return };
        let id = sink.id;
        match sink.hear(Heard::Nothing) {
            Heard::Endpoint(source) => {
                if let Some(source) = self.endpoint_mut(source) {
                    source.listeners.retain(|listener| *listener != slot);
                }
            }
            Heard::Mix(_) => self.reseat(now, id),
            Heard::Nothing | Heard::Player(_) => {}
        }
    }

    /// Works out anew how packets of a sink's source are sent on.
    fn reroute(&mut self, slot: Slot) {
        let Some(sink) = self.endpoint(slot) else { return };
        let Heard::Endpoint(source) = sink.heard else { return };
        let Some(source) = self.endpoint(source) else { return };
        let routes = endpoint::routes(source, sink);
        if let Some(sink) = self.endpoint_mut(slot) {
            sink.routes = routes;
        }
    }
}
