//! Many calls in a row.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::browser::{Browser, sine};
use calls::g711::Law;
use calls::party::{Party, wait_for_packets};
use calls::sdp;
use calls::switchboard::Switchboard;
use calls::wait;
use serde_json::json;

use super::{BROWSER_HZ, FAR_HZ, on_websocket, server};

const PATIENCE: Duration = Duration::from_secs(20);
/// Until all caches and pools have what they keep.
const WARM_UP: usize = 6;
const CALLS: usize = 20;
/// What the server may grow by over all those calls, whose records and ladders it has yet to write: it grows by 600 to 900.
const GROWTH_MAX_KIB: u64 = 1_536;

/// What must be as it was when all calls have ended.
const GAUGES: [&str; 14] = [
    "switchboard_calls",
    "switchboard_endpoints",
    "switchboard_rtp_ports_free",
    "switchboard_transactions_pending",
    "switchboard_recordings_running",
    "switchboard_timers",
    "switchboard_registrations",
    "switchboard_sip_connections",
    "switchboard_media_endpoints",
    "switchboard_media_browsers",
    "switchboard_media_browser_fragments",
    "switchboard_media_browser_addresses",
    "switchboard_media_players",
    "switchboard_media_recorders",
];

fn gauges(server: &Switchboard) -> Result<Vec<(&'static str, f64)>> {
    let api = server.api()?;
    GAUGES.into_iter().map(|name| Ok((name, api.metric(name)?))).collect()
}

/// One call with audio both ways; who calls and who hangs up changes.
fn call(nth: usize, browser: &mut Browser, far: &mut Party) -> Result<()> {
    let from_the_page = nth.is_multiple_of(2);
    let (mut dialog, description) = if from_the_page {
        browser.tell("call", json!({"to": "sip:1002@127.0.0.1"}))?;
        let invite = far.phone.expect("INVITE")?;
        far.phone.reply(&invite, "200 OK", &far.sdp(1, "sendrecv"))?;
        far.phone.expect("ACK")?;
        (far.phone.dialog_of(&invite), invite.body)
    } else {
        let mut calling = far.phone.dialog_to("1001");
        far.call(&mut calling)?;
        browser.expect("incoming")?;
        browser.tell("answer", json!({}))?;
        far.phone.expect("180 INVITE")?;
        let ok = far.phone.expect("200 INVITE")?;
        far.phone.ack(&mut calling, &ok, "")?;
        (calling, ok.body)
    };
    browser.expect("confirmed")?;
    far.media.speak(sdp::audio_address(&description)?, Law::Mu, &sine(8_000, FAR_HZ, 8_000 * 30))?;
    browser.hears(FAR_HZ, BROWSER_HZ)?;
    wait_for_packets(&far.media, far.media.heard().len() + 10)?;
    if nth % 4 < 2 {
        browser.tell("hang_up", json!({}))?;
        let bye = far.phone.expect("BYE")?;
        far.phone.reply(&bye, "200 OK", "")?;
    } else {
        far.phone.hang_up(&mut dialog)?;
    }
    browser.expect("ended")?;
    far.media.hush();
    Ok(())
}

#[test]
fn twenty_calls_in_a_row_leave_nothing_behind() -> Result<()> {
    let server = server()?;
    let mut browser = on_websocket(&server)?;
    let mut far = Party::new(&server, "1002", Instant::now())?;
    let before = gauges(&server)?;
    for nth in 0..WARM_UP {
        call(nth, &mut browser, &mut far).with_context(|| format!("call {nth} of the warm-up"))?;
    }
    server.ended_calls(WARM_UP)?;
    let warm_kib = server.resident_kib()?;
    for nth in 0..CALLS {
        call(nth, &mut browser, &mut far).with_context(|| format!("call {nth}"))?;
    }
    let records = server.ended_calls(WARM_UP + CALLS)?;
    ensure!(records.iter().all(|record| record["cause"] == "normal"), "{records:?}");
    let mut after = Vec::new();
    let settled = wait::until("the gauges to be as before", PATIENCE, || {
        after = gauges(&server)?;
        Ok((after == before).then_some(()))
    });
    settled.with_context(|| format!("before: {before:?}\nafter: {after:?}"))?;
    let grown_kib = server.resident_kib()?.saturating_sub(warm_kib);
    ensure!(grown_kib <= GROWTH_MAX_KIB, "the server grew by {grown_kib} KiB from {warm_kib}");
    let taken = browser.tell("taken", json!({}))?;
    let all = json!({"connections": [WARM_UP + CALLS, 0], "microphones": [WARM_UP + CALLS, 0]});
    ensure!(taken == all, "the page keeps {taken}");
    Ok(())
}
