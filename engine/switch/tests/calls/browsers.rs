//! Browsers as phones: SIP over WebSocket, audio over ICE and DTLS.

use std::time::Duration;

use hooks::fact::Way;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::sdp::Fingerprint;

use crate::ladder::{World, node, tenant};
use crate::phone::header;
use crate::under_test::config::{Browsers, NodeConfig, TenantConfig};
use crate::under_test::input::{AgentOrder, Command, Input, SignIn};
use crate::under_test::media::{BrowserLoss, BrowserPeer, IceCredentials, MediaCommand, MediaEvent};

/// Alice and Carol are browsers, Carol behind NAT; Bob is a desk phone.
fn world() -> World {
    world_of(tenant())
}

pub(crate) fn world_of(tenant: TenantConfig) -> World {
    let browsers = Browsers {
        candidates: vec!["192.0.2.1:20200".parse().unwrap(), "203.0.113.200:20200".parse().unwrap()],
        fingerprint: Fingerprint([0xee; 32]),
    };
    let mut world = World::new(NodeConfig { browsers: Some(browsers), ..node() }, tenant);
    for (name, number) in [("alice", 1), ("carol", 3)] {
        on_websocket(&mut world, name, number);
    }
    world.register(&["alice", "bob", "carol"]);
    world
}

/// The page of this phone has this connection from now on.
pub(crate) fn on_websocket(world: &mut World, name: &'static str, connection: u64) {
    let peer = world.phone(name).address;
    let flow = Flow {
        transport: Transport::Wss,
        local: "192.0.2.1:8443".parse().unwrap(),
        peer,
        connection: Some(ConnectionId(connection)),
    };
    world.flow_of(name, flow);
}

/// What was agreed with a browser, one for each time.
fn agreed(world: &World, who: &str) -> Vec<BrowserPeer> {
    let wanted = world.endpoint(who);
    let of = |command: &MediaCommand| match command {
        MediaCommand::Agree { endpoint, agreement } if *endpoint == wanted => {
            assert_eq!((agreement.remote_rtp, &agreement.srtp), (None, &None));
            agreement.browser.as_deref().cloned()
        }
        _ => None,
    };
    world.media.iter().filter_map(of).collect()
}

/// Our credentials of a browser's leg, one for each time that they were new.
fn ours(world: &World, who: &str) -> Vec<IceCredentials> {
    let wanted = world.endpoint(who);
    let of = |command: &MediaCommand| match command {
        MediaCommand::OpenBrowser { endpoint, local } | MediaCommand::RestartIce { endpoint, local } => {
            (*endpoint == wanted).then(|| local.clone())
        }
        _ => None,
    };
    world.media.iter().filter_map(of).collect()
}

/// The fragment in the last description that a phone got of us.
fn shown(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or_else(|| panic!("{text}"));
    line.to_owned()
}

#[test]
fn a_browser_calls_a_desk_phone_and_each_gets_what_it_speaks() {
    let mut world = world();
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=opus,G722,PCMU,PCMA,event more=browser1A
        0ms    bob   < INVITE `m=audio 20000 RTP/AVP 111 9 0 8 101` `!ice-` `!fingerprint` `!mid`
        1s     bob   > 200 sdp=PCMA,event
        1s     bob   < ACK
        1s     alice < 200 `m=audio 20200 UDP/TLS/RTP/SAVPF 8 101` `a=setup:passive` `a=ice-lite` `a=group:BUNDLE 0` `a=mid:0` `a=rtcp-mux` `fingerprint:sha-256 EE:EE` `typ host` `203.0.113.200 20200` `!extmap`
        2s     alice hears bob
        2s     bob   hears alice
        "#,
    );
    let peers = agreed(&world, "alice");
    assert_eq!((peers[0].ice.ufrag.as_str(), peers[0].fingerprint), ("alice1", Fingerprint([0xaa; 32])));
    // One port of its own was taken: Bob's.
    assert_eq!(world.switch.sizes().free_ports, 99);
    world.play("3s alice > BYE\n3s bob < BYE");
    world.finish();
}

