//! One agent under made-up requests; the first ones are those of RFC 5769.

use std::net::SocketAddr;

use rtc_crypto::providers::AwsLcRsCrypto;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_UNKNOWN_ATTRIBUTES, ATTR_USE_CANDIDATE,
    ATTR_USERNAME, AttrType,
};
use rtc_stun::error_code::ErrorCodeAttribute;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter};

use super::stun::Request;
use super::*;
use crate::{BrowserPeer, Fingerprint, IceCredentials};

/// RFC 5769 §2.1: `evtj:h6vY` asks, thinking that it is controlled.
const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
                      80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249\
                      c1b571a280280004e57a3bcf";
const SAMPLE_PWD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn path(port: u16) -> Path {
    Path { socket: SharedSocket(0), address: SocketAddr::from(([192, 0, 2, 1], port)) }
}

pub(crate) fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.to_owned(), pwd: format!("password of {ufrag}") }
}

fn peer(ufrag: &str) -> BrowserPeer {
    BrowserPeer { ice: credentials(ufrag), fingerprint: Fingerprint([7; 32]) }
}

/// A request as a browser writes it.
pub(crate) struct Check {
    ours: String,
    pub(crate) pwd: String,
    theirs: String,
    attributes: Vec<(AttrType, Vec<u8>)>,
    after_integrity: Vec<(AttrType, Vec<u8>)>,
}

pub(crate) fn check(ours: &str, theirs: &str) -> Check {
    let attributes = vec![(ATTR_PRIORITY, vec![0x6E, 0, 1, 0xFF]), (ATTR_ICE_CONTROLLING, vec![9; 8])];
    Check {
        ours: ours.into(),
        pwd: credentials(ours).pwd,
        theirs: theirs.into(),
        attributes,
        after_integrity: Vec::new(),
    }
}

