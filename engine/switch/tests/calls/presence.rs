//! Busy lamps and message lamps: phones that watch extensions (RFC 6665, RFC 4235, RFC 3842).

use std::sync::Arc;
use std::time::Duration;

use hooks::fact::Way;
use sip::flow::{ConnectionId, Flow, Transport};
use switch::config::{NumberSight, TenantConfig};
use switch::input::{Admission, AgentOrder, Command, Input, SignIn};

use crate::ladder::{World, check, node, tenant};
use crate::phone::header;
use crate::presence_xml::{Element, dialog_info};
use crate::queues::{self, centre, change, close, order, staffed};

const LAMP: &str = "extra=Event:~dialog|Expires:~600|Accept:~application/dialog-info+xml";

/// Carol watches this extension, and was told that it rests.
fn watching(registered: &[&'static str], extension: &str) -> World {
    let mut world = World::with(registered);
    watch(&mut world, extension);
    world
}

fn watch(world: &mut World, extension: &str) {
    world.play(&format!(
        r#"
        0ms  carol > SUBSCRIBE {extension} {LAMP}
        0ms  carol < 200 `Expires: 600` `Contact: <sip:{extension}@192.0.2.1:5060>` `Allow-Events: dialog, message-summary` `SUBSCRIBE, NOTIFY`
        0ms  carol < NOTIFY `NOTIFY sip:1003@203.0.113.5:5060` `Event: dialog` `Subscription-State: active;expires=600` `Content-Type: application/dialog-info+xml` `Contact: <sip:{extension}@192.0.2.1:5060>` `version="0" state="full" entity="sip:{extension}@pbx.example"` `!<dialog `
        "#
    ));
}

/// The document in the last request that a phone got.
fn document(world: &mut World, name: &str) -> Element {
    let request = world.phone(name).request_in.clone().expect("a request came");
    dialog_info(request.split_once("\r\n\r\n").unwrap().1)
}

/// Number, state and direction of each dialog.
fn states(document: &Element) -> Vec<String> {
    let of = |dialog: &Element| {
        let remote = dialog.child("remote").unwrap().child("identity").unwrap();
        let (state, direction) = (&dialog.child("state").unwrap().text, dialog.attribute("direction").unwrap());
        format!("{direction} {state} {} {}", remote.text, remote.attribute("display").unwrap_or("-"))
    };
    document.children.iter().map(of).collect()
}

#[test]
fn the_lamp_of_the_called_one_follows_its_call() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    carol < NOTIFY `version="1"` `<state>trying</state>` `direction="recipient"` `!local-tag`
        100ms  bob   > 180
        100ms  alice < 180
        100ms  carol < NOTIFY `version="2"` `<state>early</state>` `local-tag="bob-in"`
        2s     bob   > 200
        2s     bob   < ACK
        2s     alice < 200
        2s     carol < NOTIFY `version="3"` `<state>confirmed</state>`
        "#,
    );
    let talking = document(&mut world, "carol");
    assert_eq!(states(&talking), ["recipient confirmed sip:1001@pbx.example Alice"]);
    let dialog = &talking.children[0];
    assert_eq!(dialog.child("local").unwrap().child("identity").unwrap().text, "sip:1002@pbx.example");
    let invite = world.phone("bob").invite_in.clone().unwrap();
    assert_eq!(dialog.attribute("call-id"), Some(header(&invite, "Call-ID").as_str()));
    assert!(header(&invite, "From").ends_with(&format!("tag={}", dialog.attribute("remote-tag").unwrap())));
    world.play(
        r#"
        5s     alice > BYE
        5s     bob   < BYE
        5s     carol < NOTIFY `version="4"` `<state>terminated</state>` `!confirmed` `Subscription-State: active;expires=593`
        "#,
    );
    let over = document(&mut world, "carol");
    assert_eq!(over.children[0].attribute("id"), dialog.attribute("id"));
    world.finish();
}

