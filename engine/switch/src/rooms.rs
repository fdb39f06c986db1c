//! Conference rooms, seen from the switch: what commands do to them, and what follows for the calls of their members.

use dialplan::number::RoomNumber;
use hooks::fact::{ConferenceEnd, MutedBy};
use hooks::id::TenantId;

use crate::conference::{Lock, Mute};
use crate::input::ConferenceOrder;
use crate::output::Refused;
use crate::switch::Switch;

impl Switch {
    /// Does something to the conference in a room.
    pub(crate) fn confer(
        &mut self,
        tenant: &TenantId,
        room: &RoomNumber,
        order: ConferenceOrder,
    ) -> Result<(), Refused> {
        let id = self.desk.conferences.in_room(tenant, room).ok_or(Refused::NoSuchConference)?;
        let conference = self.desk.conferences.find(id).ok_or(Refused::NoSuchConference)?;
        let member = |call| conference.member(call).ok_or(Refused::NoSuchMember);
        match order {
            ConferenceOrder::Mute(call) => self.desk.mute_member(id, member(call)?, Mute::On, MutedBy::Command),
            ConferenceOrder::Unmute(call) => self.desk.mute_member(id, member(call)?, Mute::Off, MutedBy::Command),
            ConferenceOrder::Kick(call) => self.desk.conferences.kick(member(call)?.call),
            ConferenceOrder::SetGain(call, gain) => self.desk.conferences.set_gain(id, member(call)?, gain),
            ConferenceOrder::Lock => self.desk.lock_room(id, Lock::On),
            ConferenceOrder::Unlock => self.desk.lock_room(id, Lock::Off),
            ConferenceOrder::Record => self.desk.record_room(id),
            ConferenceOrder::StopRecording => self.desk.stop_recording_room(id),
            ConferenceOrder::End => self.desk.conferences.end(id, ConferenceEnd::Command),
        }
        // What others see has changed before they are told so.
        self.settle_rooms();
        Ok(())
    }

    /// Does what the step at hand has changed for others in a conference: those who are sent away leave, all others hear anew.
    pub(crate) fn settle_rooms(&mut self) {
        while let Some((call, reason)) = self.desk.conferences.take_sent_away() {
            self.with_call(call, |call, desk| call.sent_away(desk, reason));
        }
        while let Some((call, prompt)) = self.desk.conferences.take_told() {
            self.with_call(call, |call, desk| call.told(desk, prompt));
        }
        while let Some((id, members)) = self.desk.conferences.take_stale() {
            self.desk.speak_in_room(id);
            for call in members {
                self.with_call(call, |call, desk| call.rewire(desk));
            }
            self.desk.skip_unheard(id);
            self.desk.record_room_from(id);
            self.desk.publish_room(id);
        }
    }
}
