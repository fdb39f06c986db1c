//! Certificates by ACME, of an authority that is not ours: acme2certifier.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::authority::{Authority, KEY, KEY_ID};
use calls::digest::Hash;
use calls::openssl::{Secured, shown_name};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use calls::websocket::{Opening, Socket};
use serde_json::Value;

/// An authority has Python to start, and the server looks each five seconds.
const SOON: Duration = Duration::from_secs(40);
/// The authority gives this one a certificate, and refuses the other.
const GIVEN: &str = "pbx.test";
const REFUSED: &str = "branch.elsewhere.test";

fn sections(authority: &Authority) -> String {
    let (directory, ca) = (authority.directory(), authority.reached_by());
    format!(
        "[acme]\ndomains = [\"{GIVEN}\", \"{REFUSED}\"]\naccept_terms = true\ncontact = \"it@pbx.test\"\n\
         directory = \"{directory}\"\nca = {ca:?}\neab_key_id = \"{KEY_ID}\"\neab_key = \"{KEY}\"\n"
    )
}

/// How it stands with a name: when it is tried next, and why it failed last.
fn renewal(server: &Switchboard, name: &str) -> Result<(String, Option<String>)> {
    let shown = server.api()?.get("system")?;
    let renewals = shown["renewals"].as_array().context("no renewals")?;
    let one = renewals.iter().find(|one| one["name"] == name).with_context(|| format!("no {name} in {shown}"))?;
    let text = |key: &str| one[key].as_str().map(str::to_owned);
    Ok((text("next_at").context("no next_at")?, text("failure")))
}

/// The certificate of a name as the system page shows it.
fn certificate(server: &Switchboard, name: &str) -> Result<Option<Value>> {
    let shown = server.api()?.get("system")?["certificates"].clone();
    Ok(shown.as_array().context("no certificates")?.iter().find(|one| one["name"] == name).cloned())
}

/// A browser's phone, which believes this authority and asks for this name.
fn browser(server: &Switchboard, ca: &Path) -> Result<Phone> {
    let line = Secured::connect(server.https(), Some(GIVEN), Some(ca))?;
    Ok(Phone::websocket("1001", server.https(), Socket::open_secured(Opening::of(server.https()), line)?))
}

#[test]
fn an_authority_gives_a_certificate_that_is_renewed_while_connections_stay() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ports = Ports::take()?;
    let mut authority = Authority::make(folder.path(), ports.one()?, GIVEN)?;
    let mut server = Switchboard::start_on(ports, Setup { sections: sections(&authority), ..Setup::default() })?;

    // The authority is away: the self-signed certificate serves, and the page says why.
    let away = wait::until("the first failure", SOON, || Ok(renewal(&server, GIVEN)?.1))?;
    ensure!(away.starts_with("the authority is away: "), "{away}");
    drop(Secured::connect(server.https(), Some("localhost"), Some(&server.certificate()))?);
    ensure!(shown_name(server.https(), GIVEN)? == "Switchboard");

    authority.start(server.https())?;
    server.signal("HUP")?;
    wait::until("the certificate", SOON, || Ok((shown_name(server.https(), GIVEN)? == GIVEN).then_some(())))?;
    // HTTPS, SIP over TLS and WSS have it, also for who names no host.
    let mut phone = browser(&server, &authority.root())?;
    phone.register(PASSWORD, Hash::Sha256)?;
    let line = Secured::connect(server.tls(), None, Some(&authority.root()))?;
    Phone::tls("1002", server.tls(), line).register(PASSWORD, Hash::Sha256)?;
    let first = certificate(&server, GIVEN)?.context("it is shown")?;
    ensure!(first["issuer"] == "CN=ca" && first["self_signed"] == false, "{first}");
    ensure!(first["days_left"].as_i64().is_some_and(|days| days > 360), "{first}");
    ensure!(server.api()?.metric("switchboard_acme_tries_total{result=\"issued\"}")? >= 1.0);
    let expires = format!("switchboard_certificate_expires_timestamp_seconds{{name=\"{GIVEN}\"}}");
    ensure!(server.api()?.metric(&expires)? > 1.8e9);

    // The other name is refused; that is told, and nothing else comes of it.
    let refused =
        wait::until("the refusal", SOON, || Ok(renewal(&server, REFUSED)?.1.filter(|why| why.contains("refuses"))))?;
    ensure!(certificate(&server, REFUSED)?.is_none() && server.log().contains("no certificate came"), "{refused}");

    // One that is soon over is replaced; who is there stays.
    let kept = server.data().join("tls/acme");
    authority.write_old(GIVEN, &kept.join(format!("{GIVEN}.pem")))?;
    wait::until("the renewal", SOON, || {
        let now = certificate(&server, GIVEN)?.context("it is shown")?;
        Ok((now["not_before"].as_str() > first["not_before"].as_str()).then_some(()))
    })?;
    phone.register(PASSWORD, Hash::Sha256)?;
    browser(&server, &authority.root())?.register(PASSWORD, Hash::Sha256)?;
    for entry in std::fs::read_dir(&kept)? {
        let entry = entry?;
        ensure!(entry.metadata()?.permissions().mode() & 0o777 == 0o600, "{entry:?}");
    }

    // A restart asks for nothing that is there, and not again for what was just refused.
    let (next, _) = renewal(&server, REFUSED)?;
    server.stop()?;
    drop(authority);
    server.start_again()?;
    ensure!(shown_name(server.https(), GIVEN)? == GIVEN);
    ensure!(renewal(&server, GIVEN)?.1.is_none() && renewal(&server, REFUSED)? == (next, Some(refused)));
    Ok(())
}
