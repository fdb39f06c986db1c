//! Tables that are full.

use sip::flow::Transport;
use sip::transaction::{Config, Limits};

use crate::ladder::{World, run};

fn small() -> World {
    let limits = Limits { pending_server: 4, pending_client: 1, finished: 2, ..Limits::default() };
    World::new(Transport::Udp, Config { limits, ..Config::default() })
}

#[test]
fn new_request_above_the_limit_gets_503_and_leaves_nothing_but_a_dialog_goes_on() {
    let world = run(
        small(),
        "0ms    > OPTIONS branch=1 from=1
         0ms    = OPTIONS
         0ms    > OPTIONS branch=2 from=2
         0ms    = OPTIONS
         0ms    > OPTIONS branch=3 from=3
         0ms    = OPTIONS
         0ms    > OPTIONS branch=4 from=4
         0ms    = OPTIONS
         0ms    > INVITE branch=5 from=5
         0ms    < 503 INVITE
         1ms    > INVITE branch=5 from=5
         1ms    < 503 INVITE
         2ms    > BYE branch=6 to=b
         2ms    = BYE
         2ms    > INFO branch=7 to=b
         2ms    < 503 INFO b
         2ms    ! 200
         2ms    < 200 BYE b
         3ms    > CANCEL branch=8
         3ms    < 481 CANCEL
         3.5s   < 100 OPTIONS
         3.5s   < 100 OPTIONS
         3.5s   < 100 OPTIONS
         3.5s   < 100 OPTIONS
         32s    = server ended
         32s    = server ended
         32s    = server ended
         32s    = server ended
         32.002s = server ended
         32.003s = server ended
         33s    end",
    );
    assert_eq!(world.transactions.counters().refused, 3);
    assert!(world.transactions.is_empty());
}

#[test]
fn finished_above_the_limit_leave_early_the_next_to_end_first() {
    let world = run(
        small(),
        "0ms    > OPTIONS branch=1 from=1
         0ms    = OPTIONS
         0ms    ! 200 to=a
         0ms    < 200 OPTIONS a
         1ms    > OPTIONS branch=2 from=2
         1ms    = OPTIONS
         1ms    ! 200 to=a
         1ms    < 200 OPTIONS a
         2ms    > OPTIONS branch=3 from=3
         2ms    = OPTIONS
         2ms    ! 200 to=a
         2ms    < 200 OPTIONS a
         2ms    = server ended
         3ms    > OPTIONS branch=2 from=2
         3ms    < 200 OPTIONS a
         4ms    > OPTIONS branch=1 from=1
         4ms    = OPTIONS
         4ms    ! 200 to=n
         4ms    < 200 OPTIONS n
         4ms    = server ended
         32.002s = server ended
         32.004s = server ended
         33s    end",
    );
    assert_eq!(world.transactions.counters().evicted, 2);
    assert!(world.transactions.is_empty());
}

#[test]
fn request_of_ours_above_the_limit_is_not_sent() {
    let world = run(
        small(),
        "0ms    ! OPTIONS
         0ms    < OPTIONS
         0ms    ! INVITE
         0ms    = too many requests are waiting for an answer, try later
         1ms    > 200 OPTIONS to=a
         1ms    = 200 OPTIONS a
         2ms    ! INVITE
         2ms    < INVITE
         3ms    > 404 INVITE to=a
         3ms    < ACK
         3ms    = 404 INVITE a
         5.001s = client ended
         32.003s = client ended
         33s    end",
    );
    assert!(world.transactions.is_empty());
}

#[test]
fn ack_of_a_503_without_a_transaction_is_absorbed() {
    let limits = Limits { pending_server: 0, ..Limits::default() };
    let mut world = World::new(Transport::Udp, Config { limits, ..Config::default() });
    world = run(
        world,
        "0ms    > INVITE
         0ms    < 503 INVITE",
    );
    world.acknowledge_last_response();
    assert!(world.transactions.poll_output().is_none());
    assert!(world.transactions.is_empty());
}