#[test]
fn a_browser_is_called_with_what_it_needs() {
    let mut world = world();
    world.play(
        r#"
        0ms    bob   > INVITE 1001 sdp=PCMA,event
        0ms    alice < INVITE `m=audio 20200 UDP/TLS/RTP/SAVPF 8 0 111 9 101 96` `rtpmap:96 telephone-event/48000` `a=fmtp:111 minptime=10;useinbandfec=1` `a=setup:actpass` `a=mid:0` `a=ice-lite`
        1s     alice > 200 sdp=PCMA,event more=browser1A
        1s     alice < ACK
        1s     bob   < 200 `m=audio 20000 RTP/AVP 8 101` `!ice-`
        2s     alice hears bob
        2s     bob   hears alice
        "#,
    );
    assert_eq!(agreed(&world, "alice").len(), 1);
    world.play("3s bob > BYE\n3s alice < BYE");
    world.finish();
}

#[test]
fn an_answer_that_lacks_the_browsers_part_ends_that_leg() {
    let mut world = world();
    world.play(
        r#"
        0ms    bob   > INVITE 1001
        0ms    alice < INVITE
        1s     alice > 200
        1s     alice < ACK
        1s     alice < BYE
        1s     bob   < 488
        "#,
    );
    world.finish();
}

#[test]
fn an_offer_that_lacks_a_part_is_refused_with_its_name() {
    let mut world = world();
    for (without, why) in [
        ("a=rtcp-mux\r\n", "needs rtcp-mux"),
        ("a=ice-ufrag:alice1\r\n", "needs ice-ufrag and ice-pwd"),
        ("a=setup:actpass\r\n", ""),
    ] {
        let phone = world.phone("alice");
        let body = phone
            .sdp_with("PCMA", "browser1A", "")
            .replace(without, if why.is_empty() { "a=setup:passive\r\n" } else { "" });
        let invite = phone.invite("sip:1002@pbx.example", &body, "");
        world.send("alice", &invite);
        let why = if why.is_empty() { "has to be setup:active or actpass" } else { why };
        world.play(&format!("0ms alice < 488 `Warning: 399` `{why}`"));
    }
    assert_eq!(world.switch.sizes().endpoints, 0);
}

#[test]
fn where_no_browser_is_served_its_offer_is_refused() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=browser1A
        0ms    alice < 488 `Warning: 304`
        "#,
    );
    world.finish();
}

#[test]
fn two_browsers_talk_and_hold_and_retrieve() {
    let mut world = world();
    world.play(
        r#"
        0ms    alice > INVITE 1003 sdp=opus,PCMA,event more=browser1A
        0ms    carol < INVITE `UDP/TLS/RTP/SAVPF 111 8 0 9 101 96`
        1s     carol > 200 sdp=opus,PCMA,event more=browser1C
        1s     carol < ACK
        1s     alice < 200 `SAVPF 111 8 101`
        2s     alice > REINVITE sdp=opus,PCMA,event more=browser1A dir=sendonly
        2s     alice < 200 `a=recvonly` `a=setup:passive`
        3s     carol hears HoldMusic
        3s     alice > UPDATE sdp=opus,PCMA,event more=browser1A
        3s     alice < 200 `a=sendrecv`
        4s     carol hears alice
        4s     alice hears carol
        "#,
    );
    assert_eq!(ours(&world, "alice").len(), 1, "no restart was asked for");
    world.play("5s carol > BYE\n5s alice < BYE");
    world.finish();
}

