//! A phone calls the browser.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::browser::{Browser, sine};
use calls::g711::Law;
use calls::party::Party;
use calls::phone::Dialog;
use calls::sdp;
use calls::wait;
use serde_json::json;

use super::{BROWSER_HZ, FAR_HZ, far_end_hears, on_websocket, server};

/// 1002 calls until the page rings; its dialog and the Via of its INVITE.
fn ring(far: &mut Party, browser: &mut Browser) -> Result<(Dialog, String)> {
    let mut calling = far.phone.dialog_to("1001");
    let via = far.call(&mut calling)?;
    let incoming = browser.expect("incoming")?;
    ensure!(incoming["from"] == "1002" && incoming["resumed"].is_null(), "{incoming}");
    far.phone.expect("180 INVITE")?;
    Ok((calling, via))
}

#[test]
fn a_browser_answers_a_phone_and_each_hears_the_other_until_either_hangs_up() -> Result<()> {
    let server = server()?;
    let mut browser = on_websocket(&server)?;
    for is_ended_by_the_page in [false, true] {
        let mut far = Party::new(&server, "1002", Instant::now())?;
        let (mut calling, _) = ring(&mut far, &mut browser)?;
        browser.tell("answer", json!({}))?;
        let ok = far.phone.expect("200 INVITE")?;
        far.phone.ack(&mut calling, &ok, "")?;
        browser.expect("confirmed")?;
        far.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &sine(8_000, FAR_HZ, 8_000 * 60))?;
        browser.hears(FAR_HZ, BROWSER_HZ)?;
        wait::until("the browser", Duration::from_secs(10), || Ok(far_end_hears(&far).ok()))?;
        if is_ended_by_the_page {
            browser.tell("hang_up", json!({}))?;
            let bye = far.phone.expect("BYE")?;
            far.phone.reply(&bye, "200 OK", "")?;
        } else {
            far.phone.hang_up(&mut calling)?;
        }
        browser.expect("ended")?;
    }
    let records = server.ended_calls(2)?;
    ensure!(records.iter().all(|record| record["cause"] == "normal"), "{records:?}");
    Ok(())
}

#[test]
fn a_browser_refuses_a_phone_and_stops_ringing_when_the_caller_gives_up() -> Result<()> {
    let server = server()?;
    let mut browser = on_websocket(&server)?;
    let mut far = Party::new(&server, "1002", Instant::now())?;
    for (status, heard) in [(486, "486 INVITE"), (603, "603 INVITE")] {
        let (calling, via) = ring(&mut far, &mut browser)?;
        browser.tell("refuse", json!({"status": status}))?;
        let refused = far.phone.expect(heard)?;
        far.phone.ack_failure(&calling, &via, &refused)?;
        browser.expect("failed-call")?;
    }
    let (calling, via) = ring(&mut far, &mut browser)?;
    far.phone.cancel(&calling, &via)?;
    far.phone.expect("200 CANCEL")?;
    let terminated = far.phone.expect("487 INVITE")?;
    far.phone.ack_failure(&calling, &via, &terminated)?;
    let cancelled = browser.expect("failed-call")?;
    ensure!(cancelled["cause"] == "Canceled", "{cancelled}");
    let records = server.ended_calls(3)?;
    let causes: Vec<_> = records.iter().map(|record| record["cause"].as_str().unwrap_or_default()).collect();
    ensure!(causes == ["busy", "rejected", "cancelled"], "{causes:?}");
    Ok(())
}

/// Proves CALL-11 (a page answers by itself where its agent wants that, and rings where he does not).
#[test]
fn the_page_of_an_agent_answers_by_itself_where_he_wants_that() -> Result<()> {
    let server = server()?;
    let api = server.api()?;
    let mut browser = on_websocket(&server)?;
    let mut far = Party::new(&server, "1002", Instant::now())?;
    let rules = |auto_answer: bool| json!({"extension": "1001", "after_call": "ready", "auto_answer": auto_answer});
    for auto_answer in [false, true] {
        let set = api.put("agents/10001", &rules(auto_answer))?;
        ensure!(set.status == 200, "{}", set.json());
        if !auto_answer {
            let signed_in = api.post("agents/10001/sign-in", &json!({"way": "web", "extension": "1001"}))?;
            ensure!(signed_in.status == 204, "{}", signed_in.json());
        }
        let mut calling = far.phone.dialog_to("1001");
        far.call(&mut calling)?;
        let incoming = browser.expect("incoming")?;
        ensure!(incoming["at_once"] == auto_answer && incoming["resumed"].is_null(), "{incoming}");
        far.phone.expect("180 INVITE")?;
        if !auto_answer {
            browser.tell("answer", json!({}))?;
        }
        let ok = far.phone.expect_within("200 INVITE", Duration::from_secs(20))?;
        far.phone.ack(&mut calling, &ok, "")?;
        browser.expect("confirmed")?;
        far.phone.hang_up(&mut calling)?;
        browser.expect("ended")?;
    }
    Ok(())
}
