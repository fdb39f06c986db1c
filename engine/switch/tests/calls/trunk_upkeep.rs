//! Trunks that are registered with, and trunks that are asked whether they are there.

use std::sync::Arc;
use std::time::Duration;

use hooks::id::TenantId;
use switch::config::{Health, Registration, TenantConfig, Trunk, TrunkPolicy};
use switch::input::{Command, CommandId, Input};
use switch::output::{Done, Refused, TrunkTest};
use switch::view::{TrunkStanding, TrunkView, View};

use crate::ladder::{World, node, tenant};
use crate::phone::header;

fn with_policy(trunk: &str, change: impl FnOnce(&mut Trunk)) -> TenantConfig {
    let mut tenant = tenant();
    change(tenant.trunks.get_mut(&trunk.parse().unwrap()).unwrap());
    tenant
}

/// `spare` is registered with, for 600 s if it likes.
fn registering() -> TenantConfig {
    with_policy("spare", |trunk| {
        let registration = Registration { user: None, domain: None, expires: Duration::from_secs(600) };
        trunk.policy = TrunkPolicy { registration: Some(registration), ..TrunkPolicy::default() };
    })
}

/// `lines` is asked each 30 s and left out after two misses.
fn asking() -> TenantConfig {
    with_policy("lines", |trunk| {
        let health = Health { interval: Duration::from_secs(30), threshold: 2 };
        trunk.policy = TrunkPolicy { health: Some(health), ..TrunkPolicy::default() };
    })
}

fn view(world: &World, trunk: &str) -> TrunkView {
    let shown = world.views.iter().rev().find_map(|view| match view {
        View::Trunk(view) if view.trunk == trunk => Some((**view).clone()),
        _ => None,
    });
    shown.unwrap_or_else(|| panic!("{trunk} was never published\n{}", world.ladder()))
}

fn nothing_more(world: &World) {
    for phone in world.phones.values() {
        assert!(phone.inbox.is_empty(), "{} also got {:#?}\n{}", phone.name, phone.inbox, world.ladder());
    }
}

/// The REGISTER that `spare` got last.
fn register_in(world: &mut World) -> String {
    world.phone("spare").request_in.clone().unwrap()
}

/// A world in which `spare` has granted a registration of so many seconds.
fn registered(granted_s: u32) -> World {
    let mut world = World::new(node(), registering());
    world.play(&format!("0ms spare < REGISTER\n10ms spare > answer 200 extra=Contact:~`me`;expires={granted_s}"));
    world
}

#[test]
fn a_trunk_is_registered_with_by_digest_and_refreshed_in_time() {
    let mut world = World::new(node(), registering());
    world.play(
        r#"
        0ms    spare < REGISTER `REGISTER sip:spare.example SIP/2.0` `To: <sip:switch@spare.example>` `CSeq: 1 REGISTER` `Expires: 600` `!Authorization`
        10ms   spare > answer 401 extra=WWW-Authenticate:~Digest~realm="spare",~nonce="n1",~qop="auth",~algorithm=SHA-256
        10ms   spare < REGISTER `CSeq: 2 REGISTER` `Authorization: Digest username="switch"` `nc=00000001`
        20ms   spare > answer 200 extra=Contact:~`me`;expires=100
        "#,
    );
    world.expect_facts("trunk_up spare");
    let first = register_in(&mut world);
    let shown = view(&world, "spare");
    assert_eq!(shown.standing, TrunkStanding::Up);
    let registration = shown.registration.unwrap();
    assert_eq!(registration.address_of_record, "sip:switch@spare.example");
    let left_ms = registration.until_ms.unwrap() - crate::ladder::now(world.now()).unix_ms;
    assert_eq!((left_ms, registration.failures), (100_000, 0));
    // Not before half of it is over; by three quarters it was.
    world.play("49.9s spare > silent");
    nothing_more(&world);
    world.play("26s spare < REGISTER `CSeq: 3 REGISTER` `Authorization` `nc=00000002`");
    let second = register_in(&mut world);
    for same in ["Call-ID", "Contact"] {
        assert_eq!(header(&first, same), header(&second, same), "RFC 3261 10.2.4");
    }
    assert_eq!(world.facts.len(), 1);
}