#[test]
fn new_credentials_restart_ice_and_a_new_certificate_is_agreed_too() {
    let mut world = world();
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=browser1A
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        "#,
    );
    let first = shown(&world.phone("alice").inbox.pop_front().unwrap());
    world.play("0ms alice > REINVITE more=browser2A");
    let second = shown(&world.phone("alice").inbox.pop_front().unwrap());
    world.play("0ms alice > REINVITE more=browser3B");
    let third = shown(&world.phone("alice").inbox.pop_front().unwrap());
    assert!(first != second && second != third, "{first} {second} {third}");
    let fragments: Vec<String> = ours(&world, "alice").into_iter().map(|ice| ice.ufrag).collect();
    assert_eq!(fragments, [first, second, third]);
    let theirs: Vec<(String, u8)> =
        agreed(&world, "alice").into_iter().map(|peer| (peer.ice.ufrag, peer.fingerprint.0[0])).collect();
    assert_eq!(theirs, [("alice1".into(), 0xaa), ("alice2".into(), 0xaa), ("alice3".into(), 0xbb)]);
    world.play("1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn a_browser_that_is_gone_ends_the_call_as_silence_does() {
    for (reason, ended) in [
        (BrowserLoss::Silent, "ended MediaTimeout by System 200"),
        (BrowserLoss::Handshake, "ended Failed by System 200"),
        (BrowserLoss::Certificate, "ended Failed by System 200"),
    ] {
        let mut world = world();
        world.play(
            r#"
            0ms    alice > INVITE 1002 more=browser1A
            0ms    bob   < INVITE
            1s     bob   > 200
            1s     bob   < ACK
            1s     alice < 200
            "#,
        );
        let endpoint = world.endpoint("alice");
        world.input(Input::Media(MediaEvent::BrowserGone { endpoint, reason }));
        world.play("0ms alice < BYE\n0ms bob < BYE");
        world.finish();
        assert_eq!(world.facts.last().unwrap(), ended);
        let metrics = world.switch.metrics();
        assert_eq!(metrics.browsers_gone + metrics.browsers_unproven, 1);
    }
}

/// The page lives, its network is another: it registers again under its old Contact.
#[test]
fn a_browser_that_comes_by_another_connection_is_asked_to_restart_ice() {
    let mut world = world();
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=opus,PCMA,event more=browser1A
        0ms    bob   < INVITE
        1s     bob   > 200 sdp=PCMA,event
        1s     bob   < ACK
        "#,
    );
    let first = shown(&world.phone("alice").inbox.pop_front().unwrap());
    world.input(Input::ConnectionClosed(ConnectionId(1)));
    on_websocket(&mut world, "alice", 9);
    world.play("1s alice > REGISTER\n1s alice < 200");
    let asked = world.phone("alice").inbox.pop_front().unwrap();
    assert!(asked.starts_with("INVITE ") && asked.contains("a=setup:passive") && asked.contains("SAVPF 8 "), "{asked}");
    assert_eq!(world.last_flow.unwrap().connection, Some(ConnectionId(9)));
    let second = shown(&asked);
    assert_ne!(first, second);
    // Refused once: what was described before holds, and is asked for no more.
    world.play("0ms alice > 488\n0ms alice < ACK");
    let fragments: Vec<String> = ours(&world, "alice").into_iter().map(|ice| ice.ufrag).collect();
    assert_eq!(fragments, [first.clone(), second, first.clone()]);
    world.play("0ms alice > REINVITE sdp=PCMA,event more=browser1A");
    assert_eq!(shown(&world.phone("alice").inbox.pop_front().unwrap()), first);
    // And once more, taken.
    world.input(Input::ConnectionClosed(ConnectionId(9)));
    on_websocket(&mut world, "alice", 10);
    world.play("1s alice > REGISTER\n1s alice < 200");
    let third = shown(&world.phone("alice").inbox.pop_front().unwrap());
    world
        .play("0ms alice > 200 sdp=PCMA,event more=browser2A\n0ms alice < ACK\n1s alice hears bob\n1s bob hears alice");
    world.play("0ms alice > REINVITE sdp=PCMA,event more=browser2A");
    assert_eq!(shown(&world.phone("alice").inbox.pop_front().unwrap()), third);
    world.play("1s alice > BYE\n1s bob < BYE");
    world.finish();
}

/// What `header` is for: every message to a browser says `ws` in our Contact.
#[test]
fn our_contact_is_a_websocket() {
    let mut world = world();
    world.play("0ms bob > INVITE 1001");
    let invite = world.phone("alice").inbox.pop_front().unwrap();
    assert!(header(&invite, "Contact").contains(";transport=ws"), "{invite}");
    world.play("1s alice > 486\n1s alice < ACK\n1s bob < 486");
    world.finish();
}

