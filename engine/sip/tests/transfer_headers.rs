//! The header fields of transfers, events and diversions: what phones write, what we write, and any text in between.

use bytes::Bytes;
use proptest::prelude::*;
use sip::dialog::DialogId;
use sip::headers::{
    Diversion, EventPackage, HeaderName, HeaderValue, Headers, HistoryEntry, NameAddr, Privacy, Reason, ReferTo,
    Replaces, Retargeted, SubscriptionState, Substate,
};
use sip::message::{Method, StatusCode};
use sip::sipfrag;
use sip::uri::Uri;

fn headers(name: HeaderName, value: impl Into<HeaderValue>) -> Headers {
    let mut headers = Headers::new();
    headers.push(name, value);
    headers
}

fn refer_to(value: &str) -> Result<ReferTo, String> {
    let read = headers(HeaderName::ReferTo, value).refer_to();
    read.map(|read| read.expect("a Refer-To")).map_err(|error| error.to_string())
}

fn text(value: impl Into<HeaderValue>) -> String {
    String::from_utf8_lossy(value.into().as_bytes()).into_owned()
}

#[test]
fn a_blind_transfer_is_read_in_every_spelling() {
    let spellings = [
        ("<sip:1003@pbx.example>", "sip:1003@pbx.example"),
        ("sip:1003@pbx.example", "sip:1003@pbx.example"),
        ("\"Carol\" <sip:1003@pbx.example;user=phone>", "sip:1003@pbx.example;user=phone"),
        ("<sip:1003@pbx.example;method=INVITE>", "sip:1003@pbx.example"),
        ("<tel:+8613800138000>", "tel:+8613800138000"),
        ("<sip:1003@pbx.example?Subject=x&Route=%3Csip:evil%3E>", "sip:1003@pbx.example"),
    ];
    for (value, uri) in spellings {
        let read = refer_to(value).expect(value);
        assert_eq!((read.address.uri.as_str(), &read.method, &read.replaces), (uri, &Method::Invite, &None), "{value}");
    }
    assert_eq!(refer_to("<sip:1003@pbx.example;method=BYE>").map(|read| read.method), Ok(Method::Bye));
}

#[test]
fn an_attended_transfer_names_the_dialog_to_be_replaced() {
    let values = [
        "<sip:1003@pbx.example?Replaces=12345%40192.0.2.5%3Bto-tag%3Dabc%3Bfrom-tag%3Ddef>",
        "<sip:1003@pbx.example?Require=replaces&replaces=12345%40192.0.2.5%3Bfrom-tag%3ddef%3Bto-tag%3dabc>",
        "sip:1003@pbx.example?Replaces=12345%40192.0.2.5%3Bto-tag%3Dabc%3Bfrom-tag%3Ddef",
    ];
    let wanted = Replaces {
        call_id: "12345@192.0.2.5".to_owned(),
        to_tag: "abc".to_owned(),
        from_tag: "def".to_owned(),
        early_only: false,
    };
    for value in values {
        let read = refer_to(value).expect(value);
        assert_eq!(
            (read.address.uri.as_str(), read.replaces),
            ("sip:1003@pbx.example", Some(wanted.clone())),
            "{value}"
        );
    }
    let early = refer_to("<sip:a@b?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db%3Bearly-only>").expect("a Refer-To");
    assert!(early.replaces.expect("a Replaces").early_only);
}

#[test]
fn what_names_no_dialog_is_refused() {
    let bad = [
        "1",
        "1;to-tag=a",
        "1;from-tag=a",
        ";to-tag=a;from-tag=b",
        "1;to-tag=;from-tag=b",
        "1 2;to-tag=a;from-tag=b",
        "1;to-tag=a;to-tag=b;from-tag=c",
        "1;to-tag=a;from-tag=c;from-tag=d",
        "1;to-tag=\"a\";from-tag=b",
        "1;to-tag;from-tag=b",
    ];
    for value in bad {
        assert!(headers(HeaderName::Replaces, value).replaces().is_err(), "{value}");
    }
    let twice = "<sip:a@b?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=2%3Bto-tag%3Da%3Bfrom-tag%3Db>";
    for value in
        [twice, "<sip:a@b?Replaces=1%0D%0AX:y%3Bto-tag%3Da%3Bfrom-tag%3Db>", "<sip:a@b;method=a%20b>", "", "<>"]
    {
        assert!(refer_to(value).is_err(), "{value}");
    }
    let mut repeated = headers(HeaderName::ReferTo, "<sip:a@b>");
    repeated.push(HeaderName::ReferTo, "<sip:c@d>");
    assert!(repeated.refer_to().is_err());
}