#[test]
fn the_lamp_of_the_caller_follows_its_call() {
    let mut world = watching(&["alice", "bob", "carol"], "1001");
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    carol < NOTIFY `<state>trying</state>` `direction="initiator"` `call-id="alice-`
        100ms  bob   > 180
        100ms  alice < 180
        100ms  carol < NOTIFY `<state>early</state>`
        2s     bob   > 200
        2s     bob   < ACK
        2s     alice < 200
        2s     carol < NOTIFY `<state>confirmed</state>`
        "#,
    );
    assert_eq!(states(&document(&mut world, "carol")), ["initiator confirmed sip:1002@pbx.example Bob"]);
    world.play("1s bob > BYE\n1s alice < BYE\n1s carol < NOTIFY `<state>terminated</state>`");
    world.finish();
}

#[test]
fn the_lamp_goes_out_when_nobody_answers_or_the_caller_gives_up() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    carol < NOTIFY `trying`
        100ms  bob   > 180
        100ms  alice < 180
        100ms  carol < NOTIFY `early`
        1s     alice > CANCEL
        1s     bob   < CANCEL
        1s     bob   < ACK
        1s     alice < 487
        1s     carol < NOTIFY `<state>terminated</state>`
        2s     alice > INVITE 1002
        2s     bob   < INVITE
        2s     carol < NOTIFY `trying`
        3s     bob   > 486
        3s     bob   < ACK
        3s     alice < 486
        3s     carol < NOTIFY `<state>terminated</state>`
        "#,
    );
    world.finish();
}

#[test]
fn each_phone_of_an_extension_is_a_dialog_of_its_own() {
    let mut world = watching(&["alice", "bob", "bob2", "carol"], "1002");
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        0ms  bob2  < INVITE
        0ms  carol < NOTIFY `trying`
        0ms  bob   > 180
        0ms  alice < 180
        0ms  carol < NOTIFY `trying` `early`
        1s   bob2  > 200
        1s   bob2  < ACK
        1s   bob   < CANCEL
        1s   bob   < ACK
        1s   alice < 200
        1s   carol < NOTIFY `confirmed` `terminated`
        "#,
    );
    let told = states(&document(&mut world, "carol"));
    let alice = "sip:1001@pbx.example Alice";
    assert_eq!(told, [format!("recipient confirmed {alice}"), format!("recipient terminated {alice}")]);
    world.play("2s alice > BYE\n2s bob2 < BYE\n2s carol < NOTIFY `terminated` `!confirmed`");
    world.finish();
}

#[test]
fn a_slow_phone_gets_the_last_state_and_not_each_one() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms    carol > silent
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    carol < NOTIFY `version="1"` `trying`
        100ms  bob   > 180
        100ms  alice < 180
        200ms  bob   > 200
        200ms  bob   < ACK
        200ms  alice < 200
        300ms  carol > reply 200
        300ms  carol < NOTIFY `version="2"` `confirmed` `!trying`
        400ms  alice > BYE
        400ms  bob   < BYE
        # A call that begins and ends meanwhile is never told of.
        410ms  alice > INVITE 1002
        410ms  bob   < INVITE
        420ms  bob   > 486
        420ms  bob   < ACK
        420ms  alice < 486
        430ms  carol > reply 200
        430ms  carol < NOTIFY `version="3"` `terminated`
        440ms  carol > reply 200
        "#,
    );
    assert_eq!(document(&mut world, "carol").children.len(), 1);
    world.finish();
}

#[test]
fn what_changes_nothing_for_the_lamp_is_not_told() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        0ms  carol < NOTIFY
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        1s   carol < NOTIFY `confirmed`
        2s   alice > REINVITE dir=sendonly
        2s   alice < 200
        3s   carol > INVITE *43
        3s   carol < 200
        4s   carol > BYE
        5s   alice > BYE
        5s   bob   < BYE
        5s   carol < NOTIFY `terminated`
        "#,
    );
    world.finish();
}

