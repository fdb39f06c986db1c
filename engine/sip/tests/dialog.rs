//! Dialogs: numbers, routes, offers and collisions. The peer's messages are written as text.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use bytes::Bytes;
use sip::dialog::{
    Before, Body, Dialog, DialogError, DialogId, ForkEvent, Forks, Incoming, InviteUse, Negotiation, NotNow, Rejection,
    Stage,
};
use sip::headers::HeaderName;
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::random::Random;

const SDP: &str = "Content-Type: application/sdp\r\n\r\nv=0\r\n";
const NO_BODY: &str = "\r\n";

fn parse(text: &str) -> Message {
    parse_datagram(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn request(text: &str) -> Request {
    match parse(text) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn response(text: &str) -> Response {
    match parse(text) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

/// The INVITE that we send.
fn our_invite(body: &str) -> Request {
    request(&format!(
        "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=us\r\nTo: <sip:bob@example.com>\r\nCall-ID: ours\r\n\
         CSeq: 5 INVITE\r\nContact: <sip:alice@192.0.2.9>\r\nAuthorization: Digest username=\"a\"\r\n{body}"
    ))
}

/// A response to a request of ours.
fn answer(status: u16, cseq: &str, tag: &str, rest: &str) -> Response {
    response(&format!(
        "SIP/2.0 {status} x\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=us\r\nTo: <sip:bob@example.com>;tag={tag}\r\nCall-ID: ours\r\n\
         CSeq: {cseq}\r\n{rest}"
    ))
}

const CONTACT: &str = "Contact: <sip:bob@198.51.100.7:5070>\r\n";

/// A confirmed dialog that we began by INVITE with an offer.
fn confirmed() -> (Request, Dialog) {
    let invite = our_invite(SDP);
    let mut dialog = Dialog::from_response(&invite, &answer(200, "5 INVITE", "b", &format!("{CONTACT}{SDP}"))).unwrap();
    assert_eq!(dialog.invite_use(), InviteUse::AckDue { cseq: 5 });
    dialog.ack(&invite, None);
    assert_eq!((dialog.invite_use(), dialog.negotiation()), (InviteUse::Idle, Negotiation::Agreed));
    (invite, dialog)
}

/// A request that the peer sends in the dialog `confirmed`, or (from `their_invite`) in one that it began.
fn theirs(method: &str, cseq: u32, rest: &str) -> Request {
    request(&format!(
        "{method} sip:alice@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK{method}{cseq}\r\n\
         From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=us\r\nCall-ID: ours\r\n\
         CSeq: {cseq} {method}\r\n{rest}"
    ))
}

fn their_invite(rest: &str) -> Request {
    request(&format!(
        "INVITE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKi\r\n\
         From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>\r\nCall-ID: theirs\r\nCSeq: 100 INVITE\r\n\
         {CONTACT}{rest}"
    ))
}

fn head(request: &Request) -> Vec<String> {
    let text = String::from_utf8(Message::from(request.clone()).to_bytes().to_vec()).unwrap();
    text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn our_answer(request: &Request, status: StatusCode, session: bool) -> Response {
    let mut response = Response::to_request(request, status, Some("us"));
    if session {
        response.set_body("application/sdp", "v=0\r\n");
    }
    response
}

#[test]
fn request_in_a_dialog_we_began_follows_the_reversed_record_route() {
    let records = "Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.net;lr>\r\n";
    let ok = answer(200, "5 INVITE", "b", &format!("{records}{CONTACT}{SDP}"));
    let mut dialog = Dialog::from_response(&our_invite(SDP), &ok).unwrap();
    assert_eq!(
        head(&dialog.request(Method::Bye)),
        [
            "BYE sip:bob@198.51.100.7:5070 SIP/2.0",
            "Route: <sip:p1.example.net;lr>",
            "Route: <sip:p2.example.net;lr>",
            "Max-Forwards: 70",
            "From: \"Alice\" <sip:alice@example.com>;tag=us",
            "To: <sip:bob@example.com>;tag=b",
            "Call-ID: ours",
            "CSeq: 6 BYE",
            "Content-Length: 0",
        ]
    );
    assert_eq!(dialog.next_hop().as_str(), "sip:p1.example.net;lr");
    assert_eq!(dialog.stage(), Stage::Terminated);
}

#[test]
fn request_in_a_dialog_they_began_follows_the_record_route_and_a_strict_router_gets_itself() {
    let records = "Record-Route: <sip:p1.example.net;method=INVITE?a=b>, <sip:p2.example.net;lr>\r\n";
    let invite = their_invite(&format!("{records}{SDP}"));
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, true));
    assert_eq!(
        head(&dialog.request(Method::Info)),
        [
            "INFO sip:p1.example.net SIP/2.0",
            "Route: <sip:p2.example.net;lr>",
            "Route: <sip:bob@198.51.100.7:5070>",
            "Max-Forwards: 70",
            "From: <sip:alice@example.com>;tag=us",
            "To: <sip:bob@example.com>;tag=b",
            "Call-ID: theirs",
            "CSeq: 1 INFO",
            "Content-Length: 0",
        ]
    );
}

#[test]
fn ids_are_the_same_from_both_directions() {
    let (_, dialog) = confirmed();
    assert_eq!(DialogId::of_request(&theirs("BYE", 1, NO_BODY)).as_ref(), Some(dialog.id()));
    assert_eq!(DialogId::of_response(&answer(200, "6 BYE", "b", NO_BODY)).as_ref(), Some(dialog.id()));
    assert_eq!(DialogId::of_request(&their_invite(SDP)), None);
}

#[test]
fn message_that_makes_no_dialog_is_refused() {
    let invite = our_invite(SDP);
    let makes = |text: &str, status| Dialog::from_response(&invite, &answer(status, "5 INVITE", text, NO_BODY));
    assert_eq!(makes("b", 486).unwrap_err(), DialogError::MakesNone);
    assert_eq!(makes("b", 100).unwrap_err(), DialogError::MakesNone);
    assert_eq!(makes("", 180).unwrap_err(), DialogError::MakesNone);
    assert_eq!(makes("b", 180).unwrap().remote_target().as_str(), "sip:bob@example.com", "no Contact in an 18x");
    let without =
        request(&String::from_utf8(Message::from(their_invite(SDP)).to_bytes().to_vec()).unwrap().replace(CONTACT, ""));
    assert!(matches!(Dialog::from_request(&without, "us"), Err(DialogError::Header(_))));
}

#[test]
fn success_decides_route_set_and_target_anew() {
    let invite = our_invite(SDP);
    let ringing =
        answer(180, "5 INVITE", "b", "Record-Route: <sip:old.example.net;lr>\r\nContact: <sip:early@x>\r\n\r\n");
    let mut dialog = Dialog::from_response(&invite, &ringing).unwrap();
    assert_eq!((dialog.stage(), dialog.remote_target().as_str()), (Stage::Early, "sip:early@x"));
    dialog.heard(&answer(200, "5 INVITE", "b", &format!("Record-Route: <sip:new.example.net;lr>\r\n{CONTACT}{SDP}")));
    assert_eq!(dialog.stage(), Stage::Confirmed);
    assert_eq!(
        head(&dialog.ack(&invite, None))[..2],
        ["ACK sip:bob@198.51.100.7:5070 SIP/2.0", "Route: <sip:new.example.net;lr>"]
    );
}

#[test]
fn ack_has_the_number_and_the_credentials_of_its_invite() {
    let (invite, mut dialog) = confirmed();
    dialog.request(Method::Info);
    let ack = head(&dialog.ack(&invite, None));
    assert!(ack.contains(&"CSeq: 5 ACK".to_owned()), "{ack:?}");
    assert!(ack.contains(&"Authorization: Digest username=\"a\"".to_owned()), "{ack:?}");
}

#[test]
fn each_fork_is_a_dialog_and_a_failure_ends_the_early_ones() {
    let mut forks = Forks::new(our_invite(SDP));
    let heard =
        |forks: &mut Forks, status, tag: &str| match forks.heard(&answer(status, "5 INVITE", tag, NO_BODY)).unwrap() {
            ForkEvent::NoDialog => "none".to_owned(),
            ForkEvent::New(dialog) => format!("new {} {:?}", dialog.id().remote_tag, dialog.stage()),
            ForkEvent::Known(dialog) => format!("known {} {:?}", dialog.id().remote_tag, dialog.stage()),
            ForkEvent::Stale => "stale".to_owned(),
            ForkEvent::Failed => "failed".to_owned(),
        };
    assert_eq!(heard(&mut forks, 100, ""), "none");
    assert_eq!(heard(&mut forks, 180, ""), "none");
    assert_eq!(heard(&mut forks, 180, "a"), "new a Early");
    assert_eq!(heard(&mut forks, 183, "b"), "new b Early");
    assert_eq!(heard(&mut forks, 180, "a"), "known a Early");
    assert_eq!(heard(&mut forks, 200, "b"), "known b Confirmed");
    assert_eq!(heard(&mut forks, 200, "c"), "new c Confirmed");
    assert_eq!(forks.take("b").unwrap().stage(), Stage::Confirmed);

    let mut forks = Forks::new(our_invite(SDP));
    heard(&mut forks, 180, "a");
    heard(&mut forks, 180, "b");
    assert_eq!(heard(&mut forks, 486, "b"), "failed");
    assert!(forks.dialogs().all(|dialog| dialog.stage() == Stage::Terminated));
}

#[test]
fn delayed_offer_from_us_is_answered_in_the_ack() {
    let invite = their_invite(NO_BODY);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    assert_eq!(dialog.negotiation(), Negotiation::Empty);
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, true));
    assert_eq!(dialog.negotiation(), Negotiation::LocalOffer { before: Before::Nothing });
    assert_eq!(dialog.reinvite(Some(Body::sdp("v=0\r\n"))).unwrap_err(), NotNow::InviteUnderWay);
    let ack = theirs("ACK", 100, SDP);
    let mut without = dialog.clone();
    assert_eq!(dialog.receive(&ack), Ok(Incoming::Ack { answer: true, answer_missing: false }));
    assert_eq!(dialog.negotiation(), Negotiation::Agreed);
    assert_eq!(dialog.receive(&ack), Ok(Incoming::StrayAck));
    assert_eq!(
        without.receive(&theirs("ACK", 100, NO_BODY)),
        Ok(Incoming::Ack { answer: false, answer_missing: true })
    );
    assert_eq!(without.negotiation(), Negotiation::Empty);
}

#[test]
fn delayed_offer_from_them_is_answered_in_our_ack() {
    let invite = our_invite(NO_BODY);
    let mut dialog = Dialog::from_response(&invite, &answer(200, "5 INVITE", "b", &format!("{CONTACT}{SDP}"))).unwrap();
    assert_eq!(dialog.negotiation(), Negotiation::RemoteOffer { before: Before::Nothing });
    let ack = dialog.ack(&invite, Some(Body::sdp("v=0\r\n")));
    assert_eq!((dialog.negotiation(), &ack.body[..]), (Negotiation::Agreed, &b"v=0\r\n"[..]));
}

#[test]
fn reinvite_that_fails_leaves_the_session() {
    let (_, mut dialog) = confirmed();
    let reinvite = dialog.reinvite(Some(Body::sdp("v=0\r\n"))).unwrap();
    assert_eq!(reinvite.headers.cseq().unwrap().seq, 6);
    assert_eq!(dialog.negotiation(), Negotiation::LocalOffer { before: Before::Session });
    assert_eq!(dialog.reinvite(None).unwrap_err(), NotNow::InviteUnderWay);
    assert_eq!(dialog.update(Some(Body::sdp("v=0\r\n"))).unwrap_err(), NotNow::OfferOutstanding);
    dialog.heard(&answer(488, "6 INVITE", "b", NO_BODY));
    assert_eq!((dialog.stage(), dialog.negotiation()), (Stage::Confirmed, Negotiation::Agreed));
    assert!(dialog.reinvite(None).is_ok());
}

#[test]
fn invites_that_cross_get_491_and_wait_for_different_times() {
    let (_, mut dialog) = confirmed();
    dialog.reinvite(Some(Body::sdp("v=0\r\n"))).unwrap();
    let theirs = theirs("INVITE", 1, &format!("{CONTACT}{SDP}"));
    let rejection = dialog.receive(&theirs).unwrap_err();
    let mut random = Random::from_seed([3; 32]);
    let answered = rejection.response(&theirs, &mut random);
    assert_eq!((rejection, answered.status), (Rejection::Glare, StatusCode::REQUEST_PENDING));
    dialog.heard(&answer(491, "6 INVITE", "b", NO_BODY));
    assert_eq!(dialog.invite_use(), InviteUse::Idle);

    let other = Dialog::from_request(&their_invite(SDP), "us").unwrap();
    for _ in 0..1000 {
        let ours = dialog.glare_delay(&mut random).as_millis();
        assert!((2100..=4000).contains(&ours) && ours.is_multiple_of(10), "{ours}");
        assert!(other.glare_delay(&mut random).as_millis() <= 2000);
    }
}

#[test]
fn second_invite_before_our_answer_gets_500_with_retry_after() {
    let (_, mut dialog) = confirmed();
    let first = theirs("INVITE", 1, &format!("{CONTACT}{SDP}"));
    assert_eq!(dialog.receive(&first), Ok(Incoming::Invite { offer: true }));
    let second = theirs("INVITE", 2, &format!("{CONTACT}{SDP}"));
    let rejection = dialog.receive(&second).unwrap_err();
    assert_eq!(rejection, Rejection::Overlapping);
    let answered = rejection.response(&second, &mut Random::from_seed([3; 32]));
    assert_eq!(answered.status, StatusCode::SERVER_INTERNAL_ERROR);
    assert!(answered.headers.contains(&HeaderName::RetryAfter));
    assert_eq!(dialog.reinvite(None).unwrap_err(), NotNow::InviteUnderWay);
    dialog.responded(&first, &our_answer(&first, StatusCode::OK, true));
    assert_eq!(dialog.negotiation(), Negotiation::Agreed);
    assert_eq!(dialog.receive(&theirs("ACK", 1, NO_BODY)), Ok(Incoming::Ack { answer: false, answer_missing: false }));
}

#[test]
fn request_below_the_last_number_gets_500_and_changes_nothing() {
    let (_, mut dialog) = confirmed();
    assert_eq!(dialog.receive(&theirs("INFO", 7, NO_BODY)), Ok(Incoming::Other));
    let late = theirs("INVITE", 6, &format!("Contact: <sip:elsewhere@x>\r\n{SDP}"));
    assert_eq!(dialog.receive(&late), Err(Rejection::OutOfOrder));
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@198.51.100.7:5070");
    assert_eq!(dialog.receive(&theirs("BYE", 8, NO_BODY)), Ok(Incoming::Bye));
    assert_eq!(dialog.receive(&theirs("INFO", 9, NO_BODY)), Err(Rejection::Over));
}

#[test]
fn target_moves_with_a_reinvite() {
    let (_, mut dialog) = confirmed();
    dialog.receive(&theirs("INFO", 1, "Contact: <sip:info@x>\r\n\r\n")).unwrap();
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@198.51.100.7:5070", "INFO refreshes no target");
    dialog.receive(&theirs("INVITE", 2, &format!("Contact: <sip:new@x>\r\n{SDP}"))).unwrap();
    assert_eq!(dialog.remote_target().as_str(), "sip:new@x");
}

#[test]
fn reinvite_that_overtook_the_ack_is_taken_unless_the_ack_has_the_answer() {
    let invite = their_invite(SDP);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, true));
    assert_eq!(
        dialog.receive(&theirs("INVITE", 101, &format!("{CONTACT}{SDP}"))),
        Ok(Incoming::Invite { offer: true })
    );

    let invite = their_invite(NO_BODY);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, true));
    assert_eq!(dialog.receive(&theirs("INVITE", 101, &format!("{CONTACT}{SDP}"))), Err(Rejection::Glare));
}