#[test]
fn a_replaces_is_seen_from_who_receives_it() {
    let ours = DialogId { call_id: "c".to_owned(), local_tag: "us".to_owned(), remote_tag: "them".to_owned() };
    let theirs = DialogId { call_id: "c".to_owned(), local_tag: "them".to_owned(), remote_tag: "us".to_owned() };
    assert!(ours.as_replaces().names(&theirs), "what we send names the peer's dialog");
    assert!(!ours.as_replaces().names(&ours));
    assert!(theirs.as_replaces().names(&ours));
    let other = DialogId { call_id: "C".to_owned(), ..theirs };
    assert!(!ours.as_replaces().names(&other), "a Call-ID is compared with regard to case");
    // RFC 3891 §6.1.
    let old = DialogId { call_id: "c".to_owned(), local_tag: "us".to_owned(), remote_tag: String::new() };
    let zero = Replaces { call_id: "c".into(), to_tag: "us".into(), from_tag: "0".into(), early_only: false };
    assert!(zero.names(&old));
    assert_eq!(old.as_replaces().to_tag, "0");
}

#[test]
fn a_refer_to_that_is_written_is_escaped() {
    let uri: Uri = "sip:1003@pbx.example;transport=tcp".parse().expect("a URI");
    let dialog = DialogId { call_id: "a=b&c@h".to_owned(), local_tag: "1".to_owned(), remote_tag: "2".to_owned() };
    let written = ReferTo { replaces: Some(dialog.as_replaces()), ..ReferTo::to(NameAddr::new(uri)) };
    assert_eq!(
        text(&written),
        "<sip:1003@pbx.example;transport=tcp?Replaces=a%3Db%26c%40h%3Bto-tag%3D2%3Bfrom-tag%3D1>"
    );
    assert_eq!(refer_to(&text(&written)), Ok(written));
}

#[test]
fn subscriptions_of_refers_are_written_and_read() {
    assert_eq!(text(EventPackage::refer(93)), "refer;id=93");
    assert_eq!(headers(HeaderName::Event, "refer;id=93").event(), Ok(Some(EventPackage::refer(93))));
    assert_eq!(text(SubscriptionState::active(60)), "active;expires=60");
    assert_eq!(text(SubscriptionState::terminated("noresource")), "terminated;reason=noresource");
    let read = |value: &str| headers(HeaderName::SubscriptionState, value).subscription_state();
    assert_eq!(read("ACTIVE ; expires=60"), Ok(Some(SubscriptionState::active(60))));
    let ended = read("terminated;reason=timeout;retry-after=5").expect("readable").expect("there");
    assert!(ended.is_terminated());
    assert_eq!((ended.reason.as_deref(), ended.retry_after), (Some("timeout"), Some(5)));
    let other = read("waiting").expect("readable").expect("there");
    assert_eq!(other.state, Substate::Other("waiting".to_owned()));
    assert!(read("").is_err() && read(";expires=1").is_err());
    for (value, wanted) in [("false", Some(false)), ("True;x=y", Some(true)), ("maybe", None)] {
        assert_eq!(headers(HeaderName::ReferSub, value).refer_sub(), wanted, "{value}");
    }
}

#[test]
fn a_sipfrag_tells_its_status() {
    let busy = StatusCode::new(486).expect("a status");
    assert_eq!(&sipfrag::status_line(busy, "Busy\r\nHere")[..], b"SIP/2.0 486 Busy  Here\r\n");
    let good: [(&[u8], u16, &[u8]); 5] = [
        (b"SIP/2.0 200 OK\r\nContact: <sip:a@b>\r\n", 200, b"OK"),
        (b"\r\nsip/2.0 180 Ringing", 180, b"Ringing"),
        (b"SIP/2.0 100", 100, b""),
        (b"SIP/2.0 603 \n", 603, b""),
        (b"SIP/2.0 503 \xff", 503, b"\xff"),
    ];
    for (body, code, reason) in good {
        let read = sipfrag::read_status_line(&Bytes::from_static(body)).expect("a status line");
        assert_eq!((read.status.code(), &read.reason[..]), (code, reason));
    }
    for body in [
        &b""[..],
        b"\r\n",
        b"SIP/2.0 ",
        b"SIP/2.0 20",
        b"SIP/2.0 099 x",
        b"SIP/2.0 700 x",
        b"SIP/2.0 2000",
        b"INVITE sip:a@b SIP/2.0",
    ] {
        assert!(sipfrag::read_status_line(&Bytes::copy_from_slice(body)).is_none(), "{body:?}");
    }
}

#[test]
fn diversions_say_who_sent_the_call_on() {
    let value = "\"Boss\" <sip:1001@pbx>;reason=user-busy;counter=2;privacy=full, <tel:+861012345678>;reason=\"no-answer\", <sip:x@y>";
    let read: Vec<Diversion> =
        headers(HeaderName::Diversion, value).diversions().collect::<Result<_, _>>().expect("readable");
    let told: Vec<_> = read.iter().map(|one| (one.reason(), one.counter(), one.is_private())).collect();
    assert_eq!(told[0], (Some("user-busy".to_owned()), 2, true));
    assert_eq!(told[1], (Some("no-answer".to_owned()), 1, false));
    assert_eq!(told[2], (None, 1, false));
    let written = Diversion::new(NameAddr::new("sip:1001@pbx".parse().expect("a URI")), "deflection");
    assert_eq!(text(written), "<sip:1001@pbx>;reason=deflection");
}

