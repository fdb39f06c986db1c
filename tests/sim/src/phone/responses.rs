//! What a phone makes of what comes in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reliable::{Early, Sure};
use super::{Dialog, Hold, Lived, Phone, Plan, Role, Stage, T1, auth};
use crate::text::Text;

impl Phone {
    pub(super) fn take_response(&mut self, now: Duration, text: &Text) -> Result<(), String> {
        let key = match text.method() {
            "CANCEL" => format!("{}-cancel", text.branch()),
            _ => text.branch().to_owned(),
        };
        let Some(awaited) = self.awaited.get_mut(&key) else {
            return self.take_stray(text);
        };
        let (method, call_id) = (awaited.method.clone(), awaited.call_id.clone());
        if text.status() < 200 {
            if matches!(method.as_str(), "INVITE" | "RE-INVITE") {
                // RFC 3261 §17.1.1.2: no more retransmissions; timer B does not run in Proceeding.
                awaited.again_at = None;
                awaited.gives_up_at = now + Duration::from_secs(240);
            }
            if method == "INVITE" && self.heard_surely(now, &call_id, text)? {
                self.rings(now, &call_id, text);
            }
            return Ok(());
        }
        self.awaited.remove(&key);
        match method.as_str() {
            "REGISTER" => self.registered(now, text),
            "INVITE" => self.invite_answered(now, &call_id, text),
            "RE-INVITE" => self.reinvite_answered(now, &call_id, text),
            "BYE" => self.set_stage(now, &call_id, Stage::Over),
            "PRACK" | "UPDATE" => self.asked_within(now, &method, &call_id, text),
            "REFER" => return self.referred(&call_id, text),
            "INFO" => return self.pressed(now, &call_id, text),
            "HOLD-UPDATE" => self.held_by_update(now, &call_id, text),
            _ => {}
        }
        Ok(())
    }

    /// A final response whose transaction is over: repeated, because the ACK was lost, or late.
    fn take_stray(&mut self, text: &Text) -> Result<(), String> {
        let call_id = text.call_id().to_owned();
        if text.method() != "INVITE" || text.status() < 200 || !self.dialogs.contains_key(&call_id) {
            return Ok(());
        }
        if text.status() >= 300 {
            let to = text.get("To").unwrap_or_default().to_owned();
            self.ack_failure(&call_id, &to, text.branch(), text.cseq());
            return Ok(());
        }
        let dialog = &self.dialogs[&call_id];
        if dialog.remote_tag.as_deref() == text.tag("To")
            && let Some(ack) = dialog.acks.get(&text.cseq())
        {
            self.out.push(ack.clone());
        }
        Ok(())
    }

    fn registered(&mut self, now: Duration, text: &Text) {
        if matches!(text.status(), 401 | 407) && !self.registration.tried_password {
            self.registration.tried_password = true;
            self.registration.cseq += 1;
            let uri = format!("sip:{}", self.switch);
            let authorization = self.authorization(text, "REGISTER", &uri);
            self.send_register(now, authorization.as_ref().map(|(name, value)| (*name, value.clone())));
            return;
        }
        if text.status() == 200 {
            self.registration.until = Some(now + Duration::from_secs(120));
            self.plan(now + Duration::from_secs(60), Plan::Register);
        } else {
            self.plan(now + Duration::from_secs(10), Plan::Register);
        }
    }

    /// True while the switch has said that the registration holds.
    #[must_use]
    pub fn is_registered(&self, now: Duration) -> bool {
        self.registration.until.is_some_and(|until| now < until)
    }

    fn authorization(&mut self, text: &Text, method: &str, uri: &str) -> Option<(&'static str, String)> {
        let (name, challenge) = auth::challenge(text)?;
        let password = self.password.clone()?;
        let cnonce = self.token();
        Some((name, auth::answer(&challenge, &self.user, &password, method, uri, &cnonce)))
    }

