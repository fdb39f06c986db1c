//! URIs: what they are made of, and which are the same (RFC 3261 §19.1.4, RFC 3966 §4).

use sip::uri::{Host, SipUri, Uri};

fn uri(text: &str) -> Uri {
    text.parse().expect("a URI")
}

#[test]
fn rfc_3261_examples_of_equal_uris_match() {
    let same = [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
    ];
    for (left, right) in same {
        assert!(uri(left).matches(&uri(right)) && uri(right).matches(&uri(left)), "{left} {right}");
    }
}

#[test]
fn rfc_3261_examples_of_other_uris_do_not_match() {
    let other = [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:alice@atlanta.com", "sips:alice@atlanta.com"),
        ("tel:911;phone-context=a", "tel:911;phone-context=b"),
    ];
    for (left, right) in other {
        assert!(!uri(left).matches(&uri(right)) && !uri(right).matches(&uri(left)), "{left} {right}");
    }
}

#[test]
fn what_a_user_part_may_not_hold_is_escaped() {
    let host: Host = "pbx.example.com".parse().unwrap();
    let built = SipUri::new(Some("a b@c%;#\r\nVia: x"), &host, Some(5080));
    assert_eq!(built.as_str(), "sip:a%20b%40c%25;%23%0D%0AVia%3A%20x@pbx.example.com:5080");
    let read = uri(built.as_str());
    assert_eq!(read.user().as_deref(), Some("a b@c%;#\r\nVia: x"));
    assert_eq!(read.as_sip(), Some(&built));
}

#[test]
fn parameters_are_set_replaced_and_removed() {
    let read = uri("sip:a@[2001:db8::1]:5060;transport=tcp;lr?x=y");
    let sip = read.as_sip().unwrap();
    assert_eq!(sip.with_param("Transport", "ws").as_str(), "sip:a@[2001:db8::1]:5060;lr;Transport=ws?x=y");
    assert_eq!(sip.without_param("lr").as_str(), "sip:a@[2001:db8::1]:5060;transport=tcp?x=y");
    assert_eq!(sip.without_headers().as_str(), "sip:a@[2001:db8::1]:5060;transport=tcp;lr");
    assert_eq!(sip.without_params().as_str(), "sip:a@[2001:db8::1]:5060");
    assert_eq!(sip.without_params().with_param("ob", "").param("ob"), Some(""));
}

#[test]
fn malformed_uris_are_refused() {
    let bad = [
        "",
        "sip:",
        "sip:@h",
        "sip:a b@h",
        "sip:a@h:x",
        "sip:a@h:99999",
        "sip:a@[::1",
        "sip:a@h%",
        "sip:a@h>x",
        "tel:",
        "tel:abcxyz",
        "1x:y",
        "http:",
    ];
    for text in bad {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn numbers_of_tel_uris_lose_their_separators() {
    let Uri::Tel(tel) = uri("tel:+86-(138).0013-8000;phone-context=example.com") else { panic!("no tel") };
    assert_eq!((tel.digits().as_str(), tel.is_global()), ("+8613800138000", true));
    assert_eq!(tel.param("Phone-Context"), Some("example.com"));
}