#[test]
fn whom_the_phone_does_not_see_no_watcher_sees() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms  alice > INVITE 1002 extra=Privacy:~id
        0ms  bob   < INVITE `anonymous.invalid`
        0ms  carol < NOTIFY `sip:anonymous@anonymous.invalid` `!1001` `!Alice`
        1s   bob   > 486
        1s   bob   < ACK
        1s   alice < 486
        1s   carol < NOTIFY
        "#,
    );
    world.finish();
}

#[test]
fn a_handed_on_party_is_shown_beside_the_new_one() {
    let mut world = World::new(node(), tenant());
    world.register(&["alice", "bob", "bob2", "carol"]);
    world.play(&format!("0ms bob2 > SUBSCRIBE 1003 {LAMP}\n0ms bob2 < 200\n0ms bob2 < NOTIFY"));
    world.play(
        r#"
        0ms  lines > INVITE 01012345678 extra=P-Asserted-Identity:~<sip:13800000000@lines.example>
        0ms  alice < INVITE
        1s   alice > 200
        1s   alice < ACK
        1s   lines < 200
        2s   alice > REFER 1003
        2s   alice < 202
        2s   alice < NOTIFY
        2s   carol < INVITE
        2s   bob2  < NOTIFY `trying` `13800000000@`
        3s   carol > 200
        3s   carol < ACK
        3s   alice < NOTIFY
        3s   alice < BYE
        3s   bob2  < NOTIFY `confirmed` `<remote><identity>sip:13800000000@pbx.example</identity>`
        9s   lines > BYE
        9s   carol < BYE
        9s   bob2  < NOTIFY `terminated`
        "#,
    );
    world.finish();
}

/// Proves GEN-07 (lamps): who may not see numbers is told none by the lamp of a colleague.
#[test]
fn a_lamp_shows_a_number_as_its_watcher_may_see_it() {
    let mut settings = centre();
    settings.agents.get_mut(&"10002".parse().unwrap()).unwrap().numbers = NumberSight::Masked;
    let mut world = staffed(settings, &["10002"]);
    world.play(&format!("0ms bob > SUBSCRIBE 1001 {LAMP}\n0ms bob < 200\n0ms bob < NOTIFY"));
    world.play(
        r#"
        0ms  lines > INVITE 01012345678
        0ms  alice < INVITE `sip:13800000000@`
        0ms  bob   < NOTIFY `138****0000@` `!13800000000`
        1s   alice > 200
        1s   alice < ACK
        1s   lines < 200
        1s   bob   < NOTIFY `confirmed` `!13800000000`
        2s   lines > BYE
        2s   alice < BYE
        2s   bob   < NOTIFY `terminated` `!13800000000`
        "#,
    );
    close(world, &["10002"]);
}

#[test]
fn a_call_by_the_api_is_the_recipients_until_its_phone_answers() {
    let mut world = watching(&["alice", "bob", "carol"], "1001");
    world
        .command(Command::Originate {
            from: "1001".parse().unwrap(),
            to: dialplan::number::Dialled::clean("1002").unwrap(),
        })
        .unwrap();
    world.play(
        r#"
        0ms  alice < INVITE
        0ms  carol < NOTIFY `direction="recipient"` `trying` `sip:1002@pbx.example`
        1s   alice > 486
        1s   alice < ACK
        1s   carol < NOTIFY `terminated`
        "#,
    );
    world.finish();
}