/// Proves CALL-11 (what the web phone of an agent is told; off unless it is set).
#[test]
fn the_web_phone_of_an_agent_is_asked_to_answer_by_itself_where_he_wants_that() {
    let ring = |auto_answer: bool, way: Option<Way>| {
        let mut settings = crate::queues::centre();
        settings.agents.get_mut(&"10001".parse().unwrap()).unwrap().auto_answer |= auto_answer;
        let mut world = world_of(settings);
        if way == Some(Way::Desk) {
            let flow = Flow {
                transport: Transport::Udp,
                local: "192.0.2.1:5060".parse().unwrap(),
                connection: None,
                peer: world.phone("alice").address,
            };
            world.input(Input::ConnectionClosed(ConnectionId(1)));
            world.flow_of("alice", flow);
            world.register(&["alice"]);
        }
        let agent = |order| Command::Agent { agent: "10001".parse().unwrap(), order, by: None };
        if let Some(way) = way {
            world.command(agent(AgentOrder::SignIn(SignIn { way, extension: None }))).unwrap();
            // A web phone is ready by that alone.
            let _ = world.command(agent(AgentOrder::Pick(hooks::fact::AgentState::Ready)));
        }
        let asked = |world: &mut World| {
            let invite = world.phone("alice").inbox.pop_front().unwrap();
            let (info, alert) = (header(&invite, "Call-Info"), header(&invite, "Alert-Info"));
            assert_eq!(info.ends_with(";answer-after=0"), alert.contains("info=alert-autoanswer"), "{invite}");
            !info.is_empty()
        };
        // By a colleague, and by a queue.
        world.play("0ms bob > INVITE 1001");
        let by_colleague = asked(&mut world);
        world.play("1s bob > CANCEL\n1s bob < 487\n1s alice > 180\n1s alice < CANCEL\n1s alice < ACK");
        if way.is_some() {
            world.play("2s lines > INVITE 01012340000\n2s lines < 200");
            assert_eq!(asked(&mut world), by_colleague);
        }
        by_colleague
    };
    assert!(!ring(false, Some(Way::Web)), "off unless it is set");
    assert!(ring(true, Some(Way::Web)));
    assert!(!ring(true, Some(Way::Desk)), "a phone on the desk answers on the device");
    assert!(!ring(true, None), "without an agent it is an ordinary phone");
}

/// Proves PHONE-02 (a web phone that is registered: who logs in is Online by that), and PHONE-17 for the connection of a web phone.
#[test]
fn an_agent_whose_page_is_gone_for_half_a_minute_is_offline() {
    let mut world = world_of(crate::queues::centre());
    let agent = |order| Command::Agent { agent: "10001".parse().unwrap(), order, by: None };
    let web = SignIn { way: Way::Web, extension: None };
    world.command(agent(AgentOrder::SignIn(web))).unwrap();
    let [.., changed, _signed_in] = world.facts.as_slice() else { panic!("{:?}", world.facts) };
    assert_eq!(changed, "agent 10001 Offline->Ready None Login");
    let close = |world: &mut World, connection: u64| {
        world.input(Input::ConnectionClosed(ConnectionId(connection)));
    };
    let wait = |world: &mut World, seconds: u64| {
        let until = world.now() + Duration::from_secs(seconds);
        world.run_until(until);
    };
    world.facts.clear();
    // Back within the time.
    close(&mut world, 1);
    wait(&mut world, 29);
    on_websocket(&mut world, "alice", 11);
    world.register(&["alice"]);
    wait(&mut world, 60);
    assert!(!world.facts.iter().any(|fact| fact.starts_with("agent")), "{:?}", world.facts);
    close(&mut world, 11);
    wait(&mut world, 29);
    assert!(!world.facts.iter().any(|fact| fact.starts_with("agent")), "{:?}", world.facts);
    wait(&mut world, 2);
    assert!(world.facts.contains(&"agent 10001 Ready->Offline None ConnectionLost".to_owned()), "{:?}", world.facts);
    world.command(agent(AgentOrder::SignOut)).unwrap();
    world.finish();
}
