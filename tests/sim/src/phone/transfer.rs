//! A phone hands its other party on (REFER, RFC 3515 and 5589), or takes a place in another phone's call (INVITE with Replaces,
//! RFC 3891).

use std::time::Duration;

use super::{Dialog, Hold, Lived, Phone, Plan, Role, Stage};
use crate::text::Text;

/// A REFER of this phone, and what it was told of it.
#[derive(Clone, Debug)]
pub(super) struct Referral {
    /// Its CSeq: the `id` of its event (RFC 3515 §2.4.6).
    cseq: u32,
    /// It was accepted.
    accepted: bool,
    /// The CSeq of the NOTIFY that ended the subscription.
    told: Option<u32>,
}

/// The place that an INVITE takes (RFC 3891 §3), as the phone knows it that has it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The extension of that phone.
    pub user: String,
    /// The value of a Replaces.
    pub replaces: String,
}

impl Dialog {
    /// Its REFER was accepted, and nobody said what became of it.
    #[must_use]
    pub fn waits_for_news(&self) -> bool {
        self.referral.as_ref().is_some_and(|referral| referral.accepted && referral.told.is_none())
    }

    /// Its REFER has no final response.
    pub(crate) fn waits_for_answer(&self) -> bool {
        self.referral.as_ref().is_some_and(|referral| !referral.accepted)
    }

    /// The other side gave a tag before its answer.
    pub(crate) fn has_early_tag(&self) -> bool {
        self.early_tag.is_some()
    }

    /// What became of its REFER.
    pub(crate) fn referral_likeness(&self) -> Option<(bool, bool)> {
        self.referral.as_ref().map(|referral| (referral.accepted, referral.told.is_some()))
    }

    /// The value of a Replaces that names this dialog to the other side: its own tag first.
    fn replaces(&self) -> Option<String> {
        let theirs = self.remote_tag.as_ref().or(self.early_tag.as_ref())?;
        Some(format!("{};to-tag={theirs};from-tag={}", self.call_id, self.local_tag))
    }
}

impl Phone {
    /// What the person does about the other party during the talk, if it does anything: hands it on at once, or asks a third
    /// party first.
    pub(super) fn plan_transfer(&mut self, now: Duration, call_id: &str, talk_ms: u64) {
        if self.friends.is_empty() || !self.rng.chance(self.habits.transfers) {
            return;
        }
        let at = now + Duration::from_millis(self.rng.between(0, talk_ms));
        let number = self.rng.pick(&self.friends).clone();
        let call_id = call_id.to_owned();
        let plan = if self.rng.chance(500) { Plan::Refer(call_id, number) } else { Plan::Consult(call_id, number) };
        self.plan(at, plan);
    }

    /// Hands the other party on to a number.
    pub(crate) fn refer_to(&mut self, now: Duration, call_id: &str, number: &str) {
        let refer_to = format!("<sip:{number}@{}>", self.switch_host());
        self.refer(now, call_id, &refer_to);
    }

    /// Holds, and calls somebody to ask.
    pub(super) fn consult(&mut self, now: Duration, call_id: &str, number: &str) {
        if !self.dialogs.get(call_id).is_some_and(Dialog::is_up) {
            return;
        }
        self.hold(now, call_id);
        self.ask_third(now, call_id, number);
    }

    /// Calls somebody to ask.
    pub(crate) fn ask_third(&mut self, now: Duration, call_id: &str, number: &str) {
        let second = self.place(now, number);
        self.consulting.insert(second, call_id.to_owned());
    }

    /// Whether that is a call that it made to ask.
    pub(crate) fn is_asking(&self, dialog: &Dialog) -> bool {
        self.consulting.contains_key(&dialog.call_id)
    }

    /// The third party rings or has answered: after a while the two others are connected.
    pub(super) fn consulted(&mut self, now: Duration, second: &str, rings: bool) {
        if self.consulting.contains_key(second) && (!rings || self.rng.chance(300)) {
            let wait = Duration::from_millis(self.rng.between(0, 6_000));
            self.plan(now + wait, Plan::HandOver(second.to_owned()));
        }
    }

    /// Connects the party that it holds with the one that it asked, or with the one that it is calling.
    pub(crate) fn hand_over(&mut self, now: Duration, second: &str) {
        let Some(first) = self.consulting.remove(second) else { return };
        let Some(dialog) = self.dialogs.get(second) else { return };
        let alive = matches!(dialog.stage, Stage::Up | Stage::Calling { giving_up: false, .. });
        let (Some(replaces), true) = (dialog.replaces(), alive) else { return };
        let escaped = replaces.replace(';', "%3B").replace('=', "%3D");
        let refer_to = format!("<sip:{}@{}?Replaces={escaped}>", dialog.dialled, self.switch_host());
        self.refer(now, &first, &refer_to);
    }

