//! By which kinds of phone an extension is used (PHONE-05).

use std::sync::Arc;
use std::time::Duration;

use hooks::fact::{RegistrationBound, Way};
use hooks::id::TenantId;
use sip::digest::ha1;
use switch::config::{TenantConfig, Ways};
use switch::input::{AgentOrder, Command, Input, SignIn};
use switch::output::{Done, Refused};
use switch::passes::Pass;

use crate::browsers::on_websocket;
use crate::ladder::{World, node};
use crate::queues::{centre, close, order};

/// The extension of Alice, agent 10001, is used so.
fn settings(ways: Ways) -> TenantConfig {
    let mut settings = centre();
    settings.extensions.get_mut(&"1001".parse().unwrap()).unwrap().ways = ways;
    settings
}

fn sign_in(world: &mut World, way: Way) -> Result<Done, Refused> {
    order(world, "10001", AgentOrder::SignIn(SignIn { way, extension: None }))
}

fn pass(world: &mut World) -> Result<Done, Refused> {
    let ha1 = ha1("1001-a", "pbx.example", "secret");
    let pass = Pass { username: "1001-a".into(), session: "one".into(), extension: "1001".parse().unwrap(), ha1 };
    world.command(Command::Admit(Box::new(pass)))
}

/// Proves PHONE-05 (the ways that an extension allows).
#[test]
fn an_extension_for_desk_phones_refuses_a_browser_and_says_why() {
    let mut world = World::new(node(), settings(Ways::Desk));
    on_websocket(&mut world, "alice", 1);
    world.play(
        r#"
        0ms   alice > REGISTER
        0ms   alice < 403 `SIP/2.0 403 Web Phone Not Allowed`
        1s    alice > INVITE 1002
        1s    alice < 403 `SIP/2.0 403 Web Phone Not Allowed`
        "#,
    );
    assert_eq!(world.facts, [""; 0], "nothing is bound, and nobody is banned");
    assert_eq!(pass(&mut world), Err(Refused::WayNotAllowed(Way::Web)));
    let refused = sign_in(&mut world, Way::Web).unwrap_err();
    assert_eq!(refused, Refused::WayNotAllowed(Way::Web));
    assert!(refused.to_string().starts_with("the extension takes no web phone; "), "{refused}");
    assert_eq!(sign_in(&mut world, Way::Desk), Ok(Done::Ok));
    close(world, &["10001"]);
}

/// Proves PHONE-05 (the ways that an extension allows).
#[test]
fn an_extension_for_browsers_refuses_a_desk_phone_and_says_why() {
    let mut world = World::new(node(), settings(Ways::Web));
    world.play("0ms alice > REGISTER\n0ms alice < 403 `SIP/2.0 403 SIP Phone Not Allowed`");
    let refused = sign_in(&mut world, Way::Desk).unwrap_err();
    assert_eq!(refused, Refused::WayNotAllowed(Way::Desk));
    assert!(refused.to_string().starts_with("the extension takes no desk phone; "), "{refused}");
    assert_eq!(pass(&mut world), Ok(Done::Ok));
    on_websocket(&mut world, "alice", 1);
    world.play("1s alice > REGISTER\n1s alice < 200");
    assert_eq!(sign_in(&mut world, Way::Web), Ok(Done::Ok));
    close(world, &["10001"]);
}

/// Proves PHONE-05 (both ways where nothing is said).
#[test]
fn both_ways_are_allowed_where_nothing_is_said() {
    for way in [Way::Web, Way::Desk] {
        let mut world = World::new(node(), settings(Ways::default()));
        world.play("0ms alice > REGISTER\n0ms alice < 200");
        on_websocket(&mut world, "alice", 1);
        world.play("1s alice > REGISTER contact=<sip:1001@192.0.2.98:5060>\n1s alice < 200");
        assert_eq!(world.switch.sizes().bindings, 2);
        assert_eq!(sign_in(&mut world, way), Ok(Done::Ok));
        close(world, &["10001"]);
    }
}

#[test]
fn phones_of_a_kind_that_is_not_allowed_any_more_lose_their_binding_and_the_others_stay() {
    let mut world = World::new(node(), settings(Ways::Both));
    world.play("0ms alice > REGISTER\n0ms alice < 200");
    on_websocket(&mut world, "alice", 1);
    world.play("1s alice > REGISTER contact=<sip:1001@192.0.2.98:5060>\n1s alice < 200");
    sign_in(&mut world, Way::Web).unwrap();
    world.facts.clear();
    world.input(Input::Tenant(Arc::new(settings(Ways::Desk))));
    assert_eq!(world.facts[0], "unbound 1001 Settings");
    assert_eq!(world.switch.sizes().bindings, 1);
    // Who had signed in with it is as one whose phone broke down.
    let later = world.now() + Duration::from_secs(31);
    world.run_until(later);
    assert_eq!(world.facts[1..], ["agent 10001 Ready->Offline None ConnectionLost"]);
    world.play("60s bob > INVITE 1001\n60s bob < 486 `Agent Not Available`");
    close(world, &["10001"]);
}

#[test]
fn a_binding_of_before_a_restart_comes_back_only_where_its_way_is_allowed() {
    for (ways, count) in [(Ways::Web, 0), (Ways::Desk, 1)] {
        let mut world = World::new(node(), settings(ways));
        let bound = RegistrationBound {
            extension: "1001".into(),
            contact: "<sip:1001@192.0.2.11:5060>".into(),
            path: Vec::new(),
            source: "UDP 192.0.2.11:5060".into(),
            local: "192.0.2.1:5060".into(),
            user_agent: String::new(),
            sip_call_id: "x".into(),
            cseq: 1,
            expires_at_ms: u64::MAX,
        };
        world.input(Input::Restore { tenant: TenantId::first(), binding: bound });
        assert_eq!(world.switch.sizes().bindings, count, "{ways:?}");
    }
}
