//! 100rel and UPDATE (RFC 3262, RFC 3311) as a phone does them, both ways.

use std::time::Duration;

use super::{Dialog, Hold, Phone, Role, Stage, T1};
use crate::text::Text;

/// What a phone says of 100rel in its INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// Nothing.
    Not,
    /// `Supported`.
    Can,
    /// `Require`.
    Must,
}

impl Sure {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Not => "",
            Self::Can => "Supported: 100rel\r\n",
            Self::Must => "Require: 100rel\r\n",
        }
    }
}

/// The early dialog of a call that this phone made.
#[derive(Clone, Debug, Default)]
pub(super) struct Early {
    /// The tag and the Contact of the switch.
    pub(super) peer: Option<(String, String)>,
    /// The last RSeq that came in its turn.
    rseq: Option<u32>,
}

/// A reliable provisional response of this phone that waits for its PRACK.
#[derive(Clone, Debug)]
pub(super) struct Unpracked {
    text: String,
    again_at: Duration,
    interval: Duration,
    gives_up_at: Duration,
}

/// The RSeq that this phone begins with.
const RSEQ: u32 = 700;

impl Phone {
    /// A provisional response to our INVITE: what is wrong with it, and the PRACK. False if it is not to be heard.
    pub(super) fn heard_surely(&mut self, now: Duration, call_id: &str, text: &Text) -> Result<bool, String> {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return Ok(true) };
        if text.status() == 100 {
            return Ok(true);
        }
        let rseq: Option<u32> = text.get("RSeq").and_then(|rseq| rseq.parse().ok());
        let required = text.get("Require").is_some_and(|tags| tags.contains("100rel"));
        match (dialog.sure, required, rseq) {
            (Sure::Not, false, None) => return Ok(true),
            (Sure::Not, ..) => return Err("a reliable response to a phone that knows nothing of it".into()),
            (Sure::Must, false, _) => return Err(format!("{} though 100rel was required", text.start)),
            (Sure::Can, false, _) if text.audio().is_some() => {
                return Err(format!("{} with a session, and not reliably", text.start));
            }
            (Sure::Can, false, _) => return Ok(true),
            (Sure::Can | Sure::Must, true, None) => return Err("a reliable response without an RSeq".into()),
            (Sure::Can | Sure::Must, true, Some(_)) => {}
        }
        if let (Some(tag), Some(target)) = (text.tag("To"), text.contact_uri()) {
            dialog.began_early.peer = Some((tag.to_owned(), target.to_owned()));
        }
        if dialog.began_early.rseq.is_some_and(|last| rseq != Some(last + 1)) {
            return Ok(false);
        }
        dialog.began_early.rseq = rseq;
        let (cseq, delayed) = (dialog.invite_cseq, dialog.delayed);
        let offered = text.audio().map(|audio| audio.payload_types);
        let body = match offered {
            // The switch offered: the PRACK answers.
            Some(offered) if delayed => {
                dialog.delayed = false;
                let common: Vec<u8> = dialog.payload_types.iter().copied().filter(|pt| offered.contains(pt)).collect();
                self.session(call_id, "sendrecv", &common, false)
            }
            Some(_) if self.rng.chance(self.habits.updates) => self.next_session(call_id, "sendrecv"),
            Some(_) | None => String::new(),
        };
        let rack = format!("RAck: {} {cseq} INVITE\r\n", rseq.unwrap_or(0));
        self.send_within(now, call_id, "PRACK", &rack, &body);
        Ok(true)
    }

    /// The final response to a PRACK or UPDATE of ours.
    pub(super) fn asked_within(&mut self, now: Duration, method: &str, call_id: &str, text: &Text) {
        let update = self.rng.chance(self.habits.updates);
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        if text.status() < 300 && text.audio().is_some() {
            dialog.remote = text.audio();
            dialog.since = now;
        }
        let early = matches!(dialog.stage, Stage::Calling { .. }) && dialog.began_early.peer.is_some();
        if method == "PRACK" && early && update {
            let body = if dialog.remote.is_some() { self.next_session(call_id, "sendrecv") } else { String::new() };
            self.send_within(now, call_id, "UPDATE", "", &body);
        }
    }

    /// Our UPDATE that holds or takes back was answered.
    pub(super) fn held_by_update(&mut self, now: Duration, call_id: &str, text: &Text) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        let (asked, success) = (dialog.hold, text.status() < 300);
        dialog.hold = match (asked, success) {
            (Hold::Asked, true) | (Hold::Retrieving, false) => Hold::Holding,
            (Hold::Retrieving, true) | (Hold::Asked, false) => Hold::None,
            (Hold::None | Hold::Holding, _) => asked,
        };
        dialog.since = now;
        if success {
            dialog.remote = text.audio().or(dialog.remote.take());
        }
        self.after_reinvite(now, call_id, text.status(), asked);
    }

    /// A session description that takes the place of the last one.
    fn next_session(&mut self, call_id: &str, direction: &str) -> String {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return String::new() };
        dialog.sdp_version += 1;
        let payload_types = dialog.payload_types.clone();
        self.session(call_id, direction, &payload_types, false)
    }

    fn send_within(&mut self, now: Duration, call_id: &str, method: &str, extra: &str, body: &str) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        dialog.cseq += 1;
        // RFC 3261 §9.1: a CANCEL goes where the INVITE went, so the early dialog is remembered apart.
        let kept = (dialog.remote_tag.clone(), dialog.target.clone());
        if let (Some((tag, target)), Role::Caller, Stage::Calling { .. }) =
            (dialog.began_early.peer.clone(), dialog.role, &dialog.stage)
        {
            (dialog.remote_tag, dialog.target) = (Some(tag), target);
        }
        let branch = self.branch();
        let text = self.in_dialog(method, call_id, &branch, extra, body);
        if let Some(dialog) = self.dialogs.get_mut(call_id) {
            (dialog.remote_tag, dialog.target) = kept;
        }
        self.await_answer(now, &branch, method, call_id, text);
    }

    /// Whether this phone makes sure that its provisional response to an INVITE arrives.
    pub(super) fn is_sure(&mut self, invite: &Text) -> bool {
        let known = ["Supported", "Require"].iter().any(|name| invite.get(name).is_some_and(|v| v.contains("100rel")));
        let at_once = invite.get("Call-Info").is_some_and(|info| info.contains("answer-after=0"));
        known && !at_once && self.rng.chance(self.habits.reliable)
    }

    /// Sends the provisional response until the PRACK comes.
    pub(super) fn ring_surely(&mut self, now: Duration, invite: &Text, status: u16, reason: &str, body: &str) {
        let extra = format!("Require: 100rel\r\nRSeq: {RSEQ}\r\n");
        let text = self.reply_with(invite, status, reason, &extra, body);
        if let Some(dialog) = self.dialogs.get_mut(invite.call_id()) {
            dialog.unpracked = Some(Unpracked { text, again_at: now + T1, interval: T1, gives_up_at: now + 64 * T1 });
        }
    }

    /// A PRACK of the switch.
    pub(super) fn pracked(&mut self, text: &Text) -> Result<(), String> {
        let named = text.get("RAck").unwrap_or_default().to_owned();
        let Some(dialog) = self.dialogs.get_mut(text.call_id()) else {
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return Ok(());
        };
        let rings = matches!(dialog.stage, Stage::Ringing(_));
        // A PRACK may be repeated after an INVITE of our own.
        let known = if rings {
            named == format!("{RSEQ} {} INVITE", dialog.invite_cseq)
        } else {
            named.starts_with(&format!("{RSEQ} "))
        };
        if self.forgotten.contains_key(text.call_id()) {
            // It has a new call by the repeated INVITE, and knows nothing of what it said before its power went.
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return Ok(());
        }
        if !known {
            return Err(format!("PRACK for {named}, which was never sent"));
        }
        if dialog.unpracked.take().is_none() && rings {
            return Err("a second PRACK for one response".into());
        }
        self.reply(text, 200, "OK", "");
        Ok(())
    }

    /// RFC 3262 §3: again after T1, twice that and so on; after 64 times T1 the INVITE is refused.
    pub(super) fn repeat_progress(&mut self, now: Duration) {
        let mut unheard = Vec::new();
        for dialog in self.dialogs.values_mut() {
            let Some(unpracked) = dialog.unpracked.as_mut().filter(|_| matches!(dialog.stage, Stage::Ringing(_)))
            else {
                continue;
            };
            if unpracked.gives_up_at <= now {
                unheard.push(dialog.call_id.clone());
            } else if unpracked.again_at <= now {
                self.out.push(unpracked.text.clone());
                unpracked.interval *= 2;
                unpracked.again_at = now + unpracked.interval;
            }
        }
        for call_id in unheard {
            self.end_ringing(now, &call_id, 504, "Server Time-out");
        }
    }
}

impl Dialog {
    /// When its provisional response is sent again.
    pub(super) fn progress_due(&self) -> Option<Duration> {
        let unpracked = self.unpracked.as_ref().filter(|_| matches!(self.stage, Stage::Ringing(_)))?;
        Some(unpracked.again_at.min(unpracked.gives_up_at))
    }
}
