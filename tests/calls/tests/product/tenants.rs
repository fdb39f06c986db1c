//! Two enterprises in one installation, with the same numbers, phones at the same addresses and one carrier between them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::digest::Hash;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
const OURS: &str = "ours.example";
const THEIRS: &str = "theirs.example";

/// A server with tenants `default` and `bank`, both with extensions 1001 and 1002 and a trunk to one carrier.
struct World {
    server: Switchboard,
    carrier: SocketAddr,
    ours: Api,
    theirs: Api,
    /// The SIP passwords of the bank's two phones.
    passwords: [String; 2],
}

impl World {
    fn open() -> Result<Self> {
        let ports = Ports::take()?;
        let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
        let mut server = Switchboard::start_on(ports, calls::switchboard::Setup::default())?;
        ensure!(
            server.command(&["tenant", "domains", "default", OURS]).is_err(),
            "domains are changed under a running server"
        );
        server.stop()?;
        server.command(&["tenant", "domains", "default", OURS])?;
        let said = server.command(&["tenant", "add", "bank", "--name", "Bank", "--domain", THEIRS])?;
        let first = said.trim().rsplit(' ').next().context("no password was printed")?.to_owned();
        server.start_again()?;
        let refused = Api::new(server.http()).post("session", &json!({"login": "admin", "password": PASSWORD}))?;
        ensure!(refused.json()["errors"][0]["field"] == "tenant", "whose administrator? {}", refused.json());
        let ours = Api::new(server.http()).sign_in_to("default", "admin", PASSWORD)?;
        let bank = || Api::new(server.http());
        let changed = json!({"old_password": first, "new_password": PASSWORD});
        let changed = bank().sign_in_to("bank", "admin", &first)?.post("session/password", &changed)?;
        ensure!(changed.status < 300, "{}", changed.json());
        let theirs = bank().sign_in_to("bank", "admin", PASSWORD)?;
        let phone = |number: &str| -> Result<String> {
            let made = theirs.post("extensions", &json!({"number": number, "record": true}))?;
            let password = made.json()["password"].as_str().map(str::to_owned);
            password.with_context(|| format!("no extension {number}: {}", made.json()))
        };
        let passwords = [phone("1001")?, phone("1002")?];
        for api in [&ours, &theirs] {
            let line = json!({"name": "line", "host": "127.0.0.2", "port": carrier.port(), "sources": ["127.0.0.2"]});
            let made = api.post("trunks", &line)?;
            ensure!(made.status == 201, "{}", made.json());
        }
        Ok(Self { server, carrier, ours, theirs, passwords })
    }

    fn phone(&self, number: &str, domain: &str) -> Result<Phone> {
        Ok(Phone::udp(self.server.ports(), number, self.server.sip())?.of_domain(domain))
    }

    /// Registered ones: ours 1001 and 1002, theirs 1001 and 1002.
    fn phones(&self) -> Result<[Phone; 4]> {
        let register = |number: &str, domain: &str, password: &str| -> Result<Phone> {
            let mut phone = self.phone(number, domain)?;
            phone.register(password, Hash::Sha256)?;
            Ok(phone)
        };
        Ok([
            register("1001", OURS, PASSWORD)?,
            register("1002", OURS, PASSWORD)?,
            register("1001", THEIRS, &self.passwords[0])?,
            register("1002", THEIRS, &self.passwords[1])?,
        ])
    }
}

/// `from` calls and `to` answers; both hang up.
fn talk(world: &World, from: &mut Phone, password: Option<&str>, number: &str, to: &mut Phone) -> Result<()> {
    let offer = |phone: &Phone| -> Result<String> {
        let address = SocketAddr::new(phone.local().ip(), world.server.ports().many(2)?);
        Ok(sdp::audio(address, "0", &[]))
    };
    let mut dialog = from.dialog_to(number);
    from.invite(&mut dialog, password, &offer(from)?)?;
    let invite = to.expect("INVITE")?;
    to.reply(&invite, "200 OK", &offer(to)?)?;
    to.expect("ACK")?;
    let ok = from.expect("200 INVITE")?;
    from.ack(&mut dialog, &ok, "")?;
    from.hang_up(&mut dialog)?;
    let bye = to.expect("BYE")?;
    to.reply(&bye, "200 OK", "")
}

