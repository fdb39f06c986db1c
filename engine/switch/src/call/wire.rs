//! Who hears whom: decided anew from the stage of the call and from who holds whom, whenever one of them changes.

use hooks::fact::EndCause;
use sip::message::StatusCode;

use super::third::Standing;
use super::{Call, Service, Stage, Verdict};
use crate::config::TonePlan;
use crate::desk::{Desk, LegIndex};
use crate::leg::{Hold, Leg, LegMedia, LegState};
use crate::media::{EndpointId, Sound, Source};

impl Call {
    /// Says of each leg whom it hears.
    pub(crate) fn rewire(&mut self, desk: &mut Desk) {
        match &self.stage {
            Stage::Talking { caller, callee, .. } => {
                let (caller, callee) = (*caller, *callee);
                self.rewire_talk(desk, caller, callee);
                self.rewire_supervisors(desk);
            }
            Stage::Seeking(seeking) => {
                let caller = seeking.caller;
                let early = self.early_media();
                let sources = match early {
                    Some(leg) => self.voice_of(leg),
                    None if self.is_ringing() => vec![Source::Sound(ringback(desk))],
                    None if seeking.transfer.is_some() => vec![Source::Sound(Sound::HoldMusic)],
                    None => Vec::new(),
                };
                self.hear(desk, caller, sources);
                if let Some(leg) = early {
                    self.hear(desk, leg, self.voice_of(caller));
                }
            }
            Stage::Served { caller, by: Service::Echo, .. } => {
                let caller = *caller;
                let own = self.leg(caller).and_then(Leg::endpoint).map(Source::Endpoint);
                self.hear(desk, caller, own.into_iter().collect());
            }
            Stage::Served { by: Service::Room(_), .. } => self.rewire_visit(desk),
            Stage::Served { by: Service::Flow, .. } => self.rewire_flow(desk),
            Stage::Served { by: Service::Queue(_), .. } => self.rewire_queue(desk),
            Stage::Served { by: Service::Park(_), .. } => self.rewire_park(desk),
            Stage::Served { by: Service::Voicemail(_), .. } => self.rewire_message(desk),
            Stage::Served { by: Service::Survey(_), .. } => self.rewire_survey(desk),
            Stage::Served { by: Service::Messages(_), .. } => self.rewire_messages(desk),
            Stage::Served { by: Service::LastWords(_), .. } => self.rewire_last_words(desk),
            Stage::Begun | Stage::Summoning { .. } | Stage::Ending { .. } | Stage::Over => {}
        }
    }

    /// The two hear each other, or what comes of a third.
    fn rewire_talk(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) {
        let music = || vec![Source::Sound(Sound::HoldMusic)];
        match self.standing() {
            Some(Standing::Calling { by }) => {
                let other = if by == caller { callee } else { caller };
                let early = self.early_media();
                let heard = match early {
                    Some(leg) => self.voice_of(leg),
                    None if self.is_ringing() => vec![Source::Sound(ringback(desk))],
                    None => Vec::new(),
                };
                self.hear(desk, other, music());
                self.hear(desk, by, heard);
                if let Some(leg) = early {
                    self.hear(desk, leg, self.voice_of(by));
                }
            }
            Some(Standing::Asking { by, third }) => {
                let other = if by == caller { callee } else { caller };
                self.hear(desk, other, music());
                self.hear(desk, by, self.voice_of(third));
                self.hear(desk, third, self.voice_of(by));
            }
            Some(Standing::Together { third }) => {
                for leg in [caller, callee, third] {
                    let others = [caller, callee, third].into_iter().filter(|other| *other != leg);
                    // Music of one who holds is not for two who go on talking.
                    let heard = others.filter(|other| !self.legs[other.at()].is_holding());
                    let voices = heard.flat_map(|other| self.voice_of(other)).collect();
                    self.hear(desk, leg, voices);
                }
            }
            Some(Standing::Inviting) | None => {
                if self.rewire_announcement(desk, caller, callee) {
                    return;
                }
                for (leg, other) in [(caller, callee), (callee, caller)] {
                    // By order its phone knows nothing of it: it is silenced here.
                    let holds = self.legs[leg.at()].holds == Hold::On;
                    self.hear(desk, leg, if holds { Vec::new() } else { self.voice_of(other) });
                    self.listen_for_keys(desk, leg, other);
                }
            }
        }
    }

    /// What the other party hears of this leg: its far end, or music while that holds.
    fn voice_of(&self, leg: LegIndex) -> Vec<Source> {
        let Some(leg) = self.leg(leg) else { return Vec::new() };
        if leg.is_holding() {
            return vec![Source::Sound(Sound::HoldMusic)];
        }
        leg.endpoint().map(Source::Endpoint).into_iter().collect()
    }

    /// Who hands its party on hears nothing from then on.
    pub(super) fn silence(&mut self, desk: &mut Desk, leg: LegIndex) {
        self.hear(desk, leg, Vec::new());
    }

    /// A leg whose media is not agreed yet hears nothing.
    pub(super) fn hear(&mut self, desk: &mut Desk, leg: LegIndex, mut sources: Vec<Source>) {
        sources.extend(self.supervisors_heard(leg, &sources));
        if let Some(session) = self.legs[leg.at()].session_mut()
            && session.is_agreed()
        {
            session.hear(desk, sources);
        }
    }

    /// The ports of an endpoint could not be bound: another one is taken, or, where the far end knows the first already, the
    /// phone is called anew.
    pub(crate) fn bind_failed(&mut self, desk: &mut Desk, leg: LegIndex, endpoint: EndpointId) {
        let leg_ref = self.leg_ref(leg);
        let retry = self.bind_retries > 0;
        let Some(this) = self.legs.get_mut(leg.at()) else { return };
        match &mut this.media {
            LegMedia::Open(session) if session.endpoint() == endpoint => {
                if retry && !session.is_described() && session.move_to_other_port(desk, leg_ref) {
                    self.bind_retries -= 1;
                    return;
                }
            }
            // It closed before it was ever open: no figures come.
            LegMedia::Closing { endpoint: closing, .. } if *closing == endpoint => {
                return self.endpoint_closed(desk, leg, endpoint, hooks::fact::MediaQuality::default());
            }
            LegMedia::Open(_) | LegMedia::Closing { .. } | LegMedia::None => return,
        }
        this.media = LegMedia::None;
        match &this.state {
            LegState::Outgoing(outgoing) => {
                let (target, summons) = (outgoing.target.clone(), outgoing.summons);
                self.cancel_leg(desk, leg, EndCause::Failed);
                let new = if retry { self.call_target(desk, target, summons).ok() } else { None };
                let again = new.is_some();
                if let Some(new) = new {
                    self.leg_replaced(leg, new);
                }
                let failed = Verdict { status: StatusCode::SERVER_INTERNAL_ERROR, cause: EndCause::Failed };
                if !again && (self.third_failed(desk, leg, failed) || self.supervisor_failed(desk, leg, failed)) {
                    return;
                }
                self.bind_retries = self.bind_retries.saturating_sub(u8::from(retry));
                if !again {
                    // What cannot be called anew has failed; another trunk may do.
                    self.call_next(desk);
                }
                self.note(failed);
                self.end_if_all_failed(desk);
            }
            LegState::Incoming(_) | LegState::Up(_) => self.end_failed(desk),
            LegState::Service | LegState::Ended { .. } => {}
        }
    }
}

fn ringback(desk: &Desk) -> Sound {
    match desk.node.tones {
        TonePlan::Cn => Sound::RingbackCn,
        TonePlan::Us => Sound::RingbackUs,
    }
}