#[test]
fn update_offers_are_kept_apart() {
    let (_, mut dialog) = confirmed();
    let update = theirs("UPDATE", 1, &format!("{CONTACT}{SDP}"));
    assert_eq!(dialog.receive(&update), Ok(Incoming::Update { offer: true }));
    assert_eq!(dialog.receive(&theirs("UPDATE", 2, &format!("{CONTACT}{SDP}"))), Err(Rejection::Overlapping));
    assert_eq!(dialog.receive(&theirs("UPDATE", 3, NO_BODY)), Ok(Incoming::Update { offer: false }));
    dialog.responded(&update, &our_answer(&update, StatusCode::OK, true));
    assert_eq!(dialog.negotiation(), Negotiation::Agreed);
    dialog.update(Some(Body::sdp("v=0\r\n"))).unwrap();
    assert_eq!(dialog.receive(&theirs("UPDATE", 4, &format!("{CONTACT}{SDP}"))), Err(Rejection::Glare));
    dialog.heard(&answer(200, "6 UPDATE", "b", &format!("{CONTACT}{SDP}")));
    assert_eq!(dialog.negotiation(), Negotiation::Agreed);
}

#[test]
fn update_without_an_offer_leaves_the_offer_of_the_invite_open() {
    let invite = their_invite(SDP);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    let update = theirs("UPDATE", 101, NO_BODY);
    assert_eq!(dialog.receive(&update), Ok(Incoming::Update { offer: false }));
    dialog.responded(&update, &our_answer(&update, StatusCode::OK, false));
    assert_eq!(dialog.negotiation(), Negotiation::RemoteOffer { before: Before::Nothing });
    let with_offer = theirs("UPDATE", 102, &format!("{CONTACT}{SDP}"));
    assert_eq!(dialog.receive(&with_offer), Err(Rejection::Overlapping));
}

