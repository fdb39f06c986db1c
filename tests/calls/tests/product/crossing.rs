//! Messages that cross on the way, or come faster than one thinks.

use std::time::Instant;

use anyhow::{Result, ensure};
use calls::party::{Party, up};
use calls::sipp::Sipp;
use calls::switchboard::{PASSWORD, Switchboard};

#[test]
fn a_cancel_that_crosses_the_answer_ends_the_called_leg() -> Result<()> {
    let server = Switchboard::start()?;
    let bob = Sipp::scenario(server.ports(), "answer_crossing_cancel")?.as_user("1002", PASSWORD);
    let binding = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD);
    binding.at(bob.local()).play(server.folder())?;
    let running = bob.start(server.folder())?;
    let alice = Sipp::scenario(server.ports(), "call_cancelled")?.to(server.sip()).as_user("1001", PASSWORD);
    alice.dialling("1002").play(server.folder())?;
    // It was acknowledged, and hung up on.
    running.finish()?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "cancelled" && record["ended_by"] == "caller", "{record}");
    ensure!(record["answered_at"].is_null(), "{record}");
    Ok(())
}

#[test]
fn a_bye_in_the_instant_of_the_ack_is_not_lost() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    alice.call(&mut calling)?;
    let invite = bob.phone.expect("INVITE")?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    alice.phone.hang_up(&mut calling)?;
    bob.phone.expect("ACK")?;
    let bye = bob.phone.expect("BYE")?;
    bob.phone.reply(&bye, "200 OK", "")?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "caller", "{record}");
    ensure!(!record["answered_at"].is_null(), "{record}");
    Ok(())
}

#[test]
fn a_reinvite_and_a_bye_cross_without_harm() -> Result<()> {
    let server = Switchboard::start()?;
    let mut call = up(&server)?;
    // Bob hangs up while Alice holds: whichever comes first, both are answered and the call is over.
    let hold = call.alice.sdp(2, "sendonly");
    call.bob.phone.request(&mut call.called, "BYE", &[], "")?;
    let via = call.alice.phone.request(&mut call.calling, "INVITE", &[], &hold)?;
    call.bob.phone.expect("200 BYE")?;
    let mut held = None;
    let mut left = false;
    while held.is_none() || !left {
        match call.alice.phone.expect_one_of(&["BYE", "200 INVITE", "481 INVITE"])? {
            bye if bye.method() == "BYE" => {
                call.alice.phone.reply(&bye, "200 OK", "")?;
                left = true;
            }
            answer if answer.status() == Some(200) => {
                call.alice.phone.ack(&mut call.calling, &answer, "")?;
                held = Some(answer);
            }
            answer => {
                call.alice.phone.ack_failure(&call.calling, &via, &answer)?;
                held = Some(answer);
            }
        }
    }
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "callee", "{record}");
    Ok(())
}