#[test]
fn a_refresh_lasts_anew_and_tells_the_state_again() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        100s  carol > RESUBSCRIBE extra=Event:~dialog|Expires:~300|Contact:~<sip:1003@203.0.113.5:5070>
        100s  carol < 200 `Expires: 300`
        100s  carol < NOTIFY `version="1"` `active;expires=300` `!<dialog `
        399s  carol > RESUBSCRIBE extra=Event:~dialog|Expires:~60
        399s  carol < 200 `Expires: 60`
        399s  carol < NOTIFY `version="2"` `active;expires=60`
        458s  alice > INVITE 1002
        458s  bob   < INVITE
        458s  carol < NOTIFY `version="3"` `trying` `expires=1`
        459s  carol < NOTIFY `version="4"` `trying` `Subscription-State: terminated;reason=timeout`
        460s  bob   > 486
        460s  bob   < ACK
        460s  alice < 486
        461s  carol > RESUBSCRIBE extra=Event:~dialog|Expires:~60
        461s  carol < 481
        "#,
    );
    world.finish();
    assert_eq!(world.switch.sizes().subscriptions, 0);
}

#[test]
fn who_unsubscribes_gets_the_state_once_more() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        1s  carol > RESUBSCRIBE extra=Event:~dialog|Expires:~0
        1s  carol < 200 `Expires: 0`
        1s  carol < NOTIFY `Subscription-State: terminated;reason=timeout` `!expires` `<dialog-info`
        2s  alice > INVITE 1002
        2s  bob   < INVITE
        3s  bob   > 486
        3s  bob   < ACK
        3s  alice < 486
        "#,
    );
    assert_eq!(world.switch.sizes().subscriptions, 0);
    world.finish();
}

#[test]
fn who_unsubscribes_while_a_notify_is_under_way_gets_the_last_one_after_it() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        1s  carol > silent
        1s  alice > INVITE 1002
        1s  bob   < INVITE
        1s  carol < NOTIFY `trying`
        1s  carol > RESUBSCRIBE extra=Event:~dialog|Expires:~0
        1s  carol < 200
        1s  bob   > 486
        1s  bob   < ACK
        1s  alice < 486
        "#,
    );
    // Its answer was to the SUBSCRIBE; the NOTIFY is still the last request that came.
    world.play("0ms carol > reply 200\n0ms carol < NOTIFY `<state>terminated</state>` `terminated;reason=timeout`\n1s carol > reply 200");
    assert_eq!(world.switch.sizes().subscriptions, 0);
    world.finish();
}

#[test]
fn a_fetch_is_answered_once() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        1s   carol > SUBSCRIBE 1002 extra=Event:~dialog|Expires:~0
        1s   carol < 200 `Expires: 0`
        1s   carol < NOTIFY `trying` `Subscription-State: terminated;reason=timeout`
        2s   bob   > 486
        2s   bob   < ACK
        2s   alice < 486
        "#,
    );
    assert_eq!(world.switch.sizes().subscriptions, 0);
    world.finish();
}

#[test]
fn what_cannot_be_watched_is_refused() {
    for (what, told) in [
        ("1002 extra=Event:~presence", "489 `Allow-Events: dialog, message-summary`"),
        ("1002", "489 `Allow-Events: dialog, message-summary`"),
        ("1002 extra=Event:~Dialog", "489"),
        ("1002 extra=Event:~;;", "400"),
        ("1002 extra=Event:~dialog|Expires:~59", "423 `Min-Expires: 60`"),
        ("1002 extra=Event:~dialog|Accept:~application/pidf+xml", "406 `Accept: application/dialog-info+xml`"),
        ("1002 extra=Event:~dialog|Require:~eventlist", "420 `Unsupported: eventlist`"),
        ("5555 extra=Event:~dialog", "404 `Warning: 399`"),
        ("8000 extra=Event:~dialog", "404"),
        ("*43 extra=Event:~dialog", "404"),
        ("13800000000 extra=Event:~message-summary", "404"),
    ] {
        check(&["bob", "carol"], &format!("0ms carol > SUBSCRIBE {what}\n0ms carol < {told}"), "");
    }
}

