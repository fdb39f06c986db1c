//! REGISTER: bindings, their ends, and who may have them.

use std::sync::Arc;
use std::time::Duration;

use hooks::fact::RegistrationBound;
use hooks::id::TenantId;
use sip::flow::{ConnectionId, Flow, Transport};
use switch::input::{Command, Input};
use switch::output::{Done, Refused};
use switch::view::View;

use crate::ladder::{World, node, now, tenant};
use crate::phone::Manners;

fn world() -> World {
    World::new(node(), tenant())
}

#[test]
fn a_phone_registers_refreshes_and_unregisters() {
    let mut world = world();
    world.play(
        r#"
        0ms   alice > REGISTER
        0ms   alice < 200 `Contact: <sip:1001@192.0.2.11:5060>;expires=600` `Date: Sun, 22 Nov 2026 08:00:00 GMT`
        300s  alice > REGISTER expires=1200
        300s  alice < 200 `expires=1200`
        400s  alice > REGISTER expires=0
        400s  alice < 200 `!Contact:`
        "#,
    );
    world.expect_facts(
        "bound 1001 UDP 192.0.2.11:5060
        bound 1001 UDP 192.0.2.11:5060
        unbound 1001 Unregistered",
    );
}

#[test]
fn a_binding_that_is_not_refreshed_expires() {
    let mut world = world();
    world.play("0ms alice > REGISTER expires=60\n0ms alice < 200\n61s bob > OPTIONS\n61s bob < 200");
    world.expect_facts("bound 1001 UDP 192.0.2.11:5060\nunbound 1001 Expired");
    assert_eq!(world.switch.sizes().bindings, 0);
}

#[test]
fn expiry_is_bounded() {
    let mut world = world();
    world.play(
        r#"
        0ms   alice > REGISTER expires=30
        0ms   alice < 423 `Min-Expires: 60`
        1s    alice > REGISTER expires=99999
        1s    alice < 200 `expires=3600`
        2s    alice > REGISTER contact=<sip:1001@192.0.2.11:5060>;expires=120
        2s    alice < 200 `expires=120`
        3s    alice > REGISTER expires=nonsense
        3s    alice < 200 `expires=600`
        "#,
    );
}

#[test]
fn all_bindings_are_taken_back_at_once_by_a_star() {
    let mut world = world();
    world.play(
        r#"
        0ms   bob  > REGISTER
        0ms   bob  < 200
        0ms   bob2 > REGISTER
        0ms   bob2 < 200 `192.0.2.12` `192.0.2.13`
        1s    bob  > REGISTER contact=* expires=600
        1s    bob  < 400
        1s    bob  > REGISTER contact=* expires=0
        1s    bob  < 200 `!Contact:`
        "#,
    );
    assert_eq!(world.switch.sizes().bindings, 0);
}

