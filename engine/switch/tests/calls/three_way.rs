//! Three in a call: whoever goes, by whatever way, ends it for all, but for who was added last (CALL-23).

use std::time::Duration;

use hooks::fact::AgentState;
use switch::input::{AgentOrder, CallOrder, Command, Input, Party};
use switch::media::MediaEvent;

use crate::ladder::World;
use crate::queues::{centre, close, order, staffed};

fn control(world: &mut World, extension: &str, order: CallOrder) {
    let (call, party) = (world.last_call.unwrap(), Some(Party::Extension(extension.parse().unwrap())));
    world.command(Command::Call { call, party, order }).unwrap();
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// Who of the two first was called.
#[derive(Clone, Copy, Debug)]
enum Called {
    /// The agent: the customer called a queue.
    Agent,
    /// The customer.
    Customer,
}

/// How the third was added.
#[derive(Clone, Copy, Debug)]
enum Added {
    AfterConsult,
    AtOnce,
    /// Another one before him was, and has left.
    AfterAnother,
}

/// How somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    HangsUp,
    /// No audio came for too long.
    FallsSilent,
}

/// The customer, Alice (agent 10001) and Bob (10002) talk; Bob was added last.
fn three(called: Called, added: Added) -> World {
    let mut world = staffed(centre(), &["10001", "10002"]);
    match called {
        Called::Agent => world.play(
            "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK",
        ),
        Called::Customer => world
            .play("0ms alice > INVITE 13800000000\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s alice < 200"),
    }
    match added {
        Added::AfterConsult => {
            control(&mut world, "1001", CallOrder::Consult("1002".parse().unwrap()));
            world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
            control(&mut world, "1001", CallOrder::ThreeWay(None));
        }
        Added::AtOnce => join(&mut world),
        Added::AfterAnother => {
            control(&mut world, "1001", CallOrder::ThreeWay(Some("1003".parse().unwrap())));
            world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n2s carol > BYE\n2s lines hears alice");
            join(&mut world);
        }
    }
    let two = match called {
        Called::Agent => "lines+alice",
        Called::Customer => "alice+lines",
    };
    world.play(&format!("1s lines hears alice+bob\n1s alice hears lines+bob\n1s bob hears {two}"));
    world
}

fn join(world: &mut World) {
    control(world, "1001", CallOrder::ThreeWay(Some("1002".parse().unwrap())));
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
}

fn goes(world: &mut World, who: &str, how: Going) {
    match how {
        Going::HangsUp => world.play(&format!("1s {who} > BYE")),
        Going::FallsSilent => {
            let endpoint = world.endpoint(who);
            world.input(Input::Media(MediaEvent::Silent(endpoint)));
            world.play(&format!("0ms {who} < BYE"));
        }
    }
}

/// Proves CALL-23 (hanging up and losing the connection; the third is who was added last).
#[test]
fn whoever_of_the_first_two_goes_ends_it_for_all_and_the_third_ends_his_part_alone() {
    for called in [Called::Agent, Called::Customer] {
        for added in [Added::AfterConsult, Added::AtOnce, Added::AfterAnother] {
            for how in [Going::HangsUp, Going::FallsSilent] {
                for who in ["lines", "alice", "bob"] {
                    let mut world = three(called, added);
                    let told = world.facts.len();
                    goes(&mut world, who, how);
                    let others: Vec<&str> = ["lines", "alice", "bob"].into_iter().filter(|it| *it != who).collect();
                    if who == "bob" {
                        world.play("0ms lines hears alice\n0ms alice hears lines");
                        assert!(!world.facts[told..].iter().any(|fact| fact.starts_with("ended")), "{:?}", world.facts);
                        world.play("9s lines hears alice\n9s alice > BYE\n9s lines < BYE");
                    } else {
                        world.play(&format!("0ms {} < BYE\n0ms {} < BYE", others[0], others[1]));
                    }
                    let world = close(world, &["10001", "10002"]);
                    let what = format!("{who} {how:?}, {called:?}, {added:?}: {}", world.ladder());
                    assert_eq!(of(&world, "three_way_ended").last().unwrap(), "three_way_ended 1002#1", "{what}");
                    let wrapped = of(&world, "WrapUp None CallEnd");
                    assert_eq!(wrapped.len(), 2, "both agents had a talk that ended: {what}");
                    let ended = of(&world, "ended ").into_iter().find(|fact| fact.starts_with("ended ")).unwrap();
                    let by_loss = ended.starts_with("ended MediaTimeout by System");
                    assert_eq!(by_loss, how == Going::FallsSilent && who != "bob", "{ended}: {what}");
                }
            }
        }
    }
}

/// Proves CALL-23 (before the third has answered there are two, and either ends it for both).
#[test]
fn while_the_third_is_rung_to_join_either_of_the_two_ends_it() {
    for how in [Going::HangsUp, Going::FallsSilent] {
        for (who, other) in [("lines", "alice"), ("alice", "lines")] {
            let mut world = staffed(centre(), &["10001", "10002"]);
            world.play(
                "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK",
            );
            control(&mut world, "1001", CallOrder::ThreeWay(Some("1002".parse().unwrap())));
            world.play("0ms bob < INVITE\n1s bob > 180");
            goes(&mut world, who, how);
            world.play(&format!("0ms {other} < BYE\n0ms bob < CANCEL\n0ms bob < ACK"));
            let world = close(world, &["10001", "10002"]);
            assert!(of(&world, "three_way").is_empty() && of(&world, "transferred").is_empty(), "{:?}", world.facts);
        }
    }
    // While he is rung to be asked, too, where it is the customer who goes.
    let mut world = staffed(centre(), &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK");
    control(&mut world, "1001", CallOrder::Consult("1002".parse().unwrap()));
    world.play("0ms bob < INVITE\n1s bob > 180\n2s lines > BYE\n2s alice < BYE\n2s bob < CANCEL\n2s bob < ACK");
    let later = world.now() + Duration::from_secs(1);
    world.run_until(later);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    close(world, &["10001", "10002"]);
}
