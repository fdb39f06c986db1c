//! The callers' own logs against the records: what the phones lived through is what must be written down.

use std::time::Duration;

use hooks::fact::{EndCause, EndedBy};
use hooks::id::CallId;

use crate::phone::{Lived, Phone};
use crate::records::{Leg, Record};
use crate::settings::CARRIERS;
use crate::world::World;

/// Statuses with which an INVITE is refused before it is a call.
const REFUSED: [u16; 8] = [400, 401, 403, 404, 416, 482, 488, 503];

impl World {
    /// Compares all logs with all records.
    pub(crate) fn compare_logs(&self) -> Result<(), String> {
        for phone in self.phones.iter().filter(|phone| !phone.gone) {
            let mut call_ids: Vec<&str> = phone.log.iter().map(|note| note.call_id.as_str()).collect();
            call_ids.sort_unstable();
            call_ids.dedup();
            for call_id in call_ids.into_iter().filter(|call_id| !phone.forgot(call_id)) {
                self.compare(phone, call_id)
                    .map_err(|wrong| format!("{wrong}: {} on {call_id}: {:?}", phone.user, phone.lived(call_id)))?;
            }
        }
        let ordered = |call: &CallId| self.centre.as_ref().is_some_and(|centre| centre.ordered.contains(call));
        let records = self.records.calls.iter().filter(|(call, _)| !ordered(call));
        records.map(|(_, record)| record).try_for_each(|record| self.who_hung_up(record))?;
        self.records.calls.iter().try_for_each(|(call, record)| self.were_all_tried(call, record))?;
        for call in &self.commanded {
            let record = &self.records.calls[call];
            if !record.is_interrupted() && record.ended.is_none_or(|end| end.cause != EndCause::Command) {
                return Err(format!("{call} was ended by command, and its record says {record:?}"));
            }
        }
        Ok(())
    }

    fn compare(&self, phone: &Phone, call_id: &str) -> Result<(), String> {
        let mut records: Vec<&Record> =
            self.records.calls.values().filter(|record| record.leg_of(call_id).is_some()).collect();
        // Who was asked before a transfer moves from one call to another. Their names tell the order only while nobody sets the
        // clock back.
        let begun = |record: &Record| record.leg_of(call_id).map(|leg| (leg.started_at, !leg.was_transferred()));
        records.sort_by_key(|record| begun(record));
        while records.len() > 1 && records[0].leg_of(call_id).is_some_and(Leg::was_transferred) {
            records.remove(0);
        }
        if records.iter().any(|record| !record.is_interrupted()) {
            // A repeated INVITE finds a new process, which knows of no call.
            records.retain(|record| !record.is_interrupted());
        }
        // Nor does the process after that one know of either.
        while records.len() > 1 && records[0].is_interrupted() {
            records.remove(0);
        }
        // Nor does it know that the call was refused, where the answer was lost.
        while records.len() > 1 && records[0].leg_of(call_id).is_some_and(|leg| self.was_told_in_vain(records[0], leg))
        {
            records.remove(0);
        }
        let lived = phone.lived(call_id);
        let dialled = matches!(lived.first(), Some(Lived::Dialled(_)));
        let took = matches!(lived.first(), Some(Lived::TookOver(_)));
        match (records[..].first(), records.len()) {
            (Some(record), 1) if record.is_interrupted() => Ok(()),
            (Some(record), 1) => {
                let leg = record.leg_of(call_id).expect("it was found by its leg");
                let fits = match (dialled, took) {
                    (true, _) => self.caller_fits(phone, &lived, record, leg),
                    (_, true) => self.took_over_fits(phone, &lived, leg),
                    (false, false) => callee_fits(&lived, record, leg),
                };
                if fits { Ok(()) } else { Err(format!("log and record differ: {leg:?} of {record:?}")) }
            }
            // A place that is not there, or not the phone's to take.
            (None, _) if took && lived.iter().any(|lived| matches!(lived, Lived::Failed(_))) => Ok(()),
            (None, _) if dialled || took => {
                let refused =
                    lived.iter().any(|lived| matches!(lived, Lived::Failed(status) if REFUSED.contains(status)));
                // What the dead process did not write down it did not do.
                let died = self.may_be_lost(phone) && lived.contains(&Lived::TimedOut);
                if refused || died { Ok(()) } else { Err("a call without a record".to_owned()) }
            }
            _ => Err(format!("{} records of one dialog", records.len())),
        }
    }

