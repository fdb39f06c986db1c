//! Client transactions.

use crate::ladder::{check, check_tcp};

#[test]
fn invite_is_retransmitted_until_timer_b() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         500ms  < INVITE
         1.5s   < INVITE
         3.5s   < INVITE
         7.5s   < INVITE
         15.5s  < INVITE
         31.5s  < INVITE
         32s    = timed out
         33s    end",
    );
    check_tcp(
        "0ms    ! INVITE
         0ms    < INVITE
         32s    = timed out
         33s    end",
    );
}

#[test]
fn provisional_response_ends_retransmission() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         500ms  < INVITE
         600ms  > 100 INVITE
         600ms  = 100 INVITE
         1s     > 180 INVITE to=a
         1s     = 180 INVITE a
         40s    > 200 INVITE to=a
         40s    = 200 INVITE a
         40s    ! ack to=a
         40s    < ACK
         72s    = client ended
         72s    end",
    );
}

#[test]
fn failure_is_acknowledged_each_time_it_comes() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 486 INVITE to=a
         10ms   < ACK
         10ms   = 486 INVITE a
         500ms  > 486 INVITE to=a
         500ms  < ACK
         32.01s = client ended
         33s    > 486 INVITE to=a
         33s    end",
    );
    check_tcp(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 486 INVITE to=a
         10ms   < ACK
         10ms   = 486 INVITE a
         10ms   = client ended
         10ms   end",
    );
}

#[test]
fn success_that_comes_again_gets_the_same_ack() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 200 INVITE to=a
         10ms   = 200 INVITE a
         15ms   > 200 INVITE to=a
         20ms   ! ack to=a
         20ms   < ACK
         500ms  > 200 INVITE to=a
         500ms  < ACK
         1s     > 180 INVITE to=a
         1s     > 486 INVITE to=c
         32.01s = client ended
         33s    end",
    );
}

#[test]
fn each_fork_that_accepts_is_told_and_acknowledged_by_itself() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 180 INVITE to=a
         10ms   = 180 INVITE a
         20ms   > 180 INVITE to=b
         20ms   = 180 INVITE b
         30ms   > 200 INVITE to=a
         30ms   = 200 INVITE a
         30ms   ! ack to=a
         30ms   < ACK
         40ms   > 200 INVITE to=b
         40ms   = 200 INVITE b
         41ms   > 200 INVITE to=a
         41ms   < ACK
         42ms   > 200 INVITE to=b
         50ms   ! ack to=b
         50ms   < ACK
         60ms   > 200 INVITE to=b
         60ms   < ACK
         32.03s = client ended
         33s    end",
    );
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         100ms  ! cancel
         500ms  < INVITE
         600ms  > 100 INVITE
         600ms  = 100 INVITE
         600ms  < CANCEL
         700ms  > 200 CANCEL
         710ms  > 487 INVITE to=a
         710ms  < ACK
         710ms  = 487 INVITE a
         32.71s = client ended
         33s    end",
    );
}

#[test]
fn cancel_goes_at_once_after_a_provisional_response() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 180 INVITE to=a
         10ms   = 180 INVITE a
         100ms  ! cancel
         100ms  < CANCEL
         110ms  ! cancel
         600ms  < CANCEL
         700ms  > 200 CANCEL
         710ms  > 487 INVITE to=a
         710ms  < ACK
         710ms  = 487 INVITE a
         32.71s = client ended
         33s    end",
    );
}

#[test]
fn cancel_without_an_answer_is_over_after_64_t1() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         0ms    > 180 INVITE to=a
         0ms    = 180 INVITE a
         0ms    ! cancel
         0ms    < CANCEL
         500ms  < CANCEL
         1.5s   < CANCEL
         2s     > 200 CANCEL
         32s    = timed out
         33s    end",
    );
}

#[test]
fn cancel_of_an_invite_nobody_hears_times_out_with_it() {
    check_tcp(
        "0ms    ! INVITE
         0ms    < INVITE
         1s     ! cancel
         32s    = timed out
         33s    end",
    );
}