impl Check {
    pub(crate) fn nominating(mut self) -> Self {
        self.attributes.push((ATTR_USE_CANDIDATE, Vec::new()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut message = Message::new();
        message.set_type(BINDING_REQUEST);
        message.transaction_id.0 = [5; 12];
        message.write_header();
        message.add(ATTR_USERNAME, format!("{}:{}", self.ours, self.theirs).as_bytes());
        for (typ, value) in &self.attributes {
            message.add(*typ, value);
        }
        if !self.pwd.is_empty() {
            let key = self.pwd.as_bytes().to_vec();
            MessageIntegrity::new_raw_integrity_with_provider(key, &AwsLcRsCrypto).add_to(&mut message).unwrap();
        }
        for (typ, value) in &self.after_integrity {
            message.add(*typ, value);
        }
        FINGERPRINT.add_to(&mut message).unwrap();
        message.raw
    }
}

/// What was answered: the code, 0 for success, and whether the key is in it.
fn answer(outcome: &Outcome, key: &str) -> (u16, bool) {
    let mut message = Message::new();
    message.unmarshal_binary(outcome.answer.as_ref().expect("an answer")).unwrap();
    FINGERPRINT.check(&message).expect("the fingerprint");
    let signed = MessageIntegrity::check(&mut message, key.as_bytes(), &AwsLcRsCrypto).is_ok();
    if message.typ == BINDING_SUCCESS {
        return (0, signed);
    }
    assert_eq!(message.typ, BINDING_ERROR);
    let mut code = ErrorCodeAttribute::default();
    code.get_from(&message).unwrap();
    (code.code.0, signed)
}

struct Rig {
    agent: Agent,
    now_us: u64,
}

fn rig() -> Rig {
    Rig { agent: Agent::new(0, credentials("OURS")), now_us: 0 }
}

impl Rig {
    fn receive(&mut self, port: u16, check: &Check) -> Outcome {
        self.now_us += 1;
        let mut request = Request::parse(&check.bytes()).expect("a request");
        self.agent.receive(self.now_us, path(port), &mut request)
    }

    fn code(&mut self, port: u16, check: &Check) -> (u16, bool) {
        let outcome = self.receive(port, check);
        assert_eq!(outcome.authentic, answer(&outcome, &check.pwd).0 == 0);
        answer(&outcome, &check.pwd)
    }

    fn sent_to(&self) -> Option<u16> {
        self.agent.path().map(|path| path.address.port())
    }
}

#[test]
fn the_request_of_rfc_5769_is_read() {
    let mut request = Request::parse(&hex(SAMPLE)).expect("a request");
    assert_eq!((request.ours(), request.theirs()), (Some("evtj"), Some("h6vY")));
    assert!(request.is_signed_with(SAMPLE_PWD));
    assert!(!request.is_signed_with("VOkJxbRl1RmTxUk/WvJxBu"));
    assert!(!request.nominates());
    let mut agent = Agent::new(0, IceCredentials { ufrag: "evtj".into(), pwd: SAMPLE_PWD.into() });
    let outcome = agent.receive(1, path(1), &mut request);
    assert_eq!(answer(&outcome, SAMPLE_PWD), (487, true), "it thinks that we control");
    assert_eq!(agent.path(), None);
}

/// RFC 5769 §2.2 and §2.3 name the address of the answers; the attribute in ours is theirs, byte for byte.
#[test]
fn answers_name_the_address_as_in_rfc_5769() {
    let vectors = [
        ("192.0.2.1:32853", "002000080001a147e112a643"),
        ("[2001:db8:1234:5678:11:2233:4455:6677]:32853", "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),
    ];
    for (from, attribute) in vectors {
        let request = Request::parse(&hex(SAMPLE)).unwrap();
        let answer = request.accept(from.parse().unwrap(), SAMPLE_PWD).unwrap();
        let attribute = hex(attribute);
        assert!(answer.windows(attribute.len()).any(|window| window == attribute), "{from}: {answer:02x?}");
    }
}

#[test]
fn any_changed_byte_of_a_request_makes_it_nobodys() {
    let sample = check("OURS", "THEM").nominating().bytes();
    for at in 0..sample.len() {
        let mut damaged = sample.clone();
        damaged[at] ^= 0x10;
        assert!(Request::parse(&damaged).is_none(), "byte {at}: the fingerprint was not looked at");
        // With a fingerprint made for it: the integrity is wrong then.
        let end = damaged.len() - 8;
        if (2..4).contains(&at) || at >= end {
            continue;
        }
        damaged.truncate(end);
        let mut message = Message { raw: damaged, ..Message::default() };
        message.raw[2..4].copy_from_slice(&((end - 20) as u16).to_be_bytes());
        if message.decode().is_ok() && FINGERPRINT.add_to(&mut message).is_ok() {
            let Some(mut request) = Request::parse(&message.raw) else { continue };
            let mut rig = rig();
            let outcome = rig.agent.receive(1, path(1), &mut request);
            assert!(!outcome.authentic, "byte {at}");
            assert_eq!(rig.sent_to(), None);
        }
    }
}

#[test]
fn requests_are_answered_by_what_is_wrong_with_them() {
    let mut rig = rig();
    rig.agent.agree(0, &peer("THEM"));
    let unsigned = Check { pwd: String::new(), ..check("OURS", "THEM") };
    let refused = Request::parse(&unsigned.bytes()).and_then(|request| super::refuse(&request));
    assert_eq!(answer(&Outcome { answer: refused, ..Outcome::default() }, "x"), (400, false));
    assert_eq!(rig.code(1, &Check { pwd: "wrong".into(), ..check("OURS", "THEM") }), (401, false));
    assert_eq!(rig.code(1, &check("OURS", "OTHER")), (401, false), "the whole name is looked at");
    assert_eq!(rig.code(1, &check("ELSE", "THEM")), (401, false));
    let mut controlled = check("OURS", "THEM");
    controlled.attributes = vec![(ATTR_ICE_CONTROLLED, vec![0xFF; 8])];
    assert_eq!(rig.code(1, &controlled), (487, true));
    let mut demanding = check("OURS", "THEM");
    demanding.attributes.push((AttrType(0x7FFF), vec![1; 4]));
    let outcome = rig.receive(1, &demanding);
    assert_eq!(answer(&outcome, &demanding.pwd), (420, true));
    let mut message = Message::new();
    message.unmarshal_binary(&outcome.answer.unwrap()).unwrap();
    assert_eq!(message.get(ATTR_UNKNOWN_ATTRIBUTES).unwrap(), [0x7F, 0xFF]);
    assert_eq!(rig.sent_to(), None, "nobody has been believed");
    assert_eq!(rig.agent.heard_us(), 0);
    let mut strange = check("OURS", "THEM");
    strange.attributes.push((AttrType(0xC057), vec![1; 4]));
    assert_eq!(rig.code(1, &strange), (0, true), "an attribute that may be skipped");
    assert_eq!(rig.sent_to(), Some(1));
}

#[test]
fn what_follows_the_integrity_says_nothing() {
    let mut rig = rig();
    assert_eq!(rig.code(1, &check("OURS", "THEM")), (0, true));
    let mut forged = check("OURS", "THEM");
    forged.after_integrity = vec![(ATTR_USE_CANDIDATE, Vec::new())];
    assert_eq!(rig.code(2, &forged), (0, true));
    assert_eq!(rig.sent_to(), Some(1), "nominated by nobody");
}

#[test]
fn media_goes_to_the_first_address_and_then_where_the_browser_says() {
    let mut rig = rig();
    assert_eq!(rig.code(1, &check("OURS", "THEM")), (0, true), "before its SDP is known");
    rig.agent.agree(0, &peer("THEM"));
    assert_eq!(rig.code(2, &check("OURS", "THEM")), (0, true));
    assert_eq!(rig.sent_to(), Some(1));
    rig.code(2, &check("OURS", "THEM").nominating());
    assert_eq!(rig.sent_to(), Some(2));
    rig.code(1, &check("OURS", "THEM"));
    assert_eq!(rig.sent_to(), Some(2));
    rig.code(1, &check("OURS", "THEM").nominating());
    assert_eq!(rig.sent_to(), Some(1), "the last word counts");
}

#[test]
fn another_browser_that_took_the_same_offer_is_forgotten() {
    let mut rig = rig();
    rig.code(1, &check("OURS", "SHE").nominating());
    rig.code(2, &check("OURS", "HIM").nominating());
    assert_eq!(rig.sent_to(), Some(2));
    assert_eq!(rig.agent.agree(0, &peer("SHE")), [path(2).address]);
    assert_eq!(rig.sent_to(), Some(1));
    assert_eq!(rig.code(2, &check("OURS", "HIM")), (401, false));
}

#[test]
fn the_old_fragment_is_good_until_the_browser_nominates_with_the_new_one() {
    let mut rig = rig();
    rig.agent.agree(0, &peer("THEM"));
    rig.code(1, &check("OURS", "THEM").nominating());
    assert_eq!(rig.agent.restart(credentials("NEW")), None);
    assert_eq!(rig.code(1, &check("OURS", "THEM")), (0, true));
    assert_eq!(rig.code(2, &check("NEW", "AGAIN")), (0, true));
    assert_eq!(rig.agent.agree(0, &peer("AGAIN")), []);
    assert_eq!(rig.sent_to(), Some(1), "nothing has been nominated");
    rig.code(3, &check("OURS", "THEM").nominating());
    assert_eq!(rig.sent_to(), Some(3), "the restart may come to nothing: the old one may still say where");
    assert_eq!(rig.code(3, &check("NEW", "THEM")), (401, false), "fragments that do not belong together");
    let outcome = rig.receive(2, &check("NEW", "AGAIN").nominating());
    assert_eq!(outcome.retired.as_deref(), Some("OURS"));
    assert_eq!(rig.sent_to(), Some(2));
    assert_eq!(rig.code(1, &check("OURS", "THEM").nominating()), (401, false));
    assert_eq!(rig.sent_to(), Some(2));
    assert_eq!(rig.agent.fragments().collect::<Vec<_>>(), ["NEW"]);
    assert_eq!(rig.agent.restart(credentials("THIRD")), None);
    assert_eq!(rig.agent.restart(credentials("FOURTH")).as_deref(), Some("NEW"), "two are good at most");
}

#[test]
fn few_addresses_are_remembered_and_never_at_the_cost_of_the_one_in_use() {
    let mut rig = rig();
    rig.code(1_000, &check("OURS", "THEM").nominating());
    for port in 1..=200 {
        let outcome = rig.receive(port, &check("OURS", "THEM"));
        let full = usize::from(port) >= PAIRS_MAX;
        let oldest = full.then(|| path(port + 1 - u16::try_from(PAIRS_MAX).unwrap()).address);
        assert_eq!(outcome.forgotten, oldest, "{port}");
    }
    assert_eq!(rig.agent.addresses().count(), PAIRS_MAX);
    assert_eq!(rig.sent_to(), Some(1_000));
}