/// The records of calls that ended, once there are so many.
fn records(api: &Api, count: usize) -> Result<Vec<Value>> {
    wait::until("call records", SOON, || {
        let list = api.list("call-records")?;
        let ended = list.iter().filter(|record| !record["ended_at"].is_null()).count();
        Ok((ended >= count).then_some(list))
    })
}

/// Proves GEN-02: the same numbers in two enterprises, and nothing of the one reaches the other, also after a crash.
#[test]
fn two_enterprises_share_a_server_and_nothing_else() -> Result<()> {
    let mut world = World::open()?;
    // A phone says by its domain whose it is, and proves it by that tenant's password.
    let stranger = world.phone("1001", THEIRS)?.register(PASSWORD, Hash::Sha256);
    ensure!(stranger.is_err(), "our password opens their extension");
    let nameless = Phone::udp(world.server.ports(), "1001", world.server.sip())?.register(PASSWORD, Hash::Sha256);
    ensure!(nameless.is_err(), "an address means no tenant where there are several");

    let [mut ours, mut ours_too, mut theirs, mut theirs_too] = world.phones()?;
    let theirs_password = world.passwords[0].clone();
    talk(&world, &mut ours, Some(PASSWORD), "1002", &mut ours_too)?;
    talk(&world, &mut theirs, Some(&theirs_password), "1002", &mut theirs_too)?;
    theirs_too.expect_nothing(Duration::from_millis(200))?;
    ours_too.expect_nothing(Duration::from_millis(200))?;

    // The carrier is the same for both: the number tells whose a call is, and no tenant takes another's.
    let route = |did: &str| json!({"name": "hotline", "direction": "inbound", "did": did, "to": "1001"});
    ensure!(world.ours.post("routes", &route("861000001"))?.status == 201);
    let stolen = world.theirs.post("routes", &route("861000001"))?;
    ensure!(stolen.json()["errors"][0]["field"] == "did", "{}", stolen.json());
    ensure!(world.theirs.post("routes", &route("861000002"))?.status == 201);
    let mut carrier = Phone::udp_at(world.carrier, "13800138000", world.server.sip())?;
    talk(&world, &mut carrier, None, "861000002", &mut theirs)?;
    talk(&world, &mut carrier, None, "861000001", &mut ours)?;

    let (mine, other) = (records(&world.ours, 2)?, records(&world.theirs, 2)?);
    ensure!(mine.len() == 2 && other.len() == 2, "{mine:?} {other:?}");
    for record in &other {
        let path = format!("call-records/{}", record["id"].as_str().unwrap_or_default());
        ensure!(world.theirs.fetch(&path, None)?.status == 200);
        ensure!(world.ours.fetch(&path, None)?.status == 404, "we read their {path}");
    }
    let seen = |api: &Api| -> Result<Vec<Value>> {
        let events = api.get("events?limit=200")?;
        Ok(events["items"].as_array().cloned().unwrap_or_default())
    };
    let id = other[0]["id"].to_string();
    ensure!(
        seen(&world.theirs)?.iter().any(|event| event.to_string().contains(&id)),
        "they do not see their own facts"
    );
    ensure!(!seen(&world.ours)?.iter().any(|event| event.to_string().contains(&id)), "we see their facts");

    // Each finds its own again after a crash, and the phones are where they were.
    world.server.kill()?;
    world.server.start_again()?;
    talk(&world, &mut theirs, Some(&theirs_password), "1002", &mut theirs_too)?;
    talk(&world, &mut ours, Some(PASSWORD), "1002", &mut ours_too)?;
    ensure!(records(&world.ours, 3)?.len() == 3 && records(&world.theirs, 3)?.len() == 3);
    Ok(())
}