#[test]
fn success_that_crosses_the_cancel_is_handed_up() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         10ms   > 180 INVITE to=a
         10ms   = 180 INVITE a
         20ms   ! cancel
         20ms   < CANCEL
         25ms   > 200 INVITE to=a
         25ms   = 200 INVITE a
         25ms   ! ack to=a
         25ms   < ACK
         30ms   > 200 CANCEL
         32.025s = client ended
         33s    end",
    );
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         20ms   ! cancel
         25ms   > 200 INVITE to=a
         25ms   = 200 INVITE a
         25ms   ! ack to=a
         25ms   < ACK
         26ms   ! cancel
         32.025s = client ended
         33s    end",
    );
}

#[test]
fn late_2xx_after_the_end_is_a_stray() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         0ms    > 180 INVITE to=a
         0ms    = 180 INVITE a
         0ms    ! cancel
         0ms    < CANCEL
         100ms  > 200 CANCEL
         32s    = timed out
         33s    > 200 INVITE to=a
         33s    = stray 200 INVITE a
         34s    > 486 INVITE to=a
         34s    end",
    );
}

#[test]
fn endless_ringing_is_cancelled_by_timer_c_which_each_response_renews() {
    check_tcp(
        "0ms    ! INVITE
         0ms    < INVITE
         0ms    > 180 INVITE to=a
         0ms    = 180 INVITE a
         100s   > 180 INVITE to=a
         100s   = 180 INVITE a
         285s   < CANCEL
         286s   > 200 CANCEL
         286s   > 487 INVITE to=a
         286s   < ACK
         286s   = 487 INVITE a
         286s   = client ended
         286s   end",
    );
}

#[test]
fn other_request_is_retransmitted_until_timer_f() {
    check(
        "0ms    ! OPTIONS
         0ms    < OPTIONS
         500ms  < OPTIONS
         1.5s   < OPTIONS
         3.5s   < OPTIONS
         7.5s   < OPTIONS
         11.5s  < OPTIONS
         15.5s  < OPTIONS
         19.5s  < OPTIONS
         23.5s  < OPTIONS
         27.5s  < OPTIONS
         31.5s  < OPTIONS
         32s    = timed out
         33s    end",
    );
}

#[test]
fn other_request_is_retransmitted_each_t2_after_a_provisional_response() {
    check(
        "0ms    ! OPTIONS
         0ms    < OPTIONS
         100ms  > 100 OPTIONS
         100ms  = 100 OPTIONS
         500ms  < OPTIONS
         4.5s   < OPTIONS
         8s     > 200 OPTIONS to=a
         8s     = 200 OPTIONS a
         8.5s   > 200 OPTIONS to=a
         13s    = client ended
         14s    > 200 OPTIONS to=a
         14s    end",
    );
}

#[test]
fn other_request_on_tcp_leaves_nothing() {
    check_tcp(
        "0ms    ! OPTIONS
         0ms    < OPTIONS
         9s     > 200 OPTIONS to=a
         9s     = 200 OPTIONS a
         9s     = client ended
         9s     end",
    );
}

#[test]
fn broken_transport_fails_what_waits_and_nothing_else() {
    check(
        "0ms    ! INVITE
         0ms    < INVITE
         1ms    ! broken
         1ms    = client transport error
         2ms    ! OPTIONS
         2ms    < OPTIONS
         3ms    ! broken
         3ms    = client transport error
         4ms    ! OPTIONS
         4ms    < OPTIONS
         5ms    > 200 OPTIONS to=a
         5ms    = 200 OPTIONS a
         6ms    ! broken
         5.005s = client ended
         6s     end",
    );
}

#[test]
fn ack_and_cancel_are_no_requests() {
    check(
        "0ms    ! ACK
         0ms    = an ACK or CANCEL is not sent as a request, use send_ack or cancel
         0ms    ! CANCEL
         0ms    = an ACK or CANCEL is not sent as a request, use send_ack or cancel
         0ms    end",
    );
}
