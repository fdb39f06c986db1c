//! What a phone sends of its own accord.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reliable::{Early, Sure};
use super::{Awaited, Dialog, Hold, Lived, Phone, Place, Plan, Role, Stage, T1, Transport};

impl Phone {
    pub(super) fn register(&mut self, now: Duration) {
        self.registration.cseq += 1;
        self.registration.tried_password = false;
        self.send_register(now, None);
    }

    pub(super) fn send_register(&mut self, now: Duration, authorization: Option<(&str, String)>) {
        let branch = self.branch();
        let (call_id, cseq) = (self.registration.call_id.clone(), self.registration.cseq);
        let authorization = authorization.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        let text = format!(
            "REGISTER sip:{switch} SIP/2.0\r\nVia: SIP/2.0/{via} {address};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{host}>;tag=r{cseq}\r\nTo: <sip:{user}@{host}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n\
             Contact: <sip:{user}@{contact}>;expires=120\r\n{authorization}Content-Length: 0\r\n\r\n",
            switch = self.switch,
            via = self.transport.via(),
            address = self.address,
            contact = self.contact(),
            user = self.user,
            host = self.switch_host(),
        );
        self.await_answer(now, &branch, "REGISTER", &call_id, text);
    }

    pub(crate) fn place(&mut self, now: Duration, number: &str) -> String {
        self.place_with(now, number, None)
    }

    /// Calls; gives the Call-ID.
    pub(super) fn place_with(&mut self, now: Duration, number: &str, takes: Option<Place>) -> String {
        let token = self.token();
        let call_id = format!("{}-{token}", self.user);
        let strange = self.rng.chance(self.habits.strange_codec);
        let payload_types = if strange { vec![18] } else { self.codecs() };
        let sure = match self.rng.chance(self.habits.reliable) {
            true => *self.rng.pick(&[Sure::Can, Sure::Can, Sure::Must]),
            false => Sure::Not,
        };
        let dialog = Dialog {
            call_id: call_id.clone(),
            role: Role::Caller,
            stage: Stage::Calling { provisional: false, giving_up: false },
            hold: Hold::None,
            since: now,
            asked_at: now,
            port: self.port(),
            remote: None,
            dialled: number.to_owned(),
            local_uri: format!("sip:{}@{}", self.user, self.switch_host()),
            local_tag: self.token(),
            remote_uri: format!("sip:{number}@{}", self.switch_host()),
            remote_tag: None,
            early_tag: None,
            takes,
            referral: None,
            target: format!("sip:{number}@{}", self.switch),
            cseq: 1,
            invite_cseq: 1,
            invite_branch: String::new(),
            acks: BTreeMap::new(),
            sdp_version: 1,
            payload_types,
            tried_password: false,
            early: false,
            delayed: self.rng.chance(self.habits.delayed_offer),
            sure,
            began_early: Early::default(),
            unpracked: None,
        };
        let place = dialog.takes.as_ref().map(|place| place.user.clone());
        let lived = place.map_or_else(|| Lived::Dialled(number.to_owned()), Lived::TookOver);
        self.dialogs.insert(call_id.clone(), dialog);
        self.note(now, &call_id, lived);
        self.send_invite(now, &call_id, None);
        if self.rng.chance(self.habits.cancels) {
            let after = Duration::from_millis(self.rng.between(0, 20_000));
            self.plan(now + after, Plan::GiveUp(call_id.clone()));
        }
        call_id
    }

    /// The first INVITE of a call, or the same with credentials.
    pub(super) fn send_invite(&mut self, now: Duration, call_id: &str, authorization: Option<(&str, String)>) {
        let dialog = &self.dialogs[call_id];
        let (delayed, sure) = (dialog.delayed, dialog.sure.field());
        let takes = dialog.takes.as_ref().map(|place| {
            let Place { user, replaces } = place;
            format!("Require: replaces\r\nReplaces: {replaces}\r\nReferred-By: <sip:{user}@{}>\r\n", self.switch_host())
        });
        let takes = takes.unwrap_or_default();
        let video = self.rng.chance(self.habits.video);
        let body =
            if delayed { String::new() } else { self.session(call_id, "sendrecv", &dialog.payload_types, video) };
        let branch = self.branch();
        let signed = authorization.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        let extra = format!("{sure}{takes}{signed}");
        let text = self.in_dialog("INVITE", call_id, &branch, &extra, &body);
        if let Some(dialog) = self.dialogs.get_mut(call_id) {
            dialog.invite_cseq = dialog.cseq;
            dialog.invite_branch.clone_from(&branch);
        }
        self.await_answer(now, &branch, "INVITE", call_id, text);
    }