#[test]
fn a_registrar_that_wants_longer_registrations_gets_them() {
    let mut world = World::new(node(), registering());
    world.play(
        r#"
        0ms    spare < REGISTER `Expires: 600`
        10ms   spare > answer 423 extra=Min-Expires:~1800
        10ms   spare < REGISTER `CSeq: 2 REGISTER` `Expires: 1800`
        20ms   spare > answer 200 extra=Expires:~1800
        "#,
    );
    world.expect_facts("trunk_up spare");
    let left_ms =
        view(&world, "spare").registration.unwrap().until_ms.unwrap() - crate::ladder::now(world.now()).unix_ms;
    assert_eq!(left_ms, 1_800_000);
}

#[test]
fn a_min_expires_that_helps_nobody_is_not_asked_for_for_ever() {
    for least in ["600", "4000000000"] {
        let mut world = World::new(node(), registering());
        world.play(&format!("0ms spare < REGISTER\n10ms spare > answer 423 extra=Min-Expires:~{least}"));
        world.expect_facts("trunk_down spare Unregistered: REGISTER: 423 Interval Too Brief");
        nothing_more(&world);
    }
}

#[test]
fn a_refused_registration_is_tried_again_ever_more_rarely() {
    let mut world = World::new(node(), registering());
    world.play("0ms spare < REGISTER\n0ms spare > answer 403");
    world.expect_facts("trunk_down spare Unregistered: REGISTER: 403 Forbidden");
    // Between half of the bound and all of it: 10 s, 20 s, 40 s.
    for (least, most) in [("4.9s", "5.1s"), ("9.9s", "10.1s"), ("19.9s", "20.1s")] {
        world.play(&format!("{least} spare > silent"));
        nothing_more(&world);
        world.play(&format!("{most} spare < REGISTER\n{most} spare > answer 403"));
    }
    assert_eq!(world.facts.len(), 1, "it is down once");
    let shown = view(&world, "spare");
    assert_eq!(shown.registration.unwrap().failures, 4);
    assert_eq!((shown.troubles.len(), shown.troubles[0].status), (4, 403));
    world.play("80s spare < REGISTER\n80s spare > answer 200");
    assert_eq!(world.facts.last().unwrap(), "trunk_up spare");
}

#[test]
fn retry_after_is_waited_for_and_a_wrong_password_is_not_sent_often() {
    let mut world = World::new(node(), registering());
    world.play("0ms spare < REGISTER\n0ms spare > answer 503 extra=Retry-After:~120\n119s spare > silent");
    nothing_more(&world);
    world.play("1.1s spare < REGISTER");
    let challenge = "extra=WWW-Authenticate:~Digest~realm=\"spare\",~nonce=";
    world.play(&format!("0ms spare > answer 401 {challenge}\"n1\"\n0ms spare < REGISTER"));
    world.play(&format!("0ms spare > answer 401 {challenge}\"n2\"\n599s spare > silent"));
    nothing_more(&world);
    assert_eq!(
        view(&world, "spare").troubles.last().unwrap().text,
        "REGISTER: 401 Unauthorized: the peer refuses the user name or password, check the trunk's credentials"
    );
    world.play("1.1s spare < REGISTER");
}

#[test]
fn a_registration_that_is_not_refreshed_runs_out() {
    let mut world = registered(60);
    world.play("45s spare < REGISTER\n60.1s spare > silent");
    world.expect_facts(
        "trunk_up spare\ntrunk_down spare Unregistered: REGISTER: the registration ran out before it was renewed",
    );
    assert_eq!(view(&world, "spare").registration.unwrap().until_ms, None);
}