    /// Whether a message may never have come, however often it was repeated: its process died, or its connection broke.
    fn may_be_lost(&self, phone: &Phone) -> bool {
        self.story.crashes > 0 || phone.was_cut_off
    }

    /// Whether the caller may not have heard that its call had failed: the process was killed while the INVITE could still be
    /// repeated (RFC 3261 §17.1.1.2, timer B).
    fn was_told_in_vain(&self, record: &Record, leg: &Leg) -> bool {
        const REPEATED: Duration = Duration::from_secs(32);
        let killed = self.crashed_at.iter().any(|at| (leg.ended_at..leg.ended_at + REPEATED).contains(at));
        // Who is served is answered at once, and may be hung up on before it knows.
        let at_once = leg.ended_at.saturating_sub(leg.started_at) < Duration::from_secs(1);
        killed && leg.caller_side && leg.ended.is_some() && (!record.answered || at_once)
    }

    /// CDR-06: who hung up, by the phones' own word.
    fn who_hung_up(&self, record: &Record) -> Result<(), String> {
        let Some(end) = record.ended.filter(|end| end.cause == EndCause::Normal) else { return Ok(()) };
        let caller_side = match end.by {
            EndedBy::Caller => true,
            EndedBy::Callee => false,
            // A flow ends where it says so, and a message that is long enough.
            EndedBy::System if record.legs.values().any(|leg| leg.sip_call_id.is_empty()) => return Ok(()),
            EndedBy::System => return Err(format!("nobody hung up: {record:?}")),
        };
        let on_its_side = |leg: &&Leg| leg.answered && leg.caller_side == caller_side && !leg.was_transferred();
        let hung_up = record.legs.values().filter(on_its_side).any(|leg| {
            self.phones
                .iter()
                .any(|phone| phone.forgot(&leg.sip_call_id) || phone.lived(&leg.sip_call_id).contains(&Lived::HungUp))
        });
        if hung_up { Ok(()) } else { Err(format!("{:?} did not hang up: {record:?}", end.by)) }
    }

    /// A call outside (GEN-18: an emergency call above all) is not lost while a carrier is left that was not tried, be it that a
    /// carrier is down or full, or that our own ports for it could not be bound.
    fn were_all_tried(&self, call: &CallId, record: &Record) -> Result<(), String> {
        let lost = record
            .ended
            .is_some_and(|end| matches!(end.status, 408 | 480 | 500..=599) && end.cause != EndCause::NoAnswer);
        let commanded = record.ended.is_some_and(|end| matches!(end.cause, EndCause::Command | EndCause::Stopped));
        let all = CARRIERS.iter().all(|(name, _)| record.legs.values().any(|leg| leg.peer_name == *name));
        // The first step of an originated call may fail at the phone that is rung.
        let sought = record.legs.values().all(|leg| !(leg.caller_side && leg.answered))
            && record.legs.values().any(|leg| !leg.caller_side);
        let outside =
            record.legs.values().any(|leg| !leg.caller_side && CARRIERS.iter().any(|(name, _)| leg.peer_name == *name));
        let free = self.node.rtp_ports.1 > 20_100 && !self.unheard.contains(call);
        // A transfer that fails is told to who asked for it, and the call goes on.
        let lost = lost && record.transfers == 0;
        if outside && sought && lost && !commanded && free && !all {
            return Err(format!("{call} was given up before all carriers were tried: {record:?}"));
        }
        Ok(())
    }

