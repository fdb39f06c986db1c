//! Server transactions.

use crate::ladder::{check, check_tcp};

#[test]
fn invite_is_answered_and_acknowledged() {
    check(
        "0ms   > INVITE
         0ms   = INVITE
         10ms  ! 180 to=b
         10ms  < 180 INVITE b
         2s    ! 200 to=b
         2s    < 200 INVITE b
         2.1s  > ACK branch=2 to=b
         2.1s  = ACK
         34s   = server ended
         34s   end",
    );
}

#[test]
fn invite_without_an_answer_gets_100_after_200_ms() {
    check(
        "0ms   > INVITE
         0ms   = INVITE
         200ms < 100 INVITE
         500ms > INVITE
         500ms < 100 INVITE
         1s    ! 180 to=b
         1s    < 180 INVITE b
         1.5s  > INVITE
         1.5s  < 180 INVITE b
         2s    ! 486 to=b
         2s    < 486 INVITE b
         2.1s  > ACK to=b
         7.1s  = server ended
         7.1s  end",
    );
}

#[test]
fn invite_that_comes_again_at_once_gets_100_at_once() {
    check(
        "0ms   > INVITE
         0ms   = INVITE
         50ms  > INVITE
         50ms  < 100 INVITE
         300ms ! 603 to=b
         300ms < 603 INVITE b
         300ms > ACK to=b
         5.3s  = server ended
         5.3s  end",
    );
}

#[test]
fn failure_is_retransmitted_until_its_ack_and_then_absorbs() {
    check(
        "0ms   > INVITE
         0ms   = INVITE
         0ms   ! 486 to=b
         0ms   < 486 INVITE b
         500ms < 486 INVITE b
         1.5s  < 486 INVITE b
         3.5s  < 486 INVITE b
         4s    > INVITE
         4s    < 486 INVITE b
         7.5s  < 486 INVITE b
         8s    > ACK to=b
         8.1s  > ACK to=b
         9s    > INVITE
         13s   = server ended
         13s   end",
    );
}

#[test]
fn failure_without_an_ack_ends_after_timer_h() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 404 to=b
         0ms    < 404 INVITE b
         500ms  < 404 INVITE b
         1.5s   < 404 INVITE b
         3.5s   < 404 INVITE b
         7.5s   < 404 INVITE b
         11.5s  < 404 INVITE b
         15.5s  < 404 INVITE b
         19.5s  < 404 INVITE b
         23.5s  < 404 INVITE b
         27.5s  < 404 INVITE b
         31.5s  < 404 INVITE b
         32s    = ack missing
         33s    end",
    );
}

#[test]
fn success_is_retransmitted_until_its_ack_on_tcp_too() {
    let ladder = "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 200 to=b
         0ms    < 200 INVITE b
         500ms  < 200 INVITE b
         1.5s   < 200 INVITE b
         3.5s   < 200 INVITE b
         7.5s   < 200 INVITE b
         8s     > ACK branch=2 to=b
         8s     = ACK
         8.1s   > ACK branch=2 to=b
         32s    = server ended
         33s    end";
    check(ladder);
    check_tcp(ladder);
}

#[test]
fn success_without_an_ack_is_told_after_64_t1() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 200 to=b
         0ms    < 200 INVITE b
         500ms  < 200 INVITE b
         1.5s   < 200 INVITE b
         3.5s   < 200 INVITE b
         7.5s   < 200 INVITE b
         11.5s  < 200 INVITE b
         15.5s  < 200 INVITE b
         19.5s  < 200 INVITE b
         23.5s  < 200 INVITE b
         27.5s  < 200 INVITE b
         31.5s  < 200 INVITE b
         32s    = ack missing
         33s    end",
    );
}

#[test]
fn tu_may_say_that_the_ack_came() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 200 to=b
         0ms    < 200 INVITE b
         100ms  ! acked
         32s    = server ended
         33s    end",
    );
}