    pub(crate) fn give_up(&mut self, now: Duration, call_id: &str) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        let Stage::Calling { provisional, giving_up, .. } = &mut dialog.stage else { return };
        let first = !std::mem::replace(giving_up, true);
        let may_cancel = *provisional;
        // RFC 3261 §9.1: no CANCEL before a provisional response.
        if first && may_cancel {
            self.send_cancel(now, call_id);
        }
    }

    pub(super) fn send_cancel(&mut self, now: Duration, call_id: &str) {
        let dialog = &self.dialogs[call_id];
        // RFC 3261 §9.1: the same Request-URI, Call-ID, To, From and CSeq number, and the same single Via.
        let text = format!(
            "CANCEL {target} SIP/2.0\r\nVia: SIP/2.0/{via} {address};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <{local}>;tag={tag}\r\nTo: <{remote}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} CANCEL\r\nContent-Length: 0\r\n\r\n",
            target = dialog.target,
            via = self.transport.via(),
            address = self.address,
            branch = dialog.invite_branch,
            local = dialog.local_uri,
            tag = dialog.local_tag,
            remote = dialog.remote_uri,
            cseq = dialog.invite_cseq,
        );
        let key = format!("{}-cancel", dialog.invite_branch);
        self.await_answer(now, &key, "CANCEL", call_id, text);
    }

    pub(crate) fn hold(&mut self, now: Duration, call_id: &str) {
        let ways = if self.led { ["sendonly"; 2] } else { ["sendonly", "inactive"] };
        let direction = *self.rng.pick(&ways);
        self.change_direction(now, call_id, direction, Hold::None, Hold::Asked);
    }

    pub(crate) fn retrieve(&mut self, now: Duration, call_id: &str) {
        self.change_direction(now, call_id, "sendrecv", Hold::Holding, Hold::Retrieving);
    }

    fn change_direction(&mut self, now: Duration, call_id: &str, direction: &str, from: Hold, to: Hold) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        if !dialog.is_up() || dialog.hold != from {
            return;
        }
        dialog.hold = to;
        (dialog.since, dialog.asked_at) = (now, now);
        dialog.cseq += 1;
        dialog.sdp_version += 1;
        let update = self.rng.chance(self.habits.updates);
        if !update {
            dialog.invite_cseq = dialog.cseq;
        }
        let payload_types = dialog.payload_types.clone();
        let body = self.session(call_id, direction, &payload_types, false);
        let branch = self.branch();
        let (method, awaited) = if update { ("UPDATE", "HOLD-UPDATE") } else { ("INVITE", "RE-INVITE") };
        let text = self.in_dialog(method, call_id, &branch, "", &body);
        self.await_answer(now, &branch, awaited, call_id, text);
    }

    pub(crate) fn hang_up(&mut self, now: Duration, call_id: &str) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        if !dialog.is_up() {
            return;
        }
        if self.rng.chance(self.habits.vanishes) {
            self.gone = true;
            return;
        }
        dialog.cseq += 1;
        let branch = self.branch();
        let text = self.in_dialog("BYE", call_id, &branch, "", "");
        self.note(now, call_id, Lived::HungUp);
        self.set_stage(now, call_id, Stage::Ending);
        self.await_answer(now, &branch, "BYE", call_id, text);
    }

    /// The ACK to a 2xx: a transaction of its own, never repeated but for a repeated 2xx (RFC 3261 §13.2.2.4).
    pub(super) fn ack_success(&mut self, call_id: &str, body: &str) {
        let branch = self.branch();
        let text = self.in_dialog("ACK", call_id, &branch, "", body);
        if let Some(dialog) = self.dialogs.get_mut(call_id) {
            dialog.acks.insert(dialog.invite_cseq, text.clone());
        }
        self.out.push(text);
    }

    /// The ACK to a failure: part of the INVITE's transaction (RFC 3261 §17.1.1.3).
    pub(super) fn ack_failure(&mut self, call_id: &str, to: &str, branch: &str, cseq: u32) {
        let dialog = &self.dialogs[call_id];
        let text = format!(
            "ACK {target} SIP/2.0\r\nVia: SIP/2.0/{via} {address};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <{local}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n",
            target = dialog.target,
            via = self.transport.via(),
            address = self.address,
            local = dialog.local_uri,
            tag = dialog.local_tag,
        );
        self.out.push(text);
    }

    pub(super) fn in_dialog(&self, method: &str, call_id: &str, branch: &str, extra: &str, body: &str) -> String {
        let dialog = &self.dialogs[call_id];
        let cseq = if method == "ACK" { dialog.invite_cseq } else { dialog.cseq };
        let to_tag = dialog.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{via} {address};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <{local}>;tag={tag}\r\nTo: <{remote}>{to_tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:{user}@{contact}>\r\n{extra}{content_type}Content-Length: {length}\r\n\r\n{body}",
            target = dialog.target,
            via = self.transport.via(),
            address = self.address,
            local = dialog.local_uri,
            tag = dialog.local_tag,
            remote = dialog.remote_uri,
            contact = self.contact(),
            user = self.user,
            length = body.len(),
        )
    }

    pub(super) fn await_answer(&mut self, now: Duration, key: &str, method: &str, call_id: &str, text: String) {
        self.out.push(text.clone());
        self.awaited.insert(
            key.to_owned(),
            Awaited {
                method: method.to_owned(),
                call_id: call_id.to_owned(),
                text,
                // RFC 3261 §17.1.1.2, §17.1.2.2: nothing is repeated where the transport delivers.
                again_at: (self.transport == Transport::Udp).then_some(now + T1),
                interval: T1,
                gives_up_at: now + 64 * T1,
            },
        );
    }

    pub(super) fn codecs(&mut self) -> Vec<u8> {
        if self.led {
            return vec![0, 101];
        }
        self.rng.pick(&[vec![0, 8, 101], vec![8, 0, 101], vec![0], vec![8], vec![9, 0, 101]]).clone()
    }

    pub(super) fn port(&mut self) -> u16 {
        self.count += 1;
        30_000 + u16::try_from(self.count % 10_000).unwrap_or(0) * 2
    }

    pub(super) fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.token())
    }

    pub(super) fn switch_host(&self) -> &str {
        self.switch.split(':').next().unwrap_or_default()
    }
}
