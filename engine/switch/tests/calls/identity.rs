//! Who calls, as trunks and phones are told, and who sent a call on before it came here.

use crate::ladder::check;

const ANONYMOUS: &str = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>";
const ASSERTED: &str = "P-Asserted-Identity: <sip:01012345678@pbx.example>";

/// RFC 3325 §9.1: `lines` is trusted, `spare` is not.
#[test]
fn a_trusted_trunk_alone_learns_who_hides_the_number() {
    for (said, lines, spare) in [
        (
            "",
            format!("`From: <sip:01012345678@pbx.example>` `{ASSERTED}` `!Privacy`"),
            "`From: <sip:01012345678@` `!Asserted`",
        ),
        ("extra=Privacy:~id", format!("`{ANONYMOUS}` `{ASSERTED}` `Privacy: id`"), "`!01012345678` `!Asserted`"),
        (
            "extra=Privacy:~user;critical",
            format!("`{ANONYMOUS}` `{ASSERTED}` `Privacy: id;critical`"),
            "`!01012345678`",
        ),
        (
            "extra=Privacy:~none",
            format!("`From: <sip:01012345678@pbx.example>` `{ASSERTED}` `!Privacy`"),
            "`!Asserted`",
        ),
    ] {
        check(
            &["alice"],
            &format!(
                r#"
                0ms    alice > INVITE 13800000000 {said}
                0ms    lines < INVITE {lines}
                0ms    lines > 503
                0ms    lines < ACK
                0ms    spare < INVITE {spare}
                0ms    spare > 486
                0ms    spare < ACK
                0ms    alice < 486
                "#
            ),
            "",
        );
    }
}

#[test]
fn a_phone_that_hides_its_number_is_anonymous_to_the_called_phone_and_known_to_us() {
    let world = check(
        &["alice", "bob"],
        &format!(
            r#"
            0ms    alice > INVITE 1002 extra=Privacy:~id
            0ms    bob   < INVITE `{ANONYMOUS}` `!1001` `!Alice` `!Asserted`
            0ms    bob   > 486
            0ms    bob   < ACK
            0ms    alice < 486
            "#
        ),
        "",
    );
    assert_eq!(world.facts[0], "created Internal 1001 -> 1002");
}

#[test]
fn an_emergency_call_is_never_anonymous() {
    check(
        &["alice"],
        &format!(
            r#"
            0ms    alice > INVITE 110 extra=Privacy:~id
            0ms    lines < INVITE `From: <sip:01012345678@pbx.example>` `{ASSERTED}` `!Privacy`
            0ms    lines > 486
            0ms    lines < ACK
            0ms    alice < 486
            "#
        ),
        "",
    );
}

#[test]
fn who_sent_a_call_on_to_us_is_written_down() {
    let long = format!("Diversion:~<sip:{}@c.example>", "5".repeat(100));
    let cut = format!(" diverted_from {}", "5".repeat(64));
    for (extra, told) in [
        ("Diversion:~<sip:010777@c.example>;reason=user-busy,<sip:010666@c.example>", " diverted_from 010777"),
        ("Diversion:~<tel:+8610777>;privacy=off", " diverted_from +8610777"),
        ("Diversion:~<sip:010777@c.example>;privacy=full", ""),
        ("Diversion:~<<>|Diversion:~<sip:010666@c.example>", " diverted_from 010666"),
        (
            "History-Info:~<sip:010777@c.example?Reason=SIP%3Bcause%3D302>;index=1,<sip:01012345678@c.example>;index=1.1;mp=1",
            " diverted_from 010777",
        ),
        (
            "History-Info:~<sip:010777@c.example?Reason=SIP%3Bcause%3D486>;index=1,<sip:x@c.example>;index=2",
            " diverted_from 010777",
        ),
        ("History-Info:~<sip:010777@c.example?Privacy=history>;index=1,<sip:x@c.example>;index=1.1;mp=1", ""),
        ("History-Info:~<sip:01012345678@c.example>;index=1,<sip:01012345678@192.0.2.1>;index=1.1;rc=1", ""),
        (&long, &cut),
        ("Subject:~nothing", ""),
    ] {
        let world = check(&[], &format!("0ms lines > INVITE 01012345678 extra={extra}\n0ms lines < 480"), "");
        assert_eq!(world.facts[0], format!("created Inbound 13800000000 -> 01012345678{told}"), "{extra}");
    }
}
