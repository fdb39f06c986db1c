//! Requests of ours in the dialog of an answered leg that change or refresh its session: one at a time (RFC 3261 §14.1), and
//! what crosses a request of the far end is sent again later.

use std::time::Duration;

use hooks::fact::{EndCause, EndedBy};
use sip::dialog::Body;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Method, Response, StatusCode};
use sip::sdp::Codec;
use sip::transaction::ClientKey;

use super::{Call, End};
use crate::asking::{Ask, Attempt, Meaning, Sent};
use crate::body;
use crate::desk::{ClientUse, Desk, LegIndex, TimerKey};
use crate::invite::ALLOW;
use crate::leg::{Leg, LegMedia, LegState, RefreshBy};
use crate::nat;
use crate::requests::SUPPORTED;

/// What became of an offer of ours in a session that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reoffered {
    /// The far end answered it; its leg has the new session.
    Agreed,
    /// It refused it with this status, or it could not be sent: the session goes on as it was (RFC 3261 §14.1).
    Refused(StatusCode),
}

impl Call {
    /// Offers the far end of an answered leg these codecs, preferred first, as soon as its dialog lets us; an offer that still
    /// waits is replaced. [`Call::reoffered`] hears what became of it; a far end that is gone ends the call.
    pub(crate) fn reoffer(&mut self, desk: &mut Desk, leg: LegIndex, codecs: Vec<Codec>) {
        self.ask(desk, leg, Ask::Offer(codecs));
    }

    /// What became of the offer of [`Call::reoffer`]; whom the leg hears is decided already.
    fn reoffered(&mut self, desk: &mut Desk, leg: LegIndex, became: Reoffered) {
        match became {
            Reoffered::Agreed => self.changed = true,
            // The two sides had something in common before, which is still agreed.
            Reoffered::Refused(_) => {}
        }
        // Who refuses an offer is there, too: one that is gone, or forgot the call, answers otherwise or not at all.
        self.is_present(desk, leg);
    }

