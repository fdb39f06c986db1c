//! An extension that listens to the messages in its box by phone (`*98`).

use hooks::fact::{AgentState, Way};
use hooks::id::{CallId, RecordingId};
use switch::input::{AgentOrder, BoxAnswer, Input, SignIn, StoredMessage};
use switch::media::Audio;
use switch::output::BoxOrder;

use crate::ladder::{World, node, tenant};
use crate::queues::{self, centre, change, order};

/// Alice has dialled the code, and her box is being read.
fn world() -> World {
    let mut world = World::new(node(), tenant());
    world.clips_last = true;
    world.register(&["alice", "bob"]);
    world.play("0ms alice > INVITE *98\n0ms alice < 200\n0ms alice hears nothing");
    let asked = world.boxes.last().expect("the box is asked for");
    assert_eq!(asked.what, BoxOrder::Open("extension:1001".parse().unwrap()));
    world
}

/// The message that was left so many seconds after the beginning of time.
fn message(at: u64, heard: bool) -> StoredMessage {
    StoredMessage { voicemail: RecordingId::new(at * 1_000, 0), call: CallId::new(at * 1_000, 0), heard }
}

/// The shell's answer to what was asked last.
fn answer(world: &mut World, answer: Option<BoxAnswer>) {
    let asked = world.boxes.last().expect("something was asked");
    let input = Input::Box { call: asked.call, id: asked.id, answer };
    world.input(input);
}

fn open(world: &mut World, new: u32, messages: Vec<StoredMessage>) {
    answer(world, Some(BoxAnswer::Opened { new, messages }));
}

/// The message of that time is asked for, and given out: as many samples as seconds.
fn give(world: &mut World, at: u64) {
    let asked = &world.boxes.last().expect("something was asked").what;
    let by = "extension:1001".to_owned();
    assert_eq!(*asked, BoxOrder::Sound { voicemail: message(at, false).voicemail, by });
    let samples = usize::try_from(at).unwrap();
    answer(world, Some(BoxAnswer::Sound(Audio(vec![0; samples].into()))));
    world.play(&format!("0ms alice hears message {at}"));
}

fn marks(world: &World) -> Vec<&str> {
    world.facts.iter().filter_map(|fact| fact.strip_prefix("voicemail ")).collect()
}

const HEARD: &str = "listened by extension:1001";
const DELETED: &str = "deleted by extension:1001";

/// Proves VM-01 (by phone).
#[test]
fn new_messages_are_heard_first_and_the_oldest_of_them_before_the_others() {
    let mut world = world();
    open(&mut world, 2, vec![message(9, false), message(1, true), message(5, false)]);
    world.play("0ms alice hears voicemail_you_have Number(2) voicemail_messages");
    world.played("alice");
    give(&mut world, 5);
    assert_eq!(marks(&world), [HEARD]);
    world.played("alice");
    world.play("0ms alice hears voicemail_keys\n0ms alice > press 2");
    give(&mut world, 9);
    world.play("0ms alice > press 2");
    give(&mut world, 1);
    assert_eq!(marks(&world), [HEARD, HEARD], "one was heard before");
    world.play("0ms alice > press 2\n0ms alice hears voicemail_no_more\n0ms alice > press 4");
    give(&mut world, 9);
    assert_eq!(marks(&world).len(), 2, "it is marked once");
    let asked = world.boxes.len();
    world.play("0ms alice > press 1\n0ms alice hears message 9\n0ms alice > press 4");
    give(&mut world, 5);
    world.play("0ms alice > press 4\n0ms alice hears message 5\n0ms alice > press 0\n0ms alice hears voicemail_keys");
    assert_eq!(world.boxes.len(), asked + 1, "what is at hand is read once");
    world.play("0ms alice > press #\n0ms alice hears ivr_goodbye");
    world.played("alice");
    world.play("0ms alice < BYE");
    world.finish();
}

#[test]
fn a_message_is_deleted_once_it_is_known_and_the_next_one_follows() {
    let mut world = world();
    open(&mut world, 3, vec![message(1, false), message(2, false), message(3, false)]);
    world.play("0ms alice > press 3\n0ms alice hears voicemail_you_have Number(3) voicemail_messages");
    world.played("alice");
    world.play("0ms alice > press 3");
    give(&mut world, 1);
    world.play("1s alice > press 3\n1s alice hears voicemail_deleted\n1s alice > press 3");
    assert_eq!(marks(&world), [HEARD, DELETED], "nothing that was not heard is deleted");
    world.played("alice");
    give(&mut world, 2);
    world.play("0ms alice > press 2");
    give(&mut world, 3);
    world.play("0ms alice > press 3\n0ms alice hears voicemail_deleted voicemail_no_more");
    world.played("alice");
    world.play("0ms alice > press 1");
    give(&mut world, 2);
    world.play("0ms alice > press 3\n0ms alice hears voicemail_deleted");
    world.played("alice");
    world.play("0ms alice < BYE");
    world.finish();
    assert_eq!(marks(&world), [HEARD, DELETED, HEARD, HEARD, DELETED, DELETED]);
}

#[test]
fn an_empty_box_is_told_and_old_messages_are_heard_without_new_ones() {
    let mut empty = world();
    open(&mut empty, 0, Vec::new());
    empty.play("0ms alice hears voicemail_no_messages");
    empty.played("alice");
    empty.play("0ms alice < BYE");
    empty.finish();
    let mut old = world();
    open(&mut old, 0, vec![message(4, true)]);
    old.play("0ms alice hears voicemail_no_messages");
    old.played("alice");
    give(&mut old, 4);
    assert!(marks(&old).is_empty());
    old.play("0ms alice > BYE");
    old.finish();
}

