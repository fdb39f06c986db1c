//! Who hears whom in a room, by what its members' phones say of themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use hooks::id::CallId;
use media::{EndpointId, Source};
use switch::media::MediaEvent;

use super::Told;
use crate::ears::Ears;
use crate::net::To;
use crate::phone::Hold;
use crate::text::Text;
use crate::watch::Party;
use crate::world::World;

/// One of those in a room.
struct Present<'a> {
    /// Its phone, once everything about it has stood still for a while.
    party: Option<Party<'a>>,
    /// Its endpoint.
    voice: Option<Source>,
    muted: bool,
    outside: bool,
}

impl Present<'_> {
    fn holds(&self) -> bool {
        self.party.as_ref().is_some_and(|party| party.dialog.hold == Hold::Holding)
    }

    /// The others must hear it.
    fn is_heard(&self) -> bool {
        self.party.is_some() && !self.muted && !self.holds()
    }

    /// They may or may not.
    fn may_be_heard(&self) -> bool {
        self.party.is_none() && !self.muted
    }

    /// Nobody here can say which endpoint is its own: its offer is still on its way.
    fn is_nobodys(&self) -> bool {
        self.voice.is_none() && self.may_be_heard()
    }
}

impl World {
    /// Each member of a conference hears all others who are neither muted nor hold, and nobody else.
    pub(crate) fn listen_rooms(&self) -> Result<u64, String> {
        let mut listened = 0;
        for (room, told) in &self.rooms.told {
            let present: Vec<Present<'_>> =
                told.members.iter().map(|(call, it)| self.present(*call, it.seat.muted)).collect::<Result<_, _>>()?;
            let music = self.rooms.plans[room].music_alone;
            for (at, listener) in present.iter().enumerate() {
                let Some(party) = listener.party else { continue };
                listened += u64::from(present.len() > 1);
                let mut heard: BTreeSet<Source> = self.ears.heard_by(party.endpoint).into_iter().collect();
                // What is said aloud takes the place of music, and of nobody's voice; nothing is said to who holds.
                let said = heard.extract_if(.., |source| Ears::is_said(*source)).count();
                if said > usize::from(!listener.holds()) {
                    return Err(format!("{} in {room} is told {said} things", party.user));
                }
                let others = || present.iter().enumerate().filter(|(other, _)| *other != at && !listener.holds());
                let voices = |which: fn(&Present<'_>) -> bool| -> BTreeSet<Source> {
                    others().filter(|(_, other)| which(other)).filter_map(|(_, other)| other.voice).collect()
                };
                let mut must = voices(|it| it.is_heard());
                if present.len() == 1 && music && !listener.holds() && said == 0 {
                    must.insert(Ears::hold_music());
                }
                let mut may: BTreeSet<Source> = must.union(&voices(|it| it.may_be_heard())).copied().collect();
                if others().any(|(_, other)| other.is_nobodys()) {
                    may.extend(self.ears.not_agreed().map(Source::Endpoint));
                }
                if !heard.is_superset(&must) || !heard.is_subset(&may) {
                    return Err(format!(
                        "{} in {room} should hear {must:?}, may hear {may:?}, and hears {heard:?}",
                        party.user
                    ));
                }
            }
            self.check_recorded(room, told, &present)?;
            let lately = self.crashed_at.last().is_some_and(|at| self.now < *at + PROBATION);
            let kept = |call: &CallId| self.checkpoints.contains_key(call) || lately;
            if let Some((call, _)) =
                told.members.keys().zip(&present).find(|(call, it)| it.party.is_some() && !kept(call))
            {
                return Err(format!("nothing is kept of {call}, which is in {room}"));
            }
        }
        let open = |call| self.records.calls.get(&call).is_some_and(|record| record.ended.is_none());
        self.rooms.check_doors(self.now, open)?;
        Ok(listened)
    }