#[test]
fn reliable_responses_are_heard_in_order_in_each_fork_and_acknowledged_once() {
    let mut forks = Forks::new(our_invite(SDP));
    let mut heard = |tag: &str, rseq: u32| {
        let response = answer(183, "5 INVITE", tag, &format!("Require: 100rel\r\nRSeq: {rseq}\r\n{CONTACT}{SDP}"));
        match forks.heard(&response).unwrap() {
            ForkEvent::New(dialog) | ForkEvent::Known(dialog) => {
                let prack = dialog.prack(&response).unwrap();
                assert!(dialog.negotiation() == Negotiation::Agreed && dialog.prack(&response).is_none());
                head(&prack).into_iter().filter(|line| line.starts_with("RAck") || line.starts_with("CSeq")).collect()
            }
            ForkEvent::Stale => vec!["stale".to_owned()],
            ForkEvent::NoDialog | ForkEvent::Failed => vec!["none".to_owned()],
        }
    };
    assert_eq!(heard("a", 9), ["CSeq: 6 PRACK", "RAck: 9 5 INVITE"]);
    assert_eq!(heard("b", 2), ["CSeq: 6 PRACK", "RAck: 2 5 INVITE"]);
    assert_eq!(heard("a", 9), ["stale"]);
    assert_eq!(heard("a", 11), ["stale"]);
    assert_eq!(heard("a", 10), ["CSeq: 7 PRACK", "RAck: 10 5 INVITE"]);
    forks.heard(&answer(200, "5 INVITE", "a", &format!("{CONTACT}{SDP}"))).unwrap();
    // What the 2xx describes is no offer, and the ACK owes no answer.
    let mut dialog = forks.take("a").unwrap();
    assert_eq!((dialog.negotiation(), dialog.invite_use()), (Negotiation::Agreed, InviteUse::AckDue { cseq: 5 }));
    dialog.ack(&our_invite(SDP), None);
    assert!(dialog.may_reinvite().is_ok());
}