#[test]
fn a_time_that_is_not_said_is_an_hour_and_two_are_the_most() {
    for (asked, lasts) in
        [("", "3600"), ("|Expires:~7200", "7200"), ("|Expires:~4294967295", "7200"), ("|Expires:~60", "60")]
    {
        let mut world = World::with(&["carol"]);
        world.play(&format!(
            "0ms carol > SUBSCRIBE 1002 extra=Event:~dialog{asked}|Accept:~text/plain,~*/*;q=0.1
             0ms carol < 200 `Expires: {lasts}`
             0ms carol < NOTIFY `active;expires={lasts}`"
        ));
    }
}

#[test]
fn who_does_not_prove_who_it_is_watches_nobody() {
    let mut world = World::with(&["bob"]);
    world.play("0ms eve > silent\n0ms eve > SUBSCRIBE 1002 extra=Event:~dialog\n0ms eve < 401");
    world.play("0ms lines > SUBSCRIBE 1002 extra=Event:~dialog\n0ms lines < 401");
    // A wrong password: challenged again, and slowly.
    world.phone("alice").password = "guess";
    world.play("0ms alice > SUBSCRIBE 1002 extra=Event:~dialog\n2s alice < 401");
    assert_eq!(world.switch.metrics().auth_failures, 1);
    world.finish();
}

#[test]
fn a_phone_does_not_watch_as_another() {
    let mut world = World::with(&["alice", "bob"]);
    let text = world.phone("alice").request("SUBSCRIBE", "sip:1002@pbx.example", "Event: dialog");
    let forged = text.replace("<sip:1001@pbx.example>;tag", "<sip:1003@pbx.example>;tag");
    world.phone("alice").resend_as(&forged);
    world.send("alice", &forged);
    world.play("0ms alice < 403");
    world.finish();
}

#[test]
fn another_house_is_not_watched() {
    let mut world = World::with(&["bob", "carol"]);
    let mut other = tenant();
    (other.tenant, other.domains) = ("other".parse().unwrap(), vec!["other.example".into()]);
    other.trunks.clear();
    world.input(Input::Tenant(Arc::new(other)));
    let text = world.phone("carol").request("SUBSCRIBE", "sip:1002@other.example", "Event: dialog");
    world.send("carol", &text);
    world.play("0ms carol < 404");
    // The same numbers there have lamps of their own.
    world.play("0ms carol > SUBSCRIBE 1002 extra=Event:~dialog\n0ms carol < 200\n0ms carol < NOTIFY");
    let invite = world.phone("alice").invite("sip:1002@other.example", "", "").replace("pbx.example", "other.example");
    world.phone("alice").resend_as(&invite);
    world.send("alice", &invite);
    world.play("0ms alice < 480");
    world.finish();
}

#[test]
fn a_notify_that_fails_ends_the_subscription() {
    for answer in ["481", "500", "302", "401"] {
        let mut world = watching(&["alice", "bob", "carol"], "1002");
        world.play(&format!(
            r#"
            0ms  carol > silent
            0ms  alice > INVITE 1002
            0ms  bob   < INVITE
            0ms  carol < NOTIFY
            1s   carol > reply {answer}
            2s   bob   > 486
            2s   bob   < ACK
            2s   alice < 486
            3s   carol > RESUBSCRIBE extra=Event:~dialog
            3s   carol < 481
            "#
        ));
        assert_eq!(world.switch.sizes().subscriptions, 0);
        assert_eq!(world.switch.metrics().notifies_failed, 1);
        world.finish();
    }
}

#[test]
fn a_phone_that_says_nothing_to_a_notify_watches_no_more() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms  carol > silent
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        0ms  carol < NOTIFY
        1s   bob   > 486
        1s   bob   < ACK
        1s   alice < 486
        "#,
    );
    world.run_until(Duration::from_secs(31));
    assert_eq!(world.switch.sizes().subscriptions, 1);
    world.run_until(Duration::from_secs(33));
    assert_eq!(world.switch.sizes().subscriptions, 0);
    world.finish();
}