#[test]
fn a_box_that_is_not_read_in_time_is_told_and_a_late_answer_is_dropped() {
    let mut silent = world();
    let asked = (silent.boxes[0].call, silent.boxes[0].id);
    silent.play("9s alice hears nothing\n10s alice hears call_failed");
    let (call, id) = asked;
    silent.input(Input::Box {
        call,
        id,
        answer: Some(BoxAnswer::Opened { new: 1, messages: vec![message(1, false)] }),
    });
    silent.play("0ms alice hears call_failed");
    silent.played("alice");
    silent.play("0ms alice < BYE");
    silent.finish();
    let mut broken = world();
    answer(&mut broken, None);
    broken.play("0ms alice hears call_failed");
    broken.played("alice");
    broken.play("0ms alice < BYE");
    broken.finish();
}

#[test]
fn a_message_that_cannot_be_read_is_told_stays_new_and_may_be_deleted() {
    for is_late in [false, true] {
        let mut world = world();
        open(&mut world, 2, vec![message(1, false), message(2, false)]);
        world.played("alice");
        if is_late {
            world.play("9s alice hears nothing\n10s alice hears voicemail_unplayable");
        } else {
            answer(&mut world, None);
            world.play("0ms alice hears voicemail_unplayable");
        }
        assert!(marks(&world).is_empty());
        world.play("1s alice > press 3\n1s alice hears voicemail_deleted");
        world.played("alice");
        give(&mut world, 2);
        world.play("0ms alice > BYE");
        world.finish();
        assert_eq!(marks(&world), [DELETED, HEARD]);
    }
}

#[test]
fn an_answer_to_a_message_that_was_left_for_another_is_dropped() {
    let mut world = world();
    open(&mut world, 2, vec![message(1, false), message(2, false)]);
    world.played("alice");
    let first = world.boxes.last().map(|asked| (asked.call, asked.id)).unwrap();
    world.play("0ms alice > press 2");
    let (call, id) = first;
    world.input(Input::Box { call, id, answer: Some(BoxAnswer::Sound(Audio(vec![0; 1].into()))) });
    world.play("0ms alice hears nothing");
    assert!(marks(&world).is_empty());
    give(&mut world, 2);
    world.play("0ms alice > BYE");
    world.finish();
}

#[test]
fn who_presses_nothing_is_let_go_and_who_hangs_up_leaves_nothing_behind() {
    let mut world = world();
    open(&mut world, 1, vec![message(1, false)]);
    world.play("0ms alice hears voicemail_you_have Number(1) voicemail_message");
    world.played("alice");
    give(&mut world, 1);
    world.played("alice");
    world.played("alice");
    world.play("9s alice hears nothing\n10s alice hears ivr_goodbye");
    world.played("alice");
    world.play("0ms alice < BYE");
    world.finish();
    for step in 0..4 {
        let mut world = self::world();
        if step > 0 {
            open(&mut world, 1, vec![message(1, false)]);
        }
        if step > 1 {
            world.played("alice");
        }
        if step > 2 {
            give(&mut world, 1);
        }
        world.play("1s alice > BYE");
        world.finish();
    }
}

#[test]
fn nobody_is_handed_on_to_the_messages_of_another() {
    let mut world = World::new(node(), tenant());
    world.register(&["alice", "bob"]);
    world.play(
        "
        0ms alice > INVITE 1002
        0ms bob   < INVITE
        0ms bob   > 200
        0ms bob   < ACK
        0ms alice < 200
        1s  bob   > REFER *98
        1s  bob   < 404
        2s  alice > BYE
        2s  bob   < BYE
        ",
    );
    assert!(world.boxes.is_empty());
    world.finish();
}

/// Proves VM-06 by phone: the messages of a queue are heard by its members, and by nobody else.
#[test]
fn members_hear_the_messages_of_their_queue() {
    let mut settings = centre();
    change(&mut settings, |queue| _ = queue.members.remove(&"10002".parse().unwrap()));
    let mut world = queues::with(settings);
    world.play("0ms alice > INVITE *987000\n0ms alice < 200\n0ms alice hears nothing");
    assert_eq!(world.boxes.last().unwrap().what, BoxOrder::Open("queue:support".parse().unwrap()));
    open(&mut world, 1, vec![message(5, false)]);
    world.play("0ms alice hears voicemail_you_have Number(1) voicemail_message");
    world.played("alice");
    give(&mut world, 5);
    world.play("1s alice > press 3\n1s alice hears voicemail_deleted");
    world.played("alice");
    world.play("0ms alice < BYE");
    assert_eq!(marks(&world), [HEARD, DELETED], "by the extension, not by the queue");
    // Bob's agent is no member, be it that he sits at another phone, or Alice's.
    let asked = world.boxes.len();
    world.play("0ms bob > INVITE *987000\n0ms bob < 403\n1s bob > INVITE *987001\n1s bob < 404");
    let at = SignIn { way: Way::Desk, extension: Some("1001".parse().unwrap()) };
    order(&mut world, "10002", AgentOrder::SignIn(at)).unwrap();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms alice > INVITE *987000\n0ms alice < 403 `!Warning`");
    assert_eq!(world.boxes.len(), asked);
    // Nor is a customer handed on to them.
    world.play("0ms bob > INVITE 1003\n0ms carol < INVITE\n0ms carol > 200\n0ms carol < ACK\n0ms bob < 200");
    world.play("1s carol > REFER *987000\n1s carol < 404\n2s carol > BYE\n2s bob < BYE");
    queues::close(world, &["10002"]);
}