#[test]
fn a_trunk_that_is_switched_off_or_taken_out_is_unregistered_from() {
    for taken_out in [false, true] {
        let mut world = registered(600);
        let mut tenant = registering();
        let name = "spare".parse().unwrap();
        if taken_out {
            tenant.trunks.remove(&name);
        } else {
            tenant.trunks.get_mut(&name).unwrap().enabled = false;
        }
        world.input(Input::Tenant(Arc::new(tenant)));
        world.play("0ms spare < REGISTER `Expires: 0` `CSeq: 2 REGISTER`\n0ms spare > answer 200");
        if taken_out {
            assert_eq!(world.views.last(), Some(&View::TrunkGone(TenantId::first(), "spare".into())));
        } else {
            assert_eq!(view(&world, "spare").standing, TrunkStanding::Disabled);
        }
        world.finish();
    }
}

#[test]
fn a_process_that_stops_unregisters_signed_once_its_last_register_is_answered() {
    let mut world = World::new(node(), registering());
    world.play("0ms spare < REGISTER");
    world.input(Input::Stop);
    nothing_more(&world);
    assert_eq!(world.switch.sizes().departing, 1);
    let challenge = "extra=WWW-Authenticate:~Digest~realm=\"spare\",~nonce=\"n1\"";
    world.play(&format!(
        "0ms spare > answer 200\n0ms spare < REGISTER `Expires: 0`\n0ms spare > answer 401 {challenge}\n\
         0ms spare < REGISTER `Expires: 0` `Authorization` `CSeq: 3 REGISTER`\n0ms spare > answer 200"
    ));
    assert_eq!(world.switch.sizes().departing, 0);
    world.finish();
}

#[test]
fn settings_that_change_nothing_of_it_leave_a_registration_alone_and_others_renew_it() {
    let mut world = registered(600);
    let mut tenant = registering();
    tenant.trunks.get_mut(&"spare".parse().unwrap()).unwrap().caller_number = Some("010999".into());
    world.input(Input::Tenant(Arc::new(tenant.clone())));
    nothing_more(&world);
    tenant.trunks.get_mut(&"spare".parse().unwrap()).unwrap().credentials.as_mut().unwrap().username = "other".into();
    world.input(Input::Tenant(Arc::new(tenant)));
    world.play(
        "0ms spare < REGISTER `Expires: 0` `sip:switch@spare.example`\n0ms spare < REGISTER `To: <sip:other@spare.example>`",
    );
}

#[test]
fn a_call_to_the_registered_contact_is_the_trunks_and_for_whom_to_names() {
    let mut tenant = registering();
    // Nothing but the registration says that it may call.
    tenant.trunks.get_mut(&"spare".parse().unwrap()).unwrap().sources.clear();
    let mut world = World::new(node(), tenant);
    world.register(&["alice"]);
    world.phone("spare").inbox.clear();
    world.play("0ms spare > answer 200");
    world.facts.clear();
    let contact = header(&register_in(&mut world), "Contact");
    let contact = contact.split(['<', '>']).nth(1).unwrap().to_owned();
    world.play(&format!(
        "0ms spare > INVITE {contact} extra=P-Called-Party-ID:~<sip:01012345678@spare.example>\n0ms alice < INVITE\n\
         1s alice > 486\n1s alice < ACK\n1s spare < 486"
    ));
    assert_eq!(world.facts[0], "created Inbound 13900000000 -> 01012345678");
    world.play("0ms spare > INVITE 01012345678\n0ms alice < INVITE\n1s alice > 486\n1s alice < ACK\n1s spare < 486");
    // From elsewhere the same Contact means nothing, and neither does a flow that is not registered.
    world.play(&format!("0ms eve > silent\n0ms eve > INVITE {contact}\n0ms eve < 401"));
    let at = world.phone("spare").address;
    world.phone("spare").address.set_port(at.port() + 1);
    world.play("0ms spare > silent\n0ms spare > INVITE 01012345678\n0ms spare < 401");
}