#[test]
fn a_phone_that_asks_for_patience_is_told_later() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.play(
        r#"
        0ms  carol > silent
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        0ms  carol < NOTIFY `version="1"`
        1s   carol > answer 503 extra=Retry-After:~10
        2s   bob   > 180
        2s   alice < 180
        11s  carol < NOTIFY `version="2"` `early`
        11s  carol > reply 200
        12s  bob   > 486
        12s  bob   < ACK
        12s  alice < 486
        12s  carol < NOTIFY `version="3"` `terminated`
        12s  carol > reply 200
        "#,
    );
    world.finish();
    assert_eq!(world.switch.sizes().subscriptions, 1);
}

#[test]
fn after_a_restart_a_refresh_is_unknown_and_a_new_subscription_is_one() {
    let mut world = watching(&["alice", "bob", "carol"], "1002");
    world.crash(Duration::from_secs(1));
    world.play("0ms carol > RESUBSCRIBE extra=Event:~dialog|Expires:~600\n0ms carol < 481");
    watch(&mut world, "1002");
    world.finish();
}

#[test]
fn what_is_no_subscribe_has_no_place_in_the_dialog() {
    let mut world = watching(&["bob", "carol"], "1002");
    world.play(
        "1s carol > RESUBSCRIBE extra=Event:~message-summary
         1s carol < 489
         2s carol > RESUBSCRIBE extra=Event:~dialog;id=7
         2s carol < 489
         3s carol > RESUBSCRIBE extra=Event:~dialog|Expires:~1
         3s carol < 423",
    );
    for (method, told) in [("BYE", 481), ("OPTIONS", 405), ("INVITE", 405), ("NOTIFY", 405)] {
        let text = world.phone("carol").resubscribe("Event: dialog").replace("SUBSCRIBE", method);
        world.send("carol", &text);
        let answer = world.phone("carol").inbox.pop_back();
        // Answers to BYE are left out unless they refuse.
        assert_eq!(crate::phone::status(&answer.unwrap()), told, "{method}");
    }
    assert_eq!(world.switch.sizes().subscriptions, 1);
    world.finish();
}

#[test]
fn nobody_subscribes_in_a_call() {
    check(
        &["alice", "bob"],
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > WITHIN SUBSCRIBE extra=Event:~dialog
        2s   alice < 403
        2s   alice > WITHIN NOTIFY extra=Event:~dialog|Subscription-State:~active
        2s   alice < 481
        3s   alice > BYE
        3s   bob   < BYE
        "#,
        "",
    );
}

#[test]
fn an_id_of_the_phones_is_said_again() {
    let mut world = World::with(&["carol"]);
    world.play(
        "0ms carol > SUBSCRIBE 1002 extra=Event:~dialog;id=lamp-3|Record-Route:~<sip:203.0.113.9;lr>
         0ms carol < 200 `Record-Route: <sip:203.0.113.9;lr>`
         0ms carol < NOTIFY `Event: dialog;id=lamp-3` `Route: <sip:203.0.113.9;lr>`",
    );
    world.finish();
}

#[test]
fn whose_extension_is_taken_away_is_told_so() {
    let without = |number: &str| {
        let mut settings = tenant();
        settings.extensions.remove(&number.parse().unwrap());
        Input::Tenant(Arc::new(settings))
    };
    for (gone, reason) in [("1002", "noresource"), ("1003", "rejected")] {
        let mut world = watching(&["alice", "carol"], "1002");
        world.input(without("1001"));
        assert_eq!(world.switch.sizes().subscriptions, 1);
        world.input(without(gone));
        world.play(&format!("0ms carol < NOTIFY `Subscription-State: terminated;reason={reason}`"));
        assert_eq!(world.switch.sizes().subscriptions, 0);
    }
    let mut world = watching(&["carol"], "1002");
    let mut settings: TenantConfig = tenant();
    settings.extensions.get_mut(&"1003".parse().unwrap()).unwrap().ha1_md5 =
        sip::digest::ha1("1003", "pbx.example", "new").md5;
    world.input(Input::Tenant(Arc::new(settings)));
    world.play("0ms carol < NOTIFY `reason=rejected`");
}