    /// A phone that took a place in a call.
    fn took_over_fits(&self, phone: &Phone, lived: &[Lived], leg: &Leg) -> bool {
        let Some((cause, told)) = leg.ended else { return false };
        let talked = lived.contains(&Lived::Talked);
        let fits = lived.iter().all(|lived| match lived {
            // The process died after it had refused, before the end of the leg was written down: its ports were still open.
            Lived::Failed(_) if cause == EndCause::Interrupted => !leg.answered,
            Lived::Failed(status) => !leg.answered && told == *status,
            Lived::Cancelled => !leg.answered,
            Lived::TimedOut => talked || self.may_be_lost(phone),
            Lived::Dialled(_) | Lived::Rang => false,
            Lived::TookOver(_) | Lived::Talked | Lived::HungUp | Lived::WasHungUp => true,
        });
        fits && (talked == leg.answered || phone.was_cut_off)
    }

    fn caller_fits(&self, phone: &Phone, lived: &[Lived], record: &Record, leg: &Leg) -> bool {
        let Some(end) = record.ended else { return false };
        let told = leg.ended.map_or(0, |(_, status)| status);
        let talked = lived.contains(&Lived::Talked);
        let ended = lived.iter().all(|lived| match lived {
            // The answer died with its process, and the next one challenged the repeated INVITE anew.
            Lived::Failed(401) if self.was_told_in_vain(record, leg) => true,
            Lived::Failed(status) => !record.answered && told == *status && end.status == *status,
            // It gave up, and the switch said so.
            Lived::Cancelled => {
                // Or the other side answered and hung up before its PRACK came.
                let answered = record.legs.values().any(|leg| !leg.caller_side && leg.answered);
                let hung_up = end.by == EndedBy::Callee && answered;
                // Or the call was made to ask, and whom it called was connected with somebody else before the answer.
                let moved = end.cause == EndCause::Transferred && leg.was_transferred_early(record);
                let cancelled = end.cause == EndCause::Cancelled && (end.by == EndedBy::Caller || hung_up);
                !record.answered && (cancelled || moved)
            }
            // What a dead process was about to say nobody heard.
            Lived::TimedOut => talked || self.may_be_lost(phone),
            Lived::Dialled(_) | Lived::TookOver(_) | Lived::Rang | Lived::Talked | Lived::HungUp | Lived::WasHungUp => {
                true
            }
        });
        // An answer that nobody could bring to the caller is one all the same: the missing ACK ends the call.
        let unheard = phone.was_cut_off && leg.answered && !talked;
        ended && (unheard || talked == record.answered && talked == leg.answered)
    }
}

impl Leg {
    /// It moved into another call, or handed its party on.
    fn was_transferred(&self) -> bool {
        self.ended.is_some_and(|(cause, _)| cause == EndCause::Transferred)
    }

    /// The leg that this one called moved into another call before it answered.
    fn was_transferred_early(&self, record: &Record) -> bool {
        !self.answered && record.legs.values().any(|leg| !leg.caller_side && !leg.answered && leg.was_transferred())
    }
}

fn callee_fits(lived: &[Lived], record: &Record, leg: &Leg) -> bool {
    let Some((cause, told)) = leg.ended else { return false };
    // The answer and the end of the call may cross.
    // So may they where somebody is rung in a call that was answered (a new party, a third one, an agent for who waits in a queue), and
    // it ends.
    let waited = cause == EndCause::Normal && !leg.answered && record.answered;
    // Or the agent declined by another way than his phone.
    let declined = cause == EndCause::Rejected && told == 0;
    let crossed = waited || declined || !matches!(cause, EndCause::Normal | EndCause::Busy | EndCause::Rejected);
    let fits = lived.iter().all(|lived| match lived {
        Lived::Failed(status) => !leg.answered && (told == *status || crossed),
        Lived::Cancelled => !leg.answered && crossed,
        Lived::Talked => leg.answered || crossed,
        Lived::Dialled(_) | Lived::TookOver(_) => false,
        Lived::Rang | Lived::HungUp | Lived::WasHungUp | Lived::TimedOut => true,
    });
    // The ACK may be lost, or the BYE overtake it.
    let answered = [Lived::Talked, Lived::TimedOut, Lived::WasHungUp].iter().any(|answer| lived.contains(answer));
    fits && (!leg.answered || answered)
}