    /// Asks the far end of an answered leg, as soon as its dialog lets us.
    pub(super) fn ask(&mut self, desk: &mut Desk, leg: LegIndex, ask: Ask) {
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return };
        up.asking.want(ask);
        self.ask_next(desk, leg);
    }

    /// Sends what waits to be asked, if something does and the dialog lets us: to be called whenever an INVITE or offer in it
    /// ended.
    pub(super) fn ask_next(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return };
        if up.dialog.may_reinvite().is_err() {
            return;
        }
        if let Some(attempt) = up.asking.take_waiting() {
            self.send_ask(desk, leg, attempt, None);
        }
    }

    /// A response came to what `client` asked on this leg. False if it asked nothing here.
    pub(super) fn ask_heard(&mut self, desk: &mut Desk, leg: LegIndex, client: ClientKey, response: &Response) -> bool {
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return false };
        if !up.asking.is_sent_as(client) {
            return false;
        }
        up.dialog.heard(response);
        if let Some(prack) = up.dialog.prack(response) {
            // A full table costs the far end its re-INVITE, not us the call.
            let _ = up.send(desk, prack);
        }
        if !response.status.is_provisional()
            && let Some((attempt, sent)) = up.asking.finish()
        {
            self.ask_answered(desk, leg, attempt, &sent, response);
            self.ask_next(desk, leg);
        }
        true
    }

    /// What `client` asked had no final response. False if it asked nothing here.
    pub(super) fn ask_unanswered(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        client: ClientKey,
        status: StatusCode,
    ) -> bool {
        let this = self.legs.get_mut(leg.at());
        let Some(Leg { state: LegState::Up(up), media: LegMedia::Open(session), .. }) = this else { return false };
        if !up.asking.is_sent_as(client) {
            return false;
        }
        let Some((attempt, _)) = up.asking.finish() else { return true };
        session.withdraw(desk);
        if status == StatusCode::REQUEST_TIMEOUT {
            up.dialog.timed_out();
            self.peer_lost(desk, leg);
        } else {
            // The connection broke; the next try opens another one.
            up.dialog.unsent();
            self.ask_later(desk, leg, attempt, RESEND_AFTER, status);
        }
        true
    }

    /// The time to back off is over.
    pub(crate) fn ask_again(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(up) = self.legs.get_mut(leg.at()).and_then(Leg::up_mut) else { return };
        up.asking.backed_off();
        self.ask_next(desk, leg);
    }

    fn send_ask(&mut self, desk: &mut Desk, leg: LegIndex, attempt: Attempt, challenge: Option<&Response>) {
        let leg_ref = self.leg_ref(leg);
        let user = self.own_user(leg);
        let this = &mut self.legs[leg.at()];
        let (LegState::Up(up), LegMedia::Open(session)) = (&mut this.state, &mut this.media) else { return };
        let made = match (&attempt.ask, up.refresh_by) {
            (Ask::Refresh, RefreshBy::Update) => up.dialog.update(None),
            (Ask::Refresh, RefreshBy::Reinvite) => up.dialog.reinvite(session.offer_unchanged().map(Body::sdp)),
            // RFC 3311 §5.1: in a confirmed dialog a re-INVITE is recommended, for a person may have to agree.
            (Ask::Offer(codecs), RefreshBy::Update | RefreshBy::Reinvite) => {
                up.dialog.reinvite(Some(Body::sdp(session.reoffer(desk, codecs))))
            }
        };
        let Ok(request) = made else { return };
        let contact = nat::contact(&desk.node, &up.flow, &user, up.dialog.remote_target());
        let mut request =
            request.with(HeaderName::Contact, NameAddr::new(contact.into())).with(HeaderName::Allow, ALLOW);
        request.headers.push(HeaderName::Supported, SUPPORTED);
        up.lifetime.proposal().write(&mut request.headers);
        if let Some(login) = &mut up.login {
            let known = challenge.map(|challenge| login.answer(challenge, &mut request, &mut desk.random));
            if known.is_none() {
                login.authorize(&mut request, &mut desk.random);
            }
        }
        let flow = nat::next_flow(&desk.node, &up.flow, up.dialog.next_hop());
        match desk.send(request.clone(), flow) {
            Ok(client) => {
                desk.clients.insert(client, ClientUse { leg: leg_ref, flow, left: None });
                up.asking.sent(attempt, Sent { client, request: Box::new(request) });
            }
            Err(_) => {
                up.dialog.unsent();
                session.withdraw(desk);
                self.ask_later(desk, leg, attempt.tried(), RESEND_AFTER, StatusCode::SERVICE_UNAVAILABLE);
            }
        }
    }

    fn ask_answered(&mut self, desk: &mut Desk, leg: LegIndex, attempt: Attempt, sent: &Sent, response: &Response) {
        let retry_after = response.headers.retry_after().ok().flatten().map(|after| after.seconds);
        let meaning = Meaning::of(response.status, &sent.request.method, attempt.tries, retry_after);
        if meaning == Meaning::Done {
            return self.ask_done(desk, leg, &attempt, sent, response);
        }
        let this = &mut self.legs[leg.at()];
        let (LegState::Up(up), LegMedia::Open(session)) = (&mut this.state, &mut this.media) else { return };
        session.withdraw(desk);
        match meaning {
            Meaning::Done => {}
            Meaning::Refused => self.ask_refused(desk, leg, &attempt, response.status),
            Meaning::Collided => {
                let delay = up.dialog.glare_delay(&mut desk.random);
                self.ask_later(desk, leg, attempt, delay, response.status);
            }
            Meaning::Later(delay) => self.ask_later(desk, leg, attempt, delay, response.status),
            Meaning::SignIn if up.login.is_some() => self.send_ask(desk, leg, attempt, Some(response)),
            Meaning::SignIn => self.ask_refused(desk, leg, &attempt, response.status),
            Meaning::TooShort if up.lifetime.raise(&response.headers) => self.send_ask(desk, leg, attempt, None),
            Meaning::TooShort => self.ask_refused(desk, leg, &attempt, response.status),
            Meaning::NotByUpdate => {
                up.refresh_by = RefreshBy::Reinvite;
                self.send_ask(desk, leg, attempt, None);
            }
            Meaning::Gone => self.peer_lost(desk, leg),
        }
    }

    fn ask_done(&mut self, desk: &mut Desk, leg: LegIndex, attempt: &Attempt, sent: &Sent, response: &Response) {
        let leg_ref = self.leg_ref(leg);
        let this = &mut self.legs[leg.at()];
        let before = this.hold();
        let (LegState::Up(up), LegMedia::Open(session)) = (&mut this.state, &mut this.media) else { return };
        if sent.request.method == Method::Invite {
            let flow = nat::next_flow(&desk.node, &up.flow, up.dialog.next_hop());
            let ack = up.dialog.ack(&sent.request, None);
            let hop = desk.hop(flow);
            desk.transactions.send_ack(sent.client, ack, &hop);
        }
        up.refresh_by.learn(&response.headers);
        let terms = up.lifetime.proposal().accepted(&response.headers);
        up.lifetime.renew(desk, leg_ref, terms);
        let description = body::session(&response.headers, &response.body).ok().flatten();
        let agreed = description.is_some_and(|answer| session.take_answer(desk, &answer).is_ok());
        session.withdraw(desk);
        match &attempt.ask {
            // Whatever the far end makes of it: what was agreed before it still is, as the offer was nothing new.
            Ask::Refresh => self.hold_changed(desk, leg, before),
            Ask::Offer(_) if agreed => {
                self.hold_changed(desk, leg, before);
                self.reoffered(desk, leg, Reoffered::Agreed);
            }
            // RFC 3261 §13.2.2.4: a 2xx with an answer that we cannot take is acknowledged, and then there is no session.
            Ask::Offer(_) => self.end_not_acceptable(desk),
        }
    }

    /// Asks once more, or gives up.
    fn ask_later(&mut self, desk: &mut Desk, leg: LegIndex, attempt: Attempt, delay: Duration, status: StatusCode) {
        if attempt.is_last() {
            return self.ask_refused(desk, leg, &attempt, status);
        }
        let until = desk.start_timer(delay, TimerKey::AskAgain(self.leg_ref(leg)));
        if let Some(up) = self.legs[leg.at()].up_mut() {
            up.asking.again(attempt, until);
        }
    }

    fn ask_refused(&mut self, desk: &mut Desk, leg: LegIndex, attempt: &Attempt, status: StatusCode) {
        let leg_ref = self.leg_ref(leg);
        if let Some(up) = self.legs[leg.at()].up_mut() {
            // Whoever refuses is there, and nobody is hung up for that; where it is the far end that wants its session refreshed,
            // it ends it itself.
            let terms = up.lifetime.terms();
            up.lifetime.renew(desk, leg_ref, terms);
        }
        match &attempt.ask {
            Ask::Refresh => {}
            Ask::Offer(_) => self.reoffered(desk, leg, Reoffered::Refused(status)),
        }
    }

    /// A far end is gone: it does not answer, or knows nothing of the dialog. The call ends, with BYE on that leg, too
    /// (RFC 3261 §12.2.1.2, RFC 4028 §10). Who hands the other party on takes no part any more: only its own leg ends.
    pub(super) fn peer_lost(&mut self, desk: &mut Desk, leg: LegIndex) {
        if self.is_handing_on(leg) {
            return self.hang_up_leg(desk, leg, EndCause::PeerLost);
        }
        let cause = EndCause::PeerLost;
        if self.unconfirmed_gone(desk, leg, cause)
            || self.third_lost(desk, leg, cause)
            || self.supervisor_gone(desk, leg, cause)
        {
            return;
        }
        let refusal = StatusCode::REQUEST_TIMEOUT.into();
        self.end(desk, &End { cause, by: EndedBy::System, refusal });
    }
}