#[test]
fn a_process_that_stops_lets_its_watchers_go() {
    let mut world = watching(&["bob", "carol"], "1002");
    world.input(Input::Stop);
    world.play(
        "0ms carol < NOTIFY `Subscription-State: terminated;reason=deactivated`
         1s carol > SUBSCRIBE 1002 extra=Event:~dialog
         1s carol < 503 `Retry-After:`",
    );
    assert_eq!(world.switch.sizes().subscriptions, 0);
    world.finish();
    // A full disk takes no calls, but nothing is written down of a lamp.
    let mut world = World::with(&["bob", "carol"]);
    world.input(Input::Admission(Admission::DiskLow));
    watch(&mut world, "1002");
}

#[test]
fn an_extension_has_so_many_lamps_and_no_more() {
    let mut world = World::with(&["carol"]);
    for _ in 0..512 {
        world.play("0ms carol > SUBSCRIBE 1002 extra=Event:~dialog\n0ms carol < 200\n0ms carol < NOTIFY");
    }
    world.play("0ms carol > SUBSCRIBE 1002 extra=Event:~dialog\n0ms carol < 503 `Retry-After:`");
    assert_eq!((world.switch.sizes().subscriptions, world.switch.metrics().refused_subscriptions_full), (512, 1));
    world.play("0ms bob > SUBSCRIBE 1001 extra=Event:~dialog\n0ms bob < 200\n0ms bob < NOTIFY");
    world.play("1s carol > RESUBSCRIBE extra=Event:~dialog|Expires:~0\n1s carol < 200\n1s carol < NOTIFY");
    world.play("2s carol > SUBSCRIBE 1002 extra=Event:~dialog\n2s carol < 200\n2s carol < NOTIFY");
    world.finish();
}