#[test]
fn invite_after_its_200_is_absorbed() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 200 to=b
         0ms    < 200 INVITE b
         400ms  > INVITE
         450ms  > ACK branch=2 to=b
         450ms  = ACK
         1s     > INVITE
         32s    = server ended
         33s    end",
    );
}

#[test]
fn request_is_answered_once_finally() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 486 to=b
         0ms    < 486 INVITE b
         1ms    ! 200 to=b
         1ms    = the request was already answered finally
         2ms    ! 180 to=b
         2ms    = the request was already answered finally
         3ms    > ACK to=b
         5.003s = server ended
         6s     ! 200 to=b
         6s     = the transaction is over
         6s     end",
    );
}

#[test]
fn failure_on_tcp_is_sent_once() {
    check_tcp(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 486 to=b
         0ms    < 486 INVITE b
         5s     > ACK to=b
         5s     = server ended
         5s     end",
    );
}

#[test]
fn other_request_is_answered_from_the_stored_response() {
    check(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         500ms  > OPTIONS
         600ms  ! 200 to=b
         600ms  < 200 OPTIONS b
         1.5s   > OPTIONS
         1.5s   < 200 OPTIONS b
         32.6s  = server ended
         33s    > OPTIONS
         33s    = OPTIONS
         33s    ! 200 to=c
         33s    < 200 OPTIONS c
         65s    = server ended
         65s    end",
    );
}

#[test]
fn other_request_on_tcp_leaves_nothing() {
    check_tcp(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         600ms  ! 200 to=b
         600ms  < 200 OPTIONS b
         600ms  = server ended
         600ms  end",
    );
}

/// RFC 4320 §4.1: a 100 when the client's timer E is T2, on every transport, and no 408 at the end.
#[test]
fn other_request_that_the_tu_forgets_gets_a_late_100_and_ends_by_itself() {
    check(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         500ms  > OPTIONS
         1.5s   > OPTIONS
         3.499s > OPTIONS
         3.5s   < 100 OPTIONS
         4s     > OPTIONS
         4s     < 100 OPTIONS
         32s    = server ended
         32s    end",
    );
    check_tcp(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         3.5s   < 100 OPTIONS
         32s    = server ended
         32s    end",
    );
}

#[test]
fn other_request_may_be_answered_after_its_100() {
    check(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         3.5s   < 100 OPTIONS
         20s    ! 200 to=b
         20s    < 200 OPTIONS b
         32s    > OPTIONS
         32s    < 200 OPTIONS b
         52s    = server ended
         52s    end",
    );
}

/// RFC 4320 §4.1, §4.2.
#[test]
fn other_request_is_never_answered_408_nor_provisionally_by_the_tu() {
    check(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         100ms  ! 100
         100ms  = a request that is no invite is answered finally only
         100ms  ! 180 to=b
         100ms  = a request that is no invite is answered finally only
         1s     ! 408 to=b
         1s     = server ended
         1s     end",
    );
}

#[test]
fn cancel_before_and_after_a_provisional_response() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         50ms   > CANCEL
         50ms   < 200 CANCEL
         50ms   = cancelled
         50ms   ! 487 to=b
         50ms   < 487 INVITE b
         60ms   > ACK to=b
         5.06s  = server ended
         32.05s = server ended
         33s    end",
    );
    check(
        "0ms    > INVITE
         0ms    = INVITE
         10ms   ! 180 to=b
         10ms   < 180 INVITE b
         50ms   > CANCEL
         50ms   < 200 CANCEL b
         50ms   = cancelled
         60ms   > CANCEL
         60ms   < 200 CANCEL b
         70ms   ! 487 to=b
         70ms   < 487 INVITE b
         80ms   > ACK to=b
         5.08s  = server ended
         32.05s = server ended
         33s    end",
    );
}

#[test]
fn cancel_that_crosses_the_200_has_no_effect() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         10ms   ! 200 to=b
         10ms   < 200 INVITE b
         20ms   > CANCEL
         20ms   < 200 CANCEL b
         30ms   > ACK branch=2 to=b
         30ms   = ACK
         32.01s = server ended
         32.02s = server ended
         33s    end",
    );
}