    fn rings(&mut self, now: Duration, call_id: &str, text: &Text) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        if let Some(audio) = text.audio() {
            dialog.remote = Some(audio);
            dialog.early = true;
            dialog.since = now;
        }
        dialog.early_tag = text.tag("To").map(str::to_owned).or(dialog.early_tag.take());
        let Stage::Calling { provisional, giving_up, .. } = &mut dialog.stage else { return };
        let first = !std::mem::replace(provisional, true);
        if first && *giving_up {
            self.send_cancel(now, call_id);
        } else if text.status() > 100 {
            self.consulted(now, call_id, true);
        }
    }

    fn invite_answered(&mut self, now: Duration, call_id: &str, text: &Text) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        let to = text.get("To").unwrap_or_default().to_owned();
        if text.status() >= 300 {
            self.ack_failure(call_id, &to, text.branch(), text.cseq());
            self.invite_failed(now, call_id, text);
            return;
        }
        let giving_up = matches!(dialog.stage, Stage::Calling { giving_up: true, .. });
        dialog.remote_tag = text.tag("To").map(str::to_owned);
        if let Some(target) = text.contact_uri() {
            target.clone_into(&mut dialog.target);
        }
        dialog.remote = text.audio().or(dialog.remote.take());
        let body = self.answer_in_ack(call_id, text);
        self.ack_success(call_id, &body);
        self.set_stage(now, call_id, Stage::Up);
        self.note(now, call_id, Lived::Talked);
        if giving_up {
            // RFC 3261 §15: too late to cancel, so hang up.
            self.plan(now, Plan::HangUp(call_id.to_owned()));
        } else {
            self.plan_talk(now, call_id);
            self.consulted(now, call_id, false);
        }
    }

    /// The answer to a delayed offer.
    fn answer_in_ack(&self, call_id: &str, text: &Text) -> String {
        let dialog = &self.dialogs[call_id];
        let offered = text.audio().map(|audio| audio.payload_types).unwrap_or_default();
        let common: Vec<u8> = dialog.payload_types.iter().copied().filter(|pt| offered.contains(pt)).collect();
        let delayed = dialog.role == Role::Caller && dialog.sdp_version == 1 && dialog.delayed;
        if delayed { self.session(call_id, "sendrecv", &common, false) } else { String::new() }
    }

    fn invite_failed(&mut self, now: Duration, call_id: &str, text: &Text) {
        let dialog = self.dialogs.get_mut(call_id).expect("the caller looked it up");
        let giving_up = matches!(dialog.stage, Stage::Calling { giving_up: true, .. });
        if matches!(text.status(), 401 | 407) && !dialog.tried_password && !giving_up {
            dialog.tried_password = true;
            dialog.cseq += 1;
            let uri = dialog.target.clone();
            let authorization = self.authorization(text, "INVITE", &uri);
            if authorization.is_some() {
                self.send_invite(now, call_id, authorization);
                return;
            }
        }
        let lived = if text.status() == 487 { Lived::Cancelled } else { Lived::Failed(text.status()) };
        self.note(now, call_id, lived);
        self.set_stage(now, call_id, Stage::Over);
    }

    fn reinvite_answered(&mut self, now: Duration, call_id: &str, text: &Text) {
        let Some(dialog) = self.dialogs.get_mut(call_id) else { return };
        let to = text.get("To").unwrap_or_default().to_owned();
        let success = text.status() < 300;
        let asked = dialog.hold;
        dialog.hold = match (asked, success) {
            (Hold::Asked, true) | (Hold::Retrieving, false) => Hold::Holding,
            (Hold::Retrieving, true) | (Hold::Asked, false) => Hold::None,
            (Hold::None | Hold::Holding, _) => asked,
        };
        dialog.since = now;
        if success {
            dialog.remote = text.audio().or(dialog.remote.take());
            self.ack_success(call_id, "");
        } else {
            self.ack_failure(call_id, &to, text.branch(), text.cseq());
        }
        self.after_reinvite(now, call_id, text.status(), asked);
    }

    pub(super) fn after_reinvite(&mut self, now: Duration, call_id: &str, status: u16, asked: Hold) {
        if matches!(status, 481 | 408) {
            // RFC 5057: the dialog is gone.
            self.set_stage(now, call_id, Stage::Over);
        } else if status == 491 {
            // RFC 3261 §14.1: try again after a while.
            let again = if asked == Hold::Asked { Plan::Hold(call_id.into()) } else { Plan::Retrieve(call_id.into()) };
            let wait = if self.dialogs[call_id].role == Role::Caller { 2_100 } else { 0 } + self.rng.below(1_900);
            self.plan(now + Duration::from_millis(wait), again);
        } else if self.dialogs[call_id].hold == Hold::Holding {
            let wait = Duration::from_millis(self.rng.between(500, 15_000));
            self.plan(now + wait, Plan::Retrieve(call_id.to_owned()));
        }
    }

    /// What the person does during the talk.
    fn plan_talk(&mut self, now: Duration, call_id: &str) {
        let talk = self.rng.between(self.habits.talk_ms.0, self.habits.talk_ms.1);
        let talk = talk.max(self.plan_keys(now, call_id));
        if self.rng.chance(self.habits.holds) {
            let at = self.rng.between(0, talk);
            self.plan(now + Duration::from_millis(at), Plan::Hold(call_id.to_owned()));
        }
        self.plan_transfer(now, call_id, talk);
        // Either side hangs up, whoever is first; a callee stays longer.
        self.plan(now + Duration::from_millis(talk), Plan::HangUp(call_id.to_owned()));
    }

    pub(super) fn take_request(&mut self, now: Duration, text: &Text) -> Result<(), String> {
        let method = text.method().to_owned();
        if method == "ACK" {
            self.acknowledged(now, text);
            return Ok(());
        }
        let key = (text.branch().to_owned(), method.clone());
        if let Some(answer) = self.answered.get(&key) {
            if !answer.is_empty() {
                self.out.push(answer.clone());
            }
            return Ok(());
        }
        match method.as_str() {
            "INVITE" if text.tag("To").is_some() => self.reinvited(now, text),
            "INVITE" => return self.invited(now, text),
            "CANCEL" => self.cancelled(now, text),
            "BYE" => self.bye(now, text),
            "PRACK" => return self.pracked(text),
            "NOTIFY" => return self.notified(text),
            "OPTIONS" | "INFO" => drop(self.reply(text, 200, "OK", "")),
            other => return Err(format!("the switch sent {other}, which no phone asked for")),
        }
        Ok(())
    }

    fn invited(&mut self, now: Duration, text: &Text) -> Result<(), String> {
        if !self.is_signed(text)? {
            let challenge = format!("Proxy-Authenticate: {}\r\n", auth::ask(&self.token()));
            self.reply_with(text, 407, "Proxy Authentication Required", &challenge, "");
            return Ok(());
        }
        let call_id = text.call_id().to_owned();
        let payload_types = self.codecs();
        let offered = text.audio().map(|audio| audio.payload_types).unwrap_or_default();
        if !offered.is_empty() && !payload_types.iter().any(|pt| *pt < 100 && offered.contains(pt)) {
            self.reply(text, 488, "Not Acceptable Here", "");
            return Ok(());
        }
        let dialog = Dialog {
            call_id: call_id.clone(),
            role: Role::Callee,
            stage: Stage::Ringing(Box::new(text.clone())),
            hold: Hold::None,
            since: now,
            asked_at: now,
            port: self.port(),
            remote: text.audio(),
            dialled: String::new(),
            local_uri: uri_of(text.get("To")),
            local_tag: self.token(),
            remote_uri: uri_of(text.get("From")),
            remote_tag: text.tag("From").map(str::to_owned),
            early_tag: None,
            takes: None,
            referral: None,
            target: text.contact_uri().unwrap_or_default().to_owned(),
            cseq: 100,
            invite_cseq: text.cseq(),
            invite_branch: text.branch().to_owned(),
            acks: BTreeMap::new(),
            sdp_version: 1,
            payload_types: payload_types.into_iter().filter(|pt| offered.is_empty() || offered.contains(pt)).collect(),
            tried_password: false,
            early: false,
            delayed: offered.is_empty(),
            sure: Sure::Not,
            began_early: Early::default(),
            unpracked: None,
        };
        self.dialogs.insert(call_id.clone(), dialog);
        self.note(now, &call_id, Lived::Rang);
        if self.rng.chance(self.habits.busy) {
            let (status, reason) = *self.rng.pick(&AT_ONCE);
            self.end_ringing(now, &call_id, status, reason);
            return Ok(());
        }
        self.ring(now, text, !offered.is_empty());
        if text.get("Call-Info").is_some_and(|info| info.contains("answer-after=0")) {
            self.answer(now, &call_id);
        } else {
            let wait = Duration::from_millis(self.rng.between(0, 16_000));
            self.plan(now + wait, Plan::Decide(call_id));
        }
        Ok(())
    }

    /// 180, or 183 with what can be heard before the answer.
    fn ring(&mut self, now: Duration, text: &Text, offered: bool) {
        let call_id = text.call_id();
        let early = self.rng.chance(self.habits.early_media) && offered;
        if let Some(dialog) = self.dialogs.get_mut(call_id) {
            dialog.early = early;
        }
        let (status, reason, body) = if early {
            let payload_types = self.dialogs[call_id].payload_types.clone();
            (183, "Session Progress", self.session(call_id, "sendrecv", &payload_types, false))
        } else {
            (180, "Ringing", String::new())
        };
        if self.is_sure(text) {
            self.ring_surely(now, text, status, reason, &body);
        } else {
            self.reply(text, status, reason, &body);
        }
    }

    pub(super) fn decide(&mut self, now: Duration, call_id: &str) {
        if !self.dialogs.get(call_id).is_some_and(|dialog| matches!(dialog.stage, Stage::Ringing(_))) {
            return;
        }
        let choice = self.rng.below(1_000);
        // RFC 3262 §3: no 2xx while a response that describes the session waits for its PRACK.
        let waits = self.dialogs.get(call_id).is_some_and(|dialog| dialog.early && dialog.unpracked.is_some());
        if choice < self.habits.answers && waits {
            self.plan(now + T1, Plan::Decide(call_id.to_owned()));
        } else if choice < self.habits.answers {
            self.answer(now, call_id);
        } else if choice < self.habits.answers + self.habits.rejects {
            let (status, reason) = *self.rng.pick(&AFTER_RINGING);
            self.end_ringing(now, call_id, status, reason);
        }
        // Else nobody comes to the phone: the switch's ring time-out ends it.
    }

    pub(crate) fn answer(&mut self, now: Duration, call_id: &str) {
        let Some(Stage::Ringing(invite)) = self.dialogs.get(call_id).map(|dialog| dialog.stage.clone()) else { return };
        let payload_types = self.dialogs[call_id].payload_types.clone();
        let body = self.session(call_id, "sendrecv", &payload_types, false);
        let ok = self.reply(&invite, 200, "OK", &body);
        let stage = Stage::Answering { ok, again_at: now + T1, interval: T1, gives_up_at: now + 64 * T1 };
        self.set_stage(now, call_id, stage);
    }

    /// A carrier that wants a signature gets a right one, or none at first.
    fn is_signed(&self, invite: &Text) -> Result<bool, String> {
        let Some(login) = &self.login else { return Ok(true) };
        let Some(signature) = invite.get("Proxy-Authorization") else { return Ok(false) };
        let uri = invite.start.split(' ').nth(1).unwrap_or_default();
        if auth::is_right(signature, &login.user, &login.password, "INVITE", uri) {
            Ok(true)
        } else {
            Err(format!("a wrong signature: {signature}"))
        }
    }

    pub(crate) fn end_ringing(&mut self, now: Duration, call_id: &str, status: u16, reason: &str) {
        if let Some(Stage::Ringing(invite)) = self.dialogs.get(call_id).map(|dialog| dialog.stage.clone()) {
            self.reply(&invite, status, reason, "");
            self.note(now, call_id, Lived::Failed(status));
            self.set_stage(now, call_id, Stage::Over);
        }
    }

    fn acknowledged(&mut self, now: Duration, text: &Text) {
        let call_id = text.call_id().to_owned();
        let Some(dialog) = self.dialogs.get_mut(&call_id) else { return };
        if !matches!(dialog.stage, Stage::Answering { .. }) || text.cseq() != dialog.invite_cseq {
            return;
        }
        dialog.remote = text.audio().or(dialog.remote.take());
        self.set_stage(now, &call_id, Stage::Up);
        self.note(now, &call_id, Lived::Talked);
        self.plan_talk(now, &call_id);
    }

    fn reinvited(&mut self, now: Duration, text: &Text) {
        let call_id = text.call_id().to_owned();
        let Some(dialog) = self.dialogs.get_mut(&call_id).filter(|dialog| dialog.is_up()) else {
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return;
        };
        // RFC 3261 §14.2: an offer of our own is under way.
        if matches!(dialog.hold, Hold::Asked | Hold::Retrieving) {
            self.reply(text, 491, "Request Pending", "");
            return;
        }
        dialog.remote = text.audio().or(dialog.remote.take());
        dialog.since = now;
        dialog.sdp_version += 1;
        let direction = match text.audio().map(|audio| audio.direction) {
            Some("sendonly") => "recvonly",
            Some("inactive") => "inactive",
            // Who holds goes on to hold, whatever is offered.
            _ if dialog.hold == Hold::Holding => "sendonly",
            _ => "sendrecv",
        };
        let payload_types = dialog.payload_types.clone();
        let mut body = self.session(&call_id, direction, &payload_types, false);
        // RFC 3264 §6: a line for each of the offer; what was refused once stays refused.
        if text.body.contains("m=video ") {
            body.push_str("m=video 0 RTP/AVP 96\r\n");
        }
        self.reply(text, 200, "OK", &body);
    }

    fn cancelled(&mut self, now: Duration, text: &Text) {
        let call_id = text.call_id().to_owned();
        let ringing = self.dialogs.get(&call_id).map(|dialog| dialog.stage.clone());
        let Some(stage) = ringing else {
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return;
        };
        self.reply(text, 200, "OK", "");
        if let Stage::Ringing(invite) = stage {
            self.reply(&invite, 487, "Request Terminated", "");
            self.note(now, &call_id, Lived::Cancelled);
            self.set_stage(now, &call_id, Stage::Over);
        }
    }

    fn bye(&mut self, now: Duration, text: &Text) {
        let call_id = text.call_id().to_owned();
        let known = self.dialogs.get(&call_id).is_some_and(|dialog| !dialog.is_over());
        if !known {
            self.reply(text, 481, "Call/Transaction Does Not Exist", "");
            return;
        }
        self.reply(text, 200, "OK", "");
        self.note(now, &call_id, Lived::WasHungUp);
        self.set_stage(now, &call_id, Stage::Over);
    }

    /// Writes, sends and remembers a response; gives its text.
    pub(super) fn reply(&mut self, request: &Text, status: u16, reason: &str, body: &str) -> String {
        self.reply_with(request, status, reason, "", body)
    }

    pub(super) fn reply_with(&mut self, request: &Text, status: u16, reason: &str, extra: &str, body: &str) -> String {
        let mut text = format!("SIP/2.0 {status} {reason}\r\n");
        for (name, value) in &request.headers {
            let copied =
                ["Via", "From", "Call-ID", "CSeq", "Record-Route"].iter().any(|c| name.eq_ignore_ascii_case(c));
            if copied {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let to = request.get("To").unwrap_or_default();
        let tag = match (request.tag("To"), self.dialogs.get(request.call_id())) {
            (None, Some(dialog)) => format!(";tag={}", dialog.local_tag),
            (None, None) => ";tag=none".to_owned(),
            (Some(_), _) => String::new(),
        };
        let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        text.push_str(&format!(
            "To: {to}{tag}\r\nContact: <sip:{}@{}>\r\n{extra}{content_type}Content-Length: {}\r\n\r\n{body}",
            self.user,
            self.contact(),
            body.len()
        ));
        self.out.push(text.clone());
        self.answered.insert((request.branch().to_owned(), request.method().to_owned()), text.clone());
        text
    }
}

/// How a phone refuses that does not ring.
const AT_ONCE: [(u16, &str); 8] = [
    (486, "Busy Here"),
    (486, "Busy Here"),
    (486, "Busy Here"),
    (600, "Busy Everywhere"),
    (503, "Service Unavailable"),
    (404, "Not Found"),
    (302, "Moved Temporarily"),
    (500, "Server Internal Error"),
];
/// How a phone refuses that has rung.
const AFTER_RINGING: [(u16, &str); 5] = [
    (603, "Decline"),
    (603, "Decline"),
    (480, "Temporarily Unavailable"),
    (606, "Not Acceptable"),
    (302, "Moved Temporarily"),
];

/// The URI between the angle brackets.
fn uri_of(header: Option<&str>) -> String {
    let header = header.unwrap_or_default();
    match header.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default().to_owned(),
        None => header.split(';').next().unwrap_or_default().to_owned(),
    }
}