#[test]
fn a_reliable_response_of_ours_answers_the_offer_and_waits_for_its_prack() {
    let invite = their_invite(SDP);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    let mut random = Random::from_seed([3; 32]);
    let mut progress = our_answer(&invite, StatusCode::SESSION_PROGRESS, true);
    dialog.make_reliable(&mut progress, &mut random).unwrap();
    let rseq = progress.headers.rseq().unwrap().unwrap();
    assert!((1..1 << 31).contains(&rseq) && dialog.awaits_prack() && dialog.is_settled());
    assert!(dialog.make_reliable(&mut our_answer(&invite, StatusCode::RINGING, false), &mut random).is_err());
    let prack = |cseq, rack: &str, rest: &str| theirs("PRACK", cseq, &format!("RAck: {rack}\r\n{rest}"));
    for (at, stray) in
        ["1 100 INVITE".to_owned(), format!("{rseq} 99 INVITE"), format!("{rseq} 100 UPDATE")].iter().enumerate()
    {
        let request = prack(101 + u32::try_from(at).unwrap(), stray, NO_BODY);
        assert_eq!(dialog.receive(&request), Err(Rejection::StrayPrack), "{stray}");
    }
    let request = prack(110, &format!("{rseq} 100 INVITE"), SDP);
    assert_eq!(dialog.receive(&request), Ok(Incoming::Prack { offer: true, answer: false, answer_missing: false }));
    dialog.responded(&request, &our_answer(&request, StatusCode::OK, true));
    assert_eq!((dialog.negotiation(), dialog.awaits_prack()), (Negotiation::Agreed, false));
    assert_eq!(dialog.receive(&prack(111, &format!("{rseq} 100 INVITE"), NO_BODY)), Err(Rejection::StrayPrack));
    let mut second = our_answer(&invite, StatusCode::RINGING, false);
    dialog.make_reliable(&mut second, &mut random).unwrap();
    assert_eq!(second.headers.rseq().unwrap(), Some(rseq + 1));
    // Found by the simulator, seed 2411: an UPDATE overtook the PRACK, which came with the lower CSeq.
    assert_eq!(dialog.receive(&theirs("INFO", 113, NO_BODY)), Ok(Incoming::Other));
    let overtaken = dialog.receive(&prack(112, &format!("{} 100 INVITE", rseq + 1), NO_BODY));
    assert_eq!(overtaken, Ok(Incoming::Prack { offer: false, answer: false, answer_missing: false }));
    assert_eq!(dialog.receive(&theirs("INFO", 112, NO_BODY)), Err(Rejection::OutOfOrder));
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, false));
    assert_eq!((dialog.stage(), dialog.negotiation()), (Stage::Confirmed, Negotiation::Agreed));
}