    /// A recording of a conference takes in those who are heard, parties outside on the left.
    fn check_recorded(&self, room: &str, told: &Told, present: &[Present<'_>]) -> Result<(), String> {
        let shown = self.rooms.shown.get(room).and_then(|view| view.recording);
        if shown.is_some_and(|recording| self.ears.is_behind(recording)) {
            return Ok(());
        }
        let Some(channels) = shown.and_then(|recording| self.ears.recorded(recording)) else { return Ok(()) };
        if shown != told.recording {
            return Err(format!("{room} is recorded as {shown:?}: {told:?}"));
        }
        for (side, outside) in [(&channels.left, true), (&channels.right, false)] {
            let on_it = |which: fn(&Present<'_>) -> bool| -> BTreeSet<EndpointId> {
                let there = present.iter().filter(|it| it.outside == outside && which(it));
                let voices = there.filter_map(|it| it.voice);
                voices.filter_map(|voice| if let Source::Endpoint(id) = voice { Some(id) } else { None }).collect()
            };
            let must = on_it(|it| it.is_heard());
            let mut may: BTreeSet<EndpointId> = must.union(&on_it(|it| it.may_be_heard())).copied().collect();
            if present.iter().any(Present::is_nobodys) {
                may.extend(self.ears.not_agreed());
            }
            if !side.is_superset(&must) || !side.is_subset(&may) {
                return Err(format!(
                    "the recording of {room} should take in {must:?}, may {may:?}, and takes in {side:?}"
                ));
            }
        }
        Ok(())
    }

    fn present(&self, call: CallId, muted: bool) -> Result<Present<'_>, String> {
        let record = self.records.calls.get(&call).filter(|record| record.ended.is_none());
        let record = record.ok_or_else(|| format!("{call} is over, and still in a room"))?;
        let talking = record.talking().map(|(_, leg)| leg);
        let visitors: Vec<_> = talking.filter(|leg| !leg.sip_call_id.is_empty()).collect();
        let [visitor] = visitors[..] else { return Err(format!("not one visitor in {record:?}")) };
        if self.dialogs.is_ended(&visitor.sip_call_id) {
            return Err(format!("{} hung up, and is still in a room", visitor.peer_name));
        }
        let party = self.party(&visitor.sip_call_id)?;
        let address = self.phones.iter().find_map(|phone| phone.media_of(&visitor.sip_call_id));
        let endpoint = address.and_then(|address| self.ears.speaks_to(address));
        let outside = crate::settings::CARRIERS.iter().any(|(name, _)| visitor.peer_name == *name);
        let voice = endpoint.map(|id| Source::Endpoint(EndpointId(id)));
        Ok(Present { party, voice, muted, outside })
    }

    /// The call in a room, or at its door, whose visitor has that dialog.
    fn visit_of(&self, call_id: &str) -> Option<CallId> {
        let open = self.records.calls.iter().filter(|(_, record)| record.ended.is_none());
        let mut visits = open.filter(|(call, _)| self.rooms.is_visit(**call));
        visits.find(|(_, record)| record.talking().any(|(_, leg)| leg.sip_call_id == call_id)).map(|(call, _)| *call)
    }

    /// A message with a key reaches the switch.
    pub(crate) fn overhear_key(&mut self, text: &Text) {
        if text.method() == "INFO"
            && text.status() == 0
            && let Some(key) =
                text.body.lines().next().and_then(|line| line.trim_start_matches("Signal=").chars().next())
        {
            let call = self.visit_of(text.call_id());
            self.rooms.info_comes(text.call_id(), text.cseq(), call, key);
        }
    }

    /// Keys pressed as telephone events, or as sounds, reach the media side.
    pub(crate) fn hear_keys(&mut self) -> Result<(), String> {
        let now = self.now;
        let due: Vec<_> =
            self.keys.extract_if(.., |(at, ..)| *at <= now).map(|(_, phone, id, key)| (phone, id, key)).collect();
        for (phone, call_id, key) in due {
            let Some(dialog) = self.phones[phone].dialogs.get(&call_id) else { continue };
            let own = format!("{}:{}", self.phones[phone].host(), dialog.port);
            let Some(endpoint) = own.parse().ok().and_then(|own| self.ears.speaks_to(own)) else { continue };
            if self.ears.hears_keys_of(endpoint) {
                if let Some(call) = self.visit_of(&call_id) {
                    self.rooms.key_comes(call, key);
                }
                if let Some(centre) = &mut self.centre {
                    centre.pressed(&call_id, key);
                }
                self.tell(switch::input::Input::Media(MediaEvent::Digit {
                    endpoint: switch::media::EndpointId(endpoint),
                    digit: key,
                }))?;
            }
        }
        Ok(())
    }

    /// What a phone presses by its media is on its way.
    pub(crate) fn phone_presses(&mut self, phone: usize) {
        let now = self.now;
        let lost = self.net.parted_until(To::Switch(phone)) > now;
        for (call_id, key) in self.phones[phone].take_keys() {
            self.tell_of(|| format!("{call_id} presses {key}"));
            if !lost {
                self.keys.push((now + ON_THE_WAY, phone, call_id, key));
            }
        }
    }
}

/// How long after a crash nothing may be kept of a call: it is not known who is there.
const PROBATION: Duration = Duration::from_secs(6);
/// How long a key takes to the media side.
const ON_THE_WAY: Duration = Duration::from_millis(40);