#[test]
fn one_contact_too_many_replaces_the_one_that_expires_first() {
    let mut world = world();
    for (port, expires) in [(1, 600), (2, 300), (3, 600), (4, 600)] {
        world.play(&format!(
            "0ms alice > REGISTER contact=<sip:1001@192.0.2.11:{port}> expires={expires}\n0ms alice < 200"
        ));
    }
    assert_eq!(world.switch.sizes().bindings, 3);
    assert_eq!(world.switch.metrics().contacts_replaced, 1);
    assert!(world.facts.contains(&"unbound 1001 Replaced".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_phone_that_moved_is_known_by_its_instance() {
    let mut world = world();
    let contact = |host: &str| {
        format!("<sip:1001@{host}>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1")
    };
    world.play(&format!(
        r#"
        0ms   alice > REGISTER contact={} extra=Supported:~outbound
        0ms   alice < 200 `Require: outbound` `reg-id=1` `+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"`
        1s    alice > REGISTER contact={} extra=Supported:~outbound
        1s    alice < 200 `192.0.2.99` `!192.0.2.98`
        "#,
        contact("192.0.2.98"),
        contact("192.0.2.99"),
    ));
    assert_eq!(world.switch.sizes().bindings, 1);
}

#[test]
fn a_register_without_contact_asks_for_the_bindings() {
    let mut world = world();
    world.play("0ms alice > REGISTER\n0ms alice < 200");
    let query = world.phone("alice").request("REGISTER", "sip:pbx.example", "");
    world.send("alice", &query);
    world.play("0ms alice < 200 `<sip:1001@192.0.2.11:5060>;expires=600`");
    assert_eq!(world.facts.len(), 1);
}

#[test]
fn an_extension_registers_nobody_else() {
    let mut world = world();
    let request = world.phone("alice").request("REGISTER", "sip:pbx.example", "Contact: <sip:x@192.0.2.11>");
    let forged = request.replace("To: <sip:1001@", "To: <sip:1002@");
    world.phone("alice").resend_as(&forged);
    world.send("alice", &forged);
    world.play("0ms alice < 403");
}

#[test]
fn an_older_register_of_the_same_phone_is_refused() {
    let mut world = world();
    world.play("0ms alice > REGISTER\n0ms alice < 200");
    let phone = world.phone("alice");
    let mut late = phone.request("REGISTER", "sip:pbx.example", "Contact: <sip:1001@192.0.2.11:5060>|Expires: 0");
    // An earlier CSeq, under a branch of its own, by a phone that signs in first.
    late = late.replace("CSeq: 3 ", "CSeq: 1 ").replace("REGISTER-3", "REGISTER-late");
    world.phone("alice").resend_as(&late);
    world.send("alice", &late);
    world.play("0ms alice < 500");
    assert_eq!(world.switch.sizes().bindings, 1);
}

#[test]
fn required_extensions_that_we_lack_are_named() {
    let mut world = world();
    world.play("0ms alice > REGISTER extra=Require:~gruu,path\n0ms alice < 420 `Unsupported: gruu`");
}

/// Proves that known and unknown users look the same from outside.
#[test]
fn failed_sign_ins_are_slowed_then_banned_until_lifted() {
    let mut world = world();
    world.phone("eve").password = "wrong";
    for user in ["1001", "6666", "1001"] {
        world.phone("eve").user = user;
        world.play("0ms eve > REGISTER\n0ms eve < 401 `SHA-256`");
    }
    // From the fourth on the answers wait, twice as long each time; the eighth failure bans.
    for (user, after, until) in [("6666", 249, 250), ("1001", 499, 500), ("6666", 999, 1_000), ("1001", 1_999, 2_000)] {
        world.phone("eve").user = user;
        world.play("0ms eve > REGISTER");
        let begin = world.now();
        world.run_until(begin + Duration::from_millis(after));
        assert!(world.phone("eve").inbox.is_empty(), "slowed");
        world.run_until(begin + Duration::from_millis(until));
        world.play("0ms eve < 401 `SHA-256`");
    }
    world.play("0ms eve > REGISTER\n0ms eve < 403");
    assert_eq!(world.facts.last().unwrap(), "banned 203.0.113.66 after 8");
    world.play("1s eve > OPTIONS\n1s eve < 403\n1s alice > OPTIONS\n1s alice < 200");
    let eve = "203.0.113.66".parse().unwrap();
    assert_eq!(world.command(Command::LiftBan(eve)), Ok(Done::Ok));
    assert_eq!(world.command(Command::LiftBan(eve)), Err(Refused::NotBanned));
    world.play("1s eve > OPTIONS\n1s eve < 200");
}

#[test]
fn a_ban_runs_out() {
    let mut world = world();
    world.phone("eve").password = "wrong";
    for _ in 0..8 {
        world.play("0ms eve > REGISTER");
        let later = world.now() + Duration::from_secs(5);
        world.run_until(later);
    }
    world.phone("eve").inbox.clear();
    world.play("0s eve > OPTIONS\n0s eve < 403\n601s eve > OPTIONS\n601s eve < 200");
}

#[test]
fn bindings_of_a_connection_end_with_it() {
    let mut world = world();
    let flow = Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: world.phone("alice").address,
        connection: Some(ConnectionId(7)),
    };
    world.flow_of("alice", flow);
    world.play("0ms alice > REGISTER\n0ms alice < 200");
    world.input(Input::ConnectionClosed(ConnectionId(8)));
    assert_eq!(world.switch.sizes().bindings, 1);
    world.input(Input::ConnectionClosed(ConnectionId(7)));
    world.expect_facts("bound 1001 TCP 192.0.2.11:5060\nunbound 1001 FlowLost");
}

#[test]
fn bindings_are_restored_after_a_restart_unless_expired() {
    let mut world = world();
    let bound = |port: u16, seconds: u64| RegistrationBound {
        extension: "1002".into(),
        contact: format!("<sip:1002@192.0.2.12:{port}>"),
        path: vec!["<sip:token@192.0.2.50;lr;ob>".into(), "<sip:192.0.2.51;lr>".into()],
        source: "UDP 192.0.2.12:5060".into(),
        local: "192.0.2.1:5060".into(),
        user_agent: "baresip".into(),
        sip_call_id: "x".into(),
        cseq: 9,
        expires_at_ms: now(Duration::from_secs(seconds)).unix_ms,
    };
    world.run_until(Duration::from_secs(100));
    for (port, seconds) in [(5060, 160), (5062, 100), (5064, 40)] {
        world.input(Input::Restore { tenant: TenantId::first(), binding: bound(port, seconds) });
    }
    assert_eq!(world.switch.sizes().bindings, 1);
    assert!(world.facts.is_empty(), "it is written down already");
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE `INVITE sip:1002@192.0.2.12:5060` `Route: <sip:token@192.0.2.50;lr;ob>` `Route: <sip:192.0.2.51;lr>`\n1s bob > 486\n1s bob < ACK\n1s alice < 486");
    world.play("60s alice > INVITE 1002\n60s alice < 480");
}

#[test]
fn changed_secrets_end_the_bindings_and_other_changes_do_not() {
    let mut world = world();
    world.register(&["alice", "bob"]);
    let mut changed = tenant();
    changed.extensions.get_mut(&"1001".parse().unwrap()).unwrap().display_name = "Alicia".into();
    changed.extensions.get_mut(&"1002".parse().unwrap()).unwrap().enabled = false;
    world.input(Input::Tenant(Arc::new(changed)));
    world.expect_facts("unbound 1002 Settings");
    // A disabled extension is like an unknown one.
    world.play("0ms bob > REGISTER\n0ms bob < 401\n0ms bob > INVITE 1001\n0ms bob < 401");
    world.play("0ms alice > INVITE 1002\n0ms alice < 404");
}

#[test]
fn a_host_that_no_tenant_has_is_refused_where_there_are_several() {
    let mut world = world();
    let mut other = tenant();
    other.tenant = "other".parse().unwrap();
    other.domains = vec!["other.example".into()];
    world.input(Input::Tenant(Arc::new(other)));
    world.play("0ms alice > REGISTER\n0ms alice < 200");
    let request = world.phone("alice").request("REGISTER", "sip:192.0.2.1", "Contact: <sip:1001@192.0.2.11:5060>");
    world.send("alice", &request);
    world.play("0ms alice < 401");
}

/// Proves nothing of the network alone: the phone's own time is in it, as the view says.
#[test]
fn the_view_shows_how_long_the_phone_took_to_answer_the_challenge() {
    let mut world = world();
    world.phone("alice").manners = Manners::Silent;
    world.play("0ms alice > REGISTER");
    let challenge = world.phone("alice").inbox.pop_back().unwrap();
    let answer = world.phone("alice").sign_in(&challenge).unwrap();
    world.run_until(Duration::from_micros(42_250));
    world.send("alice", &answer);
    assert_eq!(round_trip_us(&world), Some(42_250));
    // A refresh with the same nonce answers no challenge: what was measured stays.
    let request = world.phone("alice").request("REGISTER", "sip:pbx.example", "Contact: <sip:1001@192.0.2.11:5060>");
    let again = world.phone("alice").signed_again(&request, &challenge, 2);
    world.run_until(Duration::from_secs(60));
    world.views.clear();
    world.send("alice", &again);
    assert_eq!(round_trip_us(&world), Some(42_250));
}

fn round_trip_us(world: &World) -> Option<u64> {
    let bound = world.views.iter().rev().find_map(|view| match view {
        View::Registration(registration) => Some(registration.round_trip_us),
        _ => None,
    });
    bound.expect("alice is registered")
}

/// RFC 5630: a `sips:` contact is reached over TLS or not at all.
#[test]
fn a_secured_contact_needs_a_secured_flow() {
    let mut world = world();
    world.play(
        r#"
        0ms alice > REGISTER contact=<sips:1001@192.0.2.11:5061>
        0ms alice < 400
        0ms alice > INVITE sips:1002@pbx.example
        0ms alice < 416
        "#,
    );
    let secured = Flow {
        transport: Transport::Tls,
        local: "192.0.2.1:5061".parse().unwrap(),
        peer: "192.0.2.11:5060".parse().unwrap(),
        connection: Some(ConnectionId(9)),
    };
    world.flow_of("alice", secured);
    world.play("1s alice > REGISTER contact=<sips:1001@192.0.2.11:5061>\n1s alice < 200");
    world.register(&["bob"]);
    world.play("2s bob > INVITE 1001\n2s alice < INVITE `INVITE sips:1001@` `Via: SIP/2.0/TLS` `Contact: <sips:`");
}