#[test]
fn peer_that_does_not_know_the_dialog_ends_it() {
    for status in [481, 408] {
        let (_, mut dialog) = confirmed();
        dialog.request(Method::Info);
        dialog.heard(&answer(status, "6 INFO", "b", NO_BODY));
        assert_eq!(dialog.stage(), Stage::Terminated);
    }
    let (_, mut dialog) = confirmed();
    dialog.request(Method::Info);
    dialog.heard(&answer(500, "6 INFO", "b", NO_BODY));
    assert_eq!(dialog.stage(), Stage::Confirmed);
}

#[test]
fn invite_that_we_refuse_or_whose_ack_never_comes() {
    let invite = their_invite(SDP);
    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    dialog.responded(&invite, &our_answer(&invite, StatusCode::RINGING, false));
    assert_eq!(dialog.stage(), Stage::Early);
    dialog.responded(&invite, &our_answer(&invite, StatusCode::BUSY_HERE, false));
    assert_eq!((dialog.stage(), dialog.negotiation()), (Stage::Terminated, Negotiation::Empty));

    let mut dialog = Dialog::from_request(&invite, "us").unwrap();
    dialog.responded(&invite, &our_answer(&invite, StatusCode::OK, true));
    dialog.ack_missing();
    assert_eq!((dialog.stage(), dialog.invite_use()), (Stage::Confirmed, InviteUse::Idle));
}