#[test]
fn a_phone_that_comes_back_by_another_connection_is_told_there() {
    let mut world = World::with(&["alice", "bob"]);
    let by = |connection: u64| Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: "203.0.113.5:5060".parse().unwrap(),
        connection: Some(ConnectionId(connection)),
    };
    world.flow_of("carol", by(1));
    world.register(&["carol"]);
    world.play(&format!("0ms carol > SUBSCRIBE 1002 {LAMP}\n0ms carol < 200\n0ms carol < NOTIFY"));
    assert_eq!(world.last_flow, Some(by(1)));
    world.input(Input::ConnectionClosed(ConnectionId(1)));
    assert_eq!(world.switch.sizes().subscriptions, 1);
    world.flow_of("carol", by(2));
    world.register(&["carol"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms carol < NOTIFY `trying`");
    assert_eq!(world.last_flow, Some(by(2)));
    world.play("1s bob > 486\n1s bob < ACK\n1s alice < 486\n1s carol < NOTIFY");
    world.finish();
}

#[test]
fn names_of_any_letters_make_documents_that_can_be_read() {
    for name in ["<Bob> & \"Sons\"", "O'Neill\u{1}\t]]>", "张伟 \u{fffe}", "&amp;"] {
        let mut settings = tenant();
        settings.extensions.get_mut(&"1002".parse().unwrap()).unwrap().display_name = name.into();
        let mut world = World::new(node(), settings);
        world.register(&["alice", "bob", "carol"]);
        watch(&mut world, "1001");
        world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms carol < NOTIFY");
        let told = document(&mut world, "carol");
        let identity = told.children[0].child("remote").unwrap().child("identity").unwrap();
        let readable = name.replace(['\u{1}', '\u{fffe}'], "\u{fffd}");
        assert_eq!(identity.attribute("display"), Some(readable.as_str()));
        world.play("1s bob > 486\n1s bob < ACK\n1s alice < 486\n1s carol < NOTIFY");
        world.finish();
    }
}

fn waiting(mailbox: &str, new: u32, old: u32) -> Input {
    Input::MessagesWaiting { tenant: tenant().tenant, mailbox: mailbox.parse().unwrap(), new, old }
}

/// Proves VM-06 by the lamps of phones: what waits in the box of a queue is shown to its members, and to nobody else.
#[test]
fn the_message_lamp_of_a_queue_is_its_members() {
    let subscribes = |who: &str, event: &str| format!("0ms {who} > SUBSCRIBE 7000 extra=Event:~{event}|Expires:~600");
    let mut settings = centre();
    change(&mut settings, |queue| _ = queue.members.remove(&"10002".parse().unwrap()));
    let mut world = queues::with(settings.clone());
    world.input(waiting("queue:support", 2, 1));
    // Nobody is signed in: an extension is its own agent's.
    world.play(&subscribes("carol", "message-summary"));
    world.play(
        "0ms carol < 200 `Contact: <sip:7000@192.0.2.1:5060>`
         0ms carol < NOTIFY `Messages-Waiting: yes` `Message-Account: sip:7000@pbx.example` `Voice-Message: 2/1 (0/0)`",
    );
    world.play(&subscribes("bob", "message-summary"));
    world.play("0ms bob < 403 `Warning: 399 switchboard \"the messages of a queue are shown to its members\"`");
    world.play(&subscribes("carol", "dialog"));
    world.play("0ms carol < 404");
    world.input(waiting("queue:support", 2, 1));
    world.input(waiting("queue:nobody", 7, 0));
    world.input(waiting("extension:1003", 7, 0));
    world.input(waiting("queue:support", 0, 3));
    world.play("0ms carol < NOTIFY `Messages-Waiting: no` `Voice-Message: 0/3`");
    // Who is signed in on it is who counts.
    let on = |extension: &str| SignIn { way: Way::Desk, extension: Some(extension.parse().unwrap()) };
    order(&mut world, "10001", AgentOrder::SignIn(on("1002"))).unwrap();
    order(&mut world, "10002", AgentOrder::SignIn(on("1001"))).unwrap();
    world.play(&subscribes("bob", "message-summary"));
    world.play("0ms bob < 200\n0ms bob < NOTIFY `Voice-Message: 0/3`");
    world.play(&subscribes("alice", "message-summary"));
    world.play("0ms alice < 403");
    // One is no member any more: his lamp is put out.
    change(&mut settings, |queue| _ = queue.members.remove(&"10003".parse().unwrap()));
    world.input(Input::Tenant(Arc::new(settings)));
    world.play("0ms carol < NOTIFY `Subscription-State: terminated;reason=rejected`");
    world.input(waiting("queue:support", 1, 3));
    world.play("0ms bob < NOTIFY `Messages-Waiting: yes` `Voice-Message: 1/3`");
    queues::close(world, &["10001", "10002"]);
}

#[test]
fn a_message_lamp_is_told_the_counts_when_they_change() {
    let waiting = |extension: &str, new, old| waiting(&format!("extension:{extension}"), new, old);
    let mut world = World::with(&["carol"]);
    world.input(waiting("1003", 2, 1));
    world.play(
        r#"
        0ms  carol > SUBSCRIBE 1003 extra=Event:~message-summary|Expires:~600|Accept:~application/simple-message-summary
        0ms  carol < 200
        0ms  carol < NOTIFY `Event: message-summary` `Content-Type: application/simple-message-summary` `Messages-Waiting: yes` `Message-Account: sip:1003@pbx.example` `Voice-Message: 2/1 (0/0)`
        "#,
    );
    world.input(waiting("1003", 2, 1));
    world.input(waiting("1001", 5, 0));
    world.input(waiting("5555", 5, 0));
    world.input(waiting("1003", 0, 3));
    world.play("0ms carol < NOTIFY `Messages-Waiting: no` `Voice-Message: 0/3`");
    world.input(waiting("1003", 0, 0));
    world.play("0ms carol < NOTIFY `Messages-Waiting: no` `Voice-Message: 0/0`");
    world.finish();
}