#[test]
fn an_address_that_does_not_answer_is_left_out_until_it_does() {
    let mut world = World::new(node(), asking());
    world.register(&["alice"]);
    let options = "lines < OPTIONS `OPTIONS sip:lines.example SIP/2.0` `To: <sip:lines.example>`";
    world.play(&format!("0ms {options}\n0ms lines > answer 404"));
    world.expect_facts("trunk_up lines");
    world.play(&format!(
        "30s {options}\n30s lines > answer 503\n59s lines > silent\n60s {options}\n63.9s lines > silent"
    ));
    assert_eq!(view(&world, "lines").standing, TrunkStanding::Up, "one miss is none");
    world.play("0.2s lines > silent");
    world.expect_facts("trunk_up lines\ntrunk_down lines Unanswered: OPTIONS to 198.51.100.1:5060: no answer");
    let shown = view(&world, "lines");
    assert_eq!((shown.standing, shown.targets[0].is_out, shown.targets[0].misses), (TrunkStanding::Down, true, 2));
    // Calls go past it, at once.
    world.play("0ms alice > INVITE 13800000000\n0ms spare < INVITE\n0ms spare > 486\n0ms spare < ACK\n0ms alice < 486");
    // An answer takes it back.
    world.play(&format!("26s {options}\n26s lines > answer 200"));
    assert_eq!(world.facts.last().unwrap(), "trunk_up lines");
    world.play("0ms alice > INVITE 13800000000\n0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms alice < 486");
}

/// Proves GEN-18.
#[test]
fn an_emergency_call_tries_even_a_trunk_that_does_not_answer() {
    let mut world = World::new(node(), asking());
    world.register(&["alice"]);
    world.play("0ms lines < OPTIONS\n0ms lines > answer 503\n30s lines < OPTIONS\n30s lines > answer 503");
    world.expect_facts("trunk_down lines Unanswered: OPTIONS to 198.51.100.1:5060: 503 Service Unavailable");
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE\n0ms lines > 486\n0ms lines < ACK\n0ms alice < 486");
}

fn ask_for_test(world: &mut World, trunk: &str) {
    let command = Command::TestTrunk(trunk.parse().unwrap());
    world.input(Input::Command { id: CommandId(7), tenant: TenantId::first(), command });
}

fn test_result(world: &mut World) -> TrunkTest {
    match world.replies.pop() {
        Some(Ok(Done::TrunkTested(test))) => *test,
        other => panic!("{other:?}\n{}", world.ladder()),
    }
}

#[test]
fn a_test_says_what_came_back_and_how_long_it_took() {
    let mut world = registered(600);
    ask_for_test(&mut world, "spare");
    let options = world.phone("spare").inbox.pop_front().unwrap();
    assert!(options.starts_with("OPTIONS"), "{options}");
    world.play("0ms spare < REGISTER\n50ms spare > answer 200");
    assert!(world.replies.is_empty(), "the OPTIONS is not answered yet");
    ask_for_test(&mut world, "spare");
    assert_eq!(world.replies.pop(), Some(Err(Refused::TestRunning)));
    world.phone("spare").request_in = Some(options);
    world.play("30ms spare > answer 405");
    let test = test_result(&mut world);
    let (target, answer) = &test.targets[0];
    assert_eq!((target.to_string().as_str(), answer.status), ("198.51.100.2:5060", 405));
    assert_eq!((answer.text.as_str(), answer.round_trip_us), ("405 Method Not Allowed", Some(80_000)));
    let registration = test.registration.unwrap();
    assert_eq!((registration.status, registration.round_trip_us), (200, Some(50_000)));
}

#[test]
fn a_test_of_a_dead_trunk_ends_and_one_of_none_is_refused() {
    let mut world = World::with(&[]);
    ask_for_test(&mut world, "lines");
    world.play("0ms lines < OPTIONS\n4.1s lines > silent");
    let test = test_result(&mut world);
    assert_eq!((test.targets[0].1.status, test.targets[0].1.text.as_str()), (0, "no answer"));
    assert_eq!(test.registration, None);
    ask_for_test(&mut world, "nowhere");
    assert_eq!(world.replies.pop(), Some(Err(Refused::NoSuchTrunk)));
    assert_eq!(world.facts, Vec::<String>::new(), "a test decides nothing about a trunk that is not watched");
    world.finish();
}
