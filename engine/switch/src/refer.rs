//! REFER in a dialog: a phone hands its other party on (RFC 3515, RFC 5589). The switch does it itself (CALL-09: "a SIP REFER
//! from it is treated as Transfer"); nothing is referred to the other party.

use dialplan::number::Dialled;
use hooks::fact::PeerKind;
use sip::headers::{HeaderName, Replaces};
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::ServerKey;

use crate::call::{HandOn, Subscription};
use crate::desk::{LegRef, Refusal};
use crate::incoming::{number, routed};
use crate::output::Refused;
use crate::replace::explained;
use crate::switch::Switch;

/// What a REFER asks for.
enum Referral {
    /// The party of another call of the phone takes its place.
    Join(LegRef),
    /// A number is called.
    Call(HandOn),
}

impl Switch {
    /// A REFER that a leg's dialog took.
    pub(crate) fn refer(&mut self, asked: LegRef, server: ServerKey, request: &Request) {
        let referral = match self.referral(asked, request) {
            Ok(referral) => referral,
            Err(refusal) => {
                let mut response = Response::to_request(request, refusal.status, None);
                for (name, value) in refusal.headers {
                    response.headers.push(name, value);
                }
                return self.desk.respond(server, response);
            }
        };
        let mut response = Response::to_request(request, StatusCode::ACCEPTED, None);
        let subscribed = wants_subscription(request);
        if !subscribed {
            // RFC 4488 §4.
            response.headers.push(HeaderName::ReferSub, "false");
        }
        self.desk.respond(server, response);
        if subscribed {
            let id = request.headers.cseq().map_or(0, |cseq| cseq.seq);
            self.with_call(asked.call, |call, desk| call.subscribe(desk, asked.leg, Subscription { id }));
        }
        match referral {
            Referral::Call(what) => self.with_call(asked.call, |call, desk| call.hand_on(desk, &what)),
            Referral::Join(replaced) => self.join(asked, replaced),
        }
    }

    /// What it asks for, and whether that may be.
    fn referral(&self, asked: LegRef, request: &Request) -> Result<Referral, Refusal> {
        let call = self.calls.get(&asked.call).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let leg = call.leg(asked.leg).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        // A carrier does not make calls at our cost.
        if leg.peer.kind != PeerKind::Extension {
            return Err(explained(StatusCode::FORBIDDEN, "only an extension may transfer"));
        }
        call.may_hand_on(asked.leg).map_err(|status| match status {
            StatusCode::FORBIDDEN => explained(status, "a call can be transferred once both parties talk"),
            _ => status.into(),
        })?;
        // RFC 3515 §2.4.2: none, or several, are a bad request.
        let target = request.headers.refer_to().ok().flatten().ok_or(StatusCode::BAD_REQUEST)?;
        if target.method != Method::Invite {
            return Err(explained(StatusCode::FORBIDDEN, "only INVITE is done for others"));
        }
        if let Some(replaces) = &target.replaces {
            let replaced = self.named(replaces).filter(|found| found.call != asked.call);
            let replaced = replaced.ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
            let other = self.calls.get(&replaced.call).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
            if other.tenant.tenant != call.tenant.tenant {
                return Err(StatusCode::CALL_DOES_NOT_EXIST.into());
            }
            other.may_join(replaced.leg)?;
            if !call.has_room_for(other) {
                return Err(Refusal::busy_node());
            }
            if !call.fits(asked.leg, other, replaced.leg) {
                return Err(explained(StatusCode::NOT_ACCEPTABLE_HERE, "the two parties have no codec in common"));
            }
            return Ok(Referral::Join(replaced));
        }
        let number = number(&target.address.uri)?;
        let dialled = Dialled::clean(&number).map_err(|_| Refusal::from(StatusCode::NOT_FOUND))?;
        let (route, _, emergency) = routed(&call.tenant, &dialled, self.desk.now.unix_ms);
        call.may_send_to(&self.desk, &route).map_err(refusal)?;
        Ok(Referral::Call(HandOn { by: asked.leg, number: dialled.as_str().to_owned(), route, emergency }))
    }

    /// The leg whose dialog a Replaces names (RFC 3891 §3).
    pub(crate) fn named(&self, replaces: &Replaces) -> Option<LegRef> {
        let found = self.desk.dialogs.get(replaces.to_tag.as_str()).copied()?;
        self.calls.get(&found.call)?.leg(found.leg)?.has_dialog(replaces).then_some(found)
    }

    /// The other party of `asked` and the other party of `replaced`, another call of the same phone, are connected.
    fn join(&mut self, asked: LegRef, replaced: LegRef) {
        let Some(mut other) = self.calls.remove(&replaced.call) else { return };
        self.with_call(asked.call, |call, desk| call.absorb(desk, asked.leg, &mut other, replaced.leg));
        self.keep(other);
    }
}

/// What a phone is told that wants to hand its party on where nobody may go.
fn refusal(refused: Refused) -> Refusal {
    if refused == Refused::NoRoute {
        StatusCode::NOT_FOUND.into()
    } else if refused == Refused::Blocked {
        explained(StatusCode::FORBIDDEN, "the number is on the block list")
    } else {
        explained(StatusCode::BUSY_HERE, &refused.to_string())
    }
}

/// RFC 4488: a phone may do without.
fn wants_subscription(request: &Request) -> bool {
    request.headers.get_text(&HeaderName::ReferSub).is_none_or(|value| !value.trim().eq_ignore_ascii_case("false"))
}