#[test]
fn history_is_read_and_written() {
    let value = "<sip:bob@pbx?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22&Privacy=history>;index=1, \
                 <sip:carol@pbx>;index=1.1;mp=1, <sip:carol@192.0.2.4>;index=1.1.1;rc=1.1";
    let read: Vec<HistoryEntry> =
        headers(HeaderName::HistoryInfo, value).history().collect::<Result<_, _>>().expect("readable");
    assert_eq!(
        read[0].reason.as_ref().map(|reason| (reason.protocol.as_str(), reason.cause)),
        Some(("SIP", Some(302)))
    );
    assert!(read[0].private && !read[1].private);
    assert_eq!(read[1].retargeted, Some((Retargeted::Mapped, "1".to_owned())));
    assert_eq!(read[2].index, [1, 1, 1]);
    for entry in read {
        let again = headers(HeaderName::HistoryInfo, &entry).history().next().expect("one").expect("readable");
        assert_eq!(again, entry);
    }
    let odd = "<sip:a@b>;index=1.x, <tel:1>;index=99999999999, <sip:c@d>";
    assert!(headers(HeaderName::HistoryInfo, odd).history().flatten().all(|entry| entry.index.is_empty()));
}

#[test]
fn privacy_is_a_set_of_words() {
    for (value, hides, written) in [
        ("id", true, Some("id")),
        ("ID;critical", true, Some("id;critical")),
        ("header; user,session", true, Some("header;session;user")),
        ("none", false, None),
        ("history;x", false, Some("history")),
    ] {
        let privacy = Privacy::of(&headers(HeaderName::Privacy, value));
        assert_eq!(privacy.hides_caller(), hides, "{value}");
        assert_eq!(privacy.to_value().map(text).as_deref(), written, "{value}");
    }
}

#[test]
fn reasons_are_written_as_tokens_and_quoted_text() {
    let reason = Reason { protocol: "Q.850".into(), cause: Some(16), text: Some(b"say \"bye\"\r\n".to_vec()) };
    assert_eq!(text(&reason), "Q.850;cause=16;text=\"say \\\"bye\\\"  \"");
    let read = headers(HeaderName::Reason, &reason).reasons().next().expect("one").expect("readable");
    assert_eq!((read.protocol.as_str(), read.cause), ("Q.850", Some(16)));
}

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.~%*_+`'!-]{1,16}"
}

proptest! {
    #[test]
    fn any_dialog_survives_in_a_refer_to(call_id in "[!-:<-~&&[^,]]{1,30}", ours in token(), theirs in token(), early in any::<bool>()) {
        let dialog = DialogId { call_id, local_tag: ours, remote_tag: theirs };
        let replaces = Replaces { early_only: early, ..dialog.as_replaces() };
        prop_assert_eq!(headers(HeaderName::Replaces, &replaces).replaces(), Ok(Some(replaces.clone())));
        let address = NameAddr::new("sip:1003@pbx.example".parse().expect("a URI"));
        let written = ReferTo { replaces: Some(replaces), ..ReferTo::to(address) };
        prop_assert_eq!(refer_to(&text(&written)), Ok(written));
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_written_readably(value in "[ -~]{0,60}|.{0,40}|<sip:a@b\\?[A-Za-z=&%0-9;.-]{0,40}>[a-z=;.0-9]{0,20}") {
        let with = |name: HeaderName| headers(name, value.as_str());
        if let Ok(Some(read)) = with(HeaderName::ReferTo).refer_to() {
            prop_assert_eq!(refer_to(&text(&read)), Ok(read));
        }
        if let Ok(Some(read)) = with(HeaderName::Replaces).replaces() {
            prop_assert_eq!(headers(HeaderName::Replaces, &read).replaces(), Ok(Some(read)));
        }
        if let Ok(Some(read)) = with(HeaderName::Event).event() {
            prop_assert_eq!(headers(HeaderName::Event, &read).event().map(|again| again.map(|again| again.package)), Ok(Some(read.package)));
        }
        if let Ok(Some(read)) = with(HeaderName::SubscriptionState).subscription_state() {
            let again = headers(HeaderName::SubscriptionState, &read).subscription_state();
            prop_assert_eq!(again.map(|again| again.map(|again| (again.state, again.expires))), Ok(Some((read.state, read.expires))));
        }
        for read in with(HeaderName::Diversion).diversions().flatten() {
            let again = headers(HeaderName::Diversion, &read).diversions().next().expect("one").expect("readable");
            prop_assert_eq!((again.reason(), again.counter(), again.is_private()), (read.reason(), read.counter(), read.is_private()));
        }
        for read in with(HeaderName::HistoryInfo).history().flatten() {
            let again = headers(HeaderName::HistoryInfo, &read).history().next().expect("one").expect("readable");
            prop_assert_eq!((again.index, again.private), (read.index, read.private));
        }
        for read in with(HeaderName::Reason).reasons().flatten() {
            let again = headers(HeaderName::Reason, &read).reasons().next().expect("one").expect("readable");
            prop_assert_eq!((again.protocol, again.cause), (read.protocol, read.cause));
        }
        let _ = Privacy::of(&with(HeaderName::Privacy)).to_value();
        let _ = sipfrag::read_status_line(&Bytes::from(value));
    }
}