/// How long something waits that could not be sent.
const RESEND_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use sip::sdp::Codec;

    use crate::desk::LegIndex;
    use crate::ladder::World;

    /// A call that is up between Alice (leg 0) and Bob (leg 1).
    fn talking() -> World {
        let mut world = World::with(&["alice", "bob"]);
        world.play(
            r#"
            0ms    alice > INVITE 1002
            0ms    bob   < INVITE `o=- ` ` 1 IN IP4 192.0.2.1`
            1s     bob   > 200
            1s     bob   < ACK
            1s     alice < 200
            "#,
        );
        world
    }

    fn reoffer(world: &mut World, leg: u16, codecs: &[Codec]) {
        let call = world.last_call.unwrap();
        world.switch.with_call(call, |call, desk| call.reoffer(desk, LegIndex(leg), codecs.to_vec()));
        world.switch.pump();
        world.settle();
    }

    fn end(mut world: World) {
        world.play("0ms alice > BYE\n0ms bob < BYE");
        world.finish();
    }

    #[test]
    fn a_leg_gets_a_new_offer_and_takes_it() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play(
            r#"
            0ms  bob < INVITE ` 2 IN IP4 192.0.2.1` `m=audio 20002 RTP/AVP 8` `Contact: <sip:1001@192.0.2.1:5060>`
            1s   bob > 200 sdp=PCMA
            1s   bob < ACK
            1s   bob hears alice
            "#,
        );
        end(world);
    }

    #[test]
    fn a_refused_offer_leaves_the_session_and_its_version_is_not_used_again() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play("0ms bob < INVITE ` 2 IN IP4`\n1s bob > 488\n1s bob < ACK\n1s bob hears alice");
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play("0ms bob < INVITE ` 3 IN IP4`\n1s bob > 200 sdp=PCMA\n1s bob < ACK");
        end(world);
    }

    #[test]
    fn an_answer_that_cannot_be_taken_ends_the_call() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play("0ms bob < INVITE\n1s bob > 200 sdp=G729\n1s bob < ACK\n1s bob < BYE\n1s alice < BYE");
        world.finish();
        assert_eq!(world.facts.last().unwrap(), "ended NotAcceptable by System 200");
    }

    #[test]
    fn an_offer_waits_for_the_ack_and_only_the_last_one_is_sent() {
        let mut world = World::with(&["alice", "bob"]);
        world.play(
            r#"
            0ms    alice > INVITE 1002
            0ms    alice > silent
            0ms    bob   < INVITE
            1s     bob   > 200
            1s     bob   < ACK
            1s     alice < 200
            "#,
        );
        reoffer(&mut world, 0, &[Codec::pcmu()]);
        reoffer(&mut world, 0, &[Codec::pcma()]);
        world.play(
            r#"
            100ms  alice > ACK
            100ms  alice < INVITE ` 2 IN IP4` `m=audio 20000 RTP/AVP 8`
            100ms  alice > polite
            200ms  alice > 200 sdp=PCMA
            200ms  alice < ACK
            "#,
        );
        end(world);
    }

    #[test]
    fn an_offer_that_is_wanted_while_another_is_out_follows_it() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        reoffer(&mut world, 1, &[Codec::pcmu()]);
        world.play(
            r#"
            0ms  bob < INVITE `m=audio 20002 RTP/AVP 8`
            1s   bob > 200 sdp=PCMA
            1s   bob < ACK
            1s   bob < INVITE `m=audio 20002 RTP/AVP 0` ` 3 IN IP4`
            2s   bob > 200 sdp=PCMU
            2s   bob < ACK
            "#,
        );
        end(world);
    }

    #[test]
    fn reinvites_that_cross_are_both_refused_and_ours_comes_again_when_it_is_our_turn() {
        // RFC 3261 §14.1: we own the Call-ID toward Bob (2.1 to 4 s), Alice owns hers (0 to 2 s).
        for (leg, who, early, late) in [(1, "bob", "2000ms", "4100ms"), (0, "alice", "0ms", "2100ms")] {
            let mut world = talking();
            reoffer(&mut world, leg, &[Codec::pcma()]);
            world.play(&format!(
                r#"
                0ms  {who} < INVITE `m=audio`
                0ms  {who} > REINVITE dir=sendonly
                0ms  {who} < 491
                0ms  {who} > 491
                0ms  {who} < ACK
                "#
            ));
            world.play(&format!("{early} alice hears bob"));
            assert!(world.phone(who).inbox.is_empty(), "not before its time");
            world.play(&format!("{late} {who} < INVITE `RTP/AVP 8`\n{late} {who} > 200 sdp=PCMA\n{late} {who} < ACK"));
            end(world);
        }
    }

    #[test]
    fn a_bye_that_crosses_a_reinvite_ends_the_call_and_a_late_answer_is_acknowledged() {
        for answer in ["487", "200 sdp=PCMA"] {
            let mut world = talking();
            reoffer(&mut world, 1, &[Codec::pcma()]);
            world.play(&format!(
                r#"
                0ms    bob < INVITE
                100ms  bob > BYE
                100ms  alice < BYE
                200ms  bob > {answer}
                200ms  bob < ACK
                "#
            ));
            world.finish();
        }
    }

    #[test]
    fn a_reinvite_of_ours_is_acknowledged_though_the_other_party_hung_up_meanwhile() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play(
            r#"
            0ms    bob < INVITE
            100ms  alice > BYE
            100ms  bob < BYE
            200ms  bob > 200 sdp=PCMA
            200ms  bob < ACK
            "#,
        );
        world.finish();
    }

    #[test]
    fn a_busy_far_end_is_asked_again_after_the_time_it_names() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        world.play("0ms bob < INVITE\n0ms bob > 500 extra=Retry-After:~3\n0ms bob < ACK\n2900ms bob hears alice");
        assert!(world.phone("bob").inbox.is_empty(), "not before its time");
        world.play("200ms bob < INVITE\n200ms bob > 200 sdp=PCMA\n200ms bob < ACK");
        end(world);
    }

    #[test]
    fn a_far_end_that_knows_no_dialog_or_says_nothing_is_lost() {
        for line in ["1s bob > 481\n1s bob < ACK\n1s bob < BYE\n1s alice < BYE", "33s bob < BYE\n33s alice < BYE"] {
            let mut world = talking();
            reoffer(&mut world, 1, &[Codec::pcma()]);
            world.play("0ms bob < INVITE");
            world.play(line);
            world.finish();
            assert_eq!(world.facts.last().unwrap(), "ended PeerLost by System 200");
        }
    }

    #[test]
    fn a_far_end_that_never_stops_colliding_keeps_the_session_it_had() {
        let mut world = talking();
        reoffer(&mut world, 1, &[Codec::pcma()]);
        for _ in 0..6 {
            world.play("0ms bob < INVITE\n0ms bob > 491\n0ms bob < ACK\n4100ms bob hears alice");
        }
        end(world);
    }
}