#[test]
fn sips_makes_the_dialog_secure() {
    let mut invite = our_invite(SDP);
    invite.uri = "sips:bob@example.com".parse().unwrap();
    assert!(Dialog::from_response(&invite, &answer(200, "5 INVITE", "b", NO_BODY)).unwrap().is_secure());
    assert!(!confirmed().1.is_secure());
}

#[test]
fn checkpoint_brings_the_dialog_back() {
    let records = "Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.net;lr>\r\n";
    let invite = our_invite(SDP);
    let ok = answer(200, "5 INVITE", "b", &format!("{records}{CONTACT}{SDP}"));
    let mut dialog = Dialog::from_response(&invite, &ok).unwrap();
    dialog.ack(&invite, None);
    dialog.receive(&theirs("INFO", 3, NO_BODY)).unwrap();
    let checkpoint = dialog.checkpoint();
    let mut restored = Dialog::restore(&checkpoint).unwrap();
    assert_eq!(restored.checkpoint(), checkpoint);
    assert_eq!(head(&restored.request(Method::Bye)), head(&dialog.request(Method::Bye)));
    let mut damaged = checkpoint;
    damaged.remote_target = "no uri".to_owned();
    assert_eq!(
        Dialog::restore(&damaged).unwrap_err().to_string(),
        "the remote target in the dialog checkpoint cannot be read, the call cannot be picked up again"
    );
}