    fn refer(&mut self, now: Duration, call_id: &str, refer_to: &str) {
        let Some(dialog) = self.dialogs.get_mut(call_id).filter(|dialog| dialog.is_up()) else { return };
        // One question at a time, and one transfer.
        let asks = matches!(dialog.hold, Hold::Asked | Hold::Retrieving);
        if asks || dialog.referral.as_ref().is_some_and(|referral| referral.told.is_none()) {
            return;
        }
        dialog.cseq += 1;
        dialog.asked_at = now;
        dialog.referral = Some(Referral { cseq: dialog.cseq, accepted: false, told: None });
        let extra = format!("Refer-To: {refer_to}\r\nReferred-By: <sip:{}@{}>\r\n", self.user, self.switch_host());
        let branch = self.branch();
        let text = self.in_dialog("REFER", call_id, &branch, &extra, "");
        self.await_answer(now, &branch, "REFER", call_id, text);
    }

    /// The final response to a REFER.
    pub(super) fn referred(&mut self, call_id: &str, text: &Text) -> Result<(), String> {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return Ok(()) };
        let Some(referral) = dialog.referral.as_mut() else { return Ok(()) };
        match text.status() {
            202 => referral.accepted = true,
            // Its first NOTIFY may have come before.
            status if REFUSED.contains(&status) && !referral.accepted => dialog.referral = None,
            // Its 202 was lost, and the process that had taken it was killed; what its NOTIFY told stands.
            481 if referral.accepted => dialog.referral = None,
            // RFC 3261 §12.2.2: a later request overtook it.
            500 if dialog.cseq > referral.cseq => dialog.referral = None,
            status => return Err(format!("{status} to a REFER: {referral:?}")),
        }
        Ok(())
    }

    /// RFC 3515 §2.4.4: what became of the REFER.
    pub(super) fn notified(&mut self, text: &Text) -> Result<(), String> {
        let Some(dialog) = self.dialogs.get_mut(text.call_id()).filter(|dialog| !dialog.is_over()) else {
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return Ok(());
        };
        let referral = dialog.referral.as_mut().ok_or("a NOTIFY to a phone that sent no REFER")?;
        let event = text.get("Event").unwrap_or_default();
        if event != format!("refer;id={}", referral.cseq) {
            return Err(format!("a NOTIFY of {event:?} to {referral:?}"));
        }
        referral.accepted = true;
        let state = text.get("Subscription-State").unwrap_or_default();
        let fragment: u16 =
            text.body.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0);
        let ends = state.starts_with("terminated");
        if !(100..=699).contains(&fragment) || ends != (fragment >= 200) {
            return Err(format!("a NOTIFY of {state:?} with {:?}", text.body));
        }
        match referral.told {
            Some(last) if last < text.cseq() => return Err("a NOTIFY after the last one".to_owned()),
            None if ends => referral.told = Some(text.cseq()),
            Some(_) | None => {}
        }
        self.reply(text, 200, "OK", "");
        Ok(())
    }

    /// Somebody here takes the place of another phone.
    pub fn take_over(&mut self, now: Duration, place: Place) {
        let number = place.user.clone();
        self.place_with(now, &number, Some(place));
    }

    /// A dialog of this phone whose place another one may take: it rings, or it talks.
    #[must_use]
    pub fn place_to_take(&self) -> Option<Place> {
        if self.gone || self.password.is_none() {
            return None;
        }
        let open = |dialog: &&Dialog| match dialog.stage {
            Stage::Ringing(_) => dialog.role == Role::Callee,
            Stage::Up => true,
            Stage::Calling { .. } | Stage::Answering { .. } | Stage::Ending | Stage::Over => false,
        };
        let dialog = self.dialogs.values().find(open)?;
        Some(Place { user: self.user.clone(), replaces: dialog.replaces()? })
    }

    /// How often it took a place and talked there.
    #[must_use]
    pub fn places_taken(&self) -> usize {
        let took = self.log.iter().filter(|note| matches!(note.lived, Lived::TookOver(_)));
        took.filter(|note| self.lived(&note.call_id).contains(&Lived::Talked)).count()
    }
}

/// How a REFER may be refused: nobody talks, no such number or dialog, handed on too often, an agent who is not idle, no codec in common,
/// another transfer under way, no room.
const REFUSED: [u16; 8] = [403, 404, 481, 483, 486, 488, 491, 503];