#[test]
fn cancel_of_nothing_gets_481() {
    check(
        "0ms    > CANCEL
         0ms    < 481 CANCEL
         10ms   > CANCEL
         10ms   < 481 CANCEL
         32s    = server ended
         33s    end",
    );
}

#[test]
fn ack_of_nothing_is_handed_up() {
    check(
        "0ms    > ACK to=b
         0ms    = stray ACK
         0ms    end",
    );
}

#[test]
fn same_request_by_another_path_is_merged() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 486 to=b
         0ms    < 486 INVITE b
         1ms    > INVITE branch=other
         1ms    = merged INVITE
         1ms    ! 482 to=m
         1ms    < 482 INVITE m
         2ms    > ACK branch=other to=m
         3ms    > ACK to=b
         5.002s = server ended
         5.003s = server ended
         6s     end",
    );
}

#[test]
fn same_numbers_from_another_caller_or_with_a_new_cseq_are_a_new_request() {
    check(
        "0ms    > OPTIONS
         0ms    = OPTIONS
         0ms    ! 200 to=b
         0ms    < 200 OPTIONS b
         1ms    > OPTIONS branch=2 from=other
         1ms    = OPTIONS
         1ms    ! 200 to=b
         1ms    < 200 OPTIONS b
         2ms    > OPTIONS branch=3 cseq=2
         2ms    = OPTIONS
         2ms    ! 200 to=b
         2ms    < 200 OPTIONS b
         3ms    > OPTIONS branch=4 cseq=2 to=inside
         3ms    = OPTIONS
         3ms    ! 200
         3ms    < 200 OPTIONS inside
         32s    = server ended
         32.001s = server ended
         32.002s = server ended
         32.003s = server ended
         33s    end",
    );
}

#[test]
fn client_of_rfc_2543_is_matched_without_a_branch() {
    check(
        "0ms    > INVITE rfc=2543 branch=
         0ms    = INVITE
         10ms   ! 486 to=b
         10ms   < 486 INVITE b
         20ms   > INVITE rfc=2543 branch=
         20ms   < 486 INVITE b
         30ms   > ACK rfc=2543 branch= to=b
         5.03s  = server ended
         5.03s  end",
    );
}

#[test]
fn request_without_hops_left_gets_483_unless_it_is_for_us() {
    check(
        "0ms    > INVITE hops=0
         0ms    < 483 INVITE
         1ms    > ACK
         5.001s = server ended
         6s     > OPTIONS hops=0 branch=2
         6s     = OPTIONS
         6s     ! 200 to=b
         6s     < 200 OPTIONS b
         7s     > BYE hops=0 to=b branch=3
         7s     = BYE
         7s     ! 200
         7s     < 200 BYE b
         38s    = server ended
         39s    = server ended
         39s    end",
    );
}

#[test]
fn response_goes_by_a_new_connection_when_the_first_is_gone() {
    check_tcp(
        "0ms    > INVITE
         0ms    = INVITE
         100ms  ! broken
         150ms  ! 180 to=b
         150ms  < 180 INVITE b at TCP 192.0.2.1:5060
         200ms  ! broken
         200ms  = server transport error
         300ms  ! 500 to=b
         300ms  < 500 INVITE b at TCP 192.0.2.1:5060
         32.3s  = ack missing
         33s    end",
    );
}

#[test]
fn answered_requests_do_not_mind_a_broken_transport() {
    check(
        "0ms    > INVITE
         0ms    = INVITE
         0ms    ! 200 to=b
         0ms    < 200 INVITE b
         1ms    > OPTIONS branch=2
         1ms    = OPTIONS
         2ms    ! broken
         2ms    = server transport error
         2ms    = server transport error
         3ms    ! 200 to=c
         3ms    = the transaction is over
         4ms    > ACK branch=3 to=b
         4ms    = ACK
         32s    = server ended
         32s    end",
    );
}
