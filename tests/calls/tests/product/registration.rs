//! Phones register, and nobody else does.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{Baresip, Setup};
use calls::chirp::Voice;
use calls::digest::{Answer, Hash, parameter};
use calls::phone::Phone;
use calls::sipp::Sipp;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;

const SOON: Duration = Duration::from_secs(10);

/// The extensions that the API shows as registered, sorted.
fn registered(server: &Switchboard) -> Result<Vec<String>> {
    let list = server.api()?.list("registrations")?;
    let mut numbers: Vec<String> = list.iter().filter_map(|r| r["extension"].as_str().map(str::to_owned)).collect();
    numbers.sort();
    Ok(numbers)
}

fn wait_for_registered(server: &Switchboard, wanted: &[&str]) -> Result<()> {
    wait::until("registrations in the API", SOON, || Ok((registered(server)? == wanted).then_some(())))
}

#[test]
fn phones_register_with_either_hash_over_udp_and_tcp() -> Result<()> {
    let server = Switchboard::start()?;
    let mut one = Phone::udp(server.ports(), "1001", server.sip())?;
    one.register(PASSWORD, Hash::Sha256)?;
    let mut two = Phone::tcp("1002", server.sip())?;
    two.register(PASSWORD, Hash::Md5)?;
    Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1003", PASSWORD).play(server.folder())?;
    wait_for_registered(&server, &["1001", "1002", "1003"])?;

    one.register_for(PASSWORD, Hash::Sha256, 0)?;
    wait_for_registered(&server, &["1002", "1003"])
}

#[test]
fn sipp_registers_over_tcp() -> Result<()> {
    let server = Switchboard::start()?;
    let phone = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1001", PASSWORD).over_tcp();
    phone.play(server.folder())?;
    Ok(())
}

#[test]
fn baresip_registers_over_udp_and_tcp() -> Result<()> {
    let server = Switchboard::start()?;
    let udp = Setup::registered("1001", PASSWORD, server.sip(), Voice::Low);
    let tcp = Setup { tcp: true, ..Setup::registered("1002", PASSWORD, server.sip(), Voice::High) };
    let _one = Baresip::start(server.ports(), server.folder(), &udp)?;
    let _two = Baresip::start(server.ports(), server.folder(), &tcp)?;
    wait_for_registered(&server, &["1001", "1002"])
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_the_same_answer() -> Result<()> {
    let server = Switchboard::start()?;
    let mut answers = Vec::new();
    for (user, password) in [("1001", "wrong"), ("9999", PASSWORD)] {
        let mut phone = Phone::udp(server.ports(), user, server.sip())?;
        let refused = phone.register(password, Hash::Sha256);
        ensure!(refused.is_err(), "{user} registered with {password}");
        let told = phone.told();
        let last = told.lines().last().unwrap_or_default();
        answers.push(last.split_once("<-").context("no answer at all")?.1.to_owned());
    }
    ensure!(answers[0] == answers[1], "{answers:?}");
    ensure!(registered(&server)?.is_empty());
    Ok(())
}

#[test]
fn a_captured_answer_to_a_challenge_is_good_once() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let uri = format!("sip:{}", server.sip());
    let request = |via: &str, contact: &str, cseq: u32, more: &str| {
        format!(
            "REGISTER {uri} SIP/2.0\nVia: {via}\nMax-Forwards: 70\nFrom: <sip:1001@h>;tag=r\nTo: <sip:1001@h>\nCall-ID: replay\nCSeq: {cseq} REGISTER\nContact: {contact}\n{more}\n"
        )
    };
    let text = request(&phone.via(), &phone.contact(), 1, "");
    phone.send(&text)?;
    let challenge = phone.expect("401 REGISTER")?;
    let answer = Answer { user: "1001", password: PASSWORD, method: "REGISTER", uri: &uri, count: 1 };
    let value = answer.to(&challenge.all("WWW-Authenticate"), Hash::Sha256)?;
    let more = format!("Authorization: {value}\n");
    let text = request(&phone.via(), &phone.contact(), 2, &more);
    phone.send(&text)?;
    phone.expect("200 REGISTER")?;
    let text = request(&phone.via(), "<sip:thief@127.0.0.9:9>", 3, &more);
    phone.send(&text)?;
    let refused = phone.expect("401 REGISTER")?;
    ensure!(parameter(refused.header("WWW-Authenticate"), "stale").as_deref() == Some("true"), "{refused:?}");
    ensure!(server.api()?.list("registrations")?.len() == 1);
    Ok(())
}

#[test]
fn too_brief_an_expiry_is_refused_with_the_least() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let refused = phone.register_for(PASSWORD, Hash::Sha256, 1);
    ensure!(refused.is_err_and(|error| error.to_string().contains("423 REGISTER")), "{}", phone.told());
    Ok(())
}

#[test]
fn a_source_of_failed_sign_ins_is_banned_and_can_be_let_in_again() -> Result<()> {
    let server = Switchboard::start_with(calls::switchboard::Setup {
        sections: "[limits]\nauth_failures = 3\n".into(),
        ..Default::default()
    })?;
    let address = std::net::SocketAddr::from(([127, 0, 0, 66], server.ports().one()?));
    let mut thief = Phone::udp_at(address, "1001", server.sip())?;
    for _ in 0..3 {
        ensure!(thief.register("guess", Hash::Sha256).is_err());
    }
    let api = server.api()?;
    let bans = wait::until("the ban", SOON, || Ok(Some(api.list("bans")?).filter(|bans| !bans.is_empty())))?;
    ensure!(bans[0]["address"] == "127.0.0.66", "{bans:?}");
    let mut honest = Phone::udp(server.ports(), "1001", server.sip())?;
    honest.register(PASSWORD, Hash::Sha256)?;
    let lifted = api.delete("bans/127.0.0.66")?;
    ensure!(lifted.status == 204, "{lifted:?}");
    let mut thief =
        Phone::udp_at(std::net::SocketAddr::from(([127, 0, 0, 66], server.ports().one()?)), "1001", server.sip())?;
    thief.register(PASSWORD, Hash::Sha256)?;
    Ok(())
}
