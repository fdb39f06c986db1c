//! The plugin that panics, hangs or is killed in the real binary: calls do not notice, and its lists miss nothing. The binary must be built
//! with the feature `failpoints`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::api::Api;
use calls::party::Party;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(40);
/// Longer than a call takes to be set up, far shorter than a plugin hangs.
const PROMPT: Duration = Duration::from_secs(2);

/// Two phones on a server whose plugin fails so.
struct Scene {
    alice: Party,
    bob: Party,
    server: Switchboard,
    calls: usize,
}

impl Scene {
    fn begin(fail_points: &str) -> Result<Self> {
        Self::begin_with("SWITCHBOARD_FAILPOINTS", fail_points)
    }

    /// With this in the environment.
    fn begin_with(variable: &str, value: &str) -> Result<Self> {
        let environment = vec![(variable.to_owned(), value.to_owned())];
        let server = Switchboard::start_with(Setup { environment, ..Setup::default() })?;
        let clock = Instant::now();
        let (alice, bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
        Ok(Self { alice, bob, server, calls: 0 })
    }

    /// Alice calls Bob, who answers at once; then she hangs up.
    fn calls(&mut self) -> Result<()> {
        let Self { alice, bob, .. } = self;
        let mut calling = alice.phone.dialog_to("1002");
        alice.call(&mut calling)?;
        let invite = bob.phone.expect_within("INVITE", PROMPT)?;
        let answer = bob.sdp(1, "sendrecv");
        bob.phone.reply(&invite, "200 OK", &answer)?;
        let ok = alice.phone.expect_within("200 INVITE", PROMPT)?;
        alice.phone.ack(&mut calling, &ok, "")?;
        bob.phone.expect_within("ACK", PROMPT)?;
        alice.phone.request(&mut calling, "BYE", &[], "")?;
        alice.phone.expect_within("200 BYE", PROMPT)?;
        let goodbye = bob.phone.expect_within("BYE", PROMPT)?;
        bob.phone.reply(&goodbye, "200 OK", "")?;
        self.calls += 1;
        Ok(())
    }

    /// The plugin has one row for each call, and the calls are those that the engine wrote down. Both follow the journal, either may be first.
    fn lists_all(&self, api: &Api) -> Result<()> {
        let listed = |path: &str| {
            wait::until(&format!("all calls in {path}"), PATIENCE, || {
                let page = api.fetch(&format!("{path}?limit=100"), None)?.json();
                let rows = page["items"].as_array().cloned().unwrap_or_default();
                Ok((rows.len() >= self.calls).then_some(rows))
            })
        };
        let (rows, engine) = (listed("crm/call-records")?, listed("call-records")?);
        let ids =
            |rows: &[Value], name: &str| -> BTreeSet<String> { rows.iter().map(|row| row[name].to_string()).collect() };
        ensure!(
            rows.len() == self.calls && engine.len() == self.calls,
            "{} rows, {} records",
            rows.len(),
            engine.len()
        );
        ensure!(ids(&rows, "call_id") == ids(&engine, "id"), "{rows:?}");
        ensure!(rows.iter().all(|row| row["type"] == "internal" && row["caller"] == "1001"), "{rows:?}");
        Ok(())
    }
}

/// Proves POP-08 as far as calls go: a plugin that panics hurts none, and is started again.
#[test]
fn a_plugin_that_panics_loses_no_row_and_no_call() -> Result<()> {
    let mut scene = Scene::begin("plugin.facts=panic:4,plugin.handle=panic:1")?;
    let api = scene.server.api()?;
    let panicked = api.fetch("crm/call-records", None)?;
    ensure!(panicked.status == 503, "{}", panicked.json());
    ensure!(panicked.content_type.starts_with("application/problem+json"), "{}", panicked.content_type);
    for _ in 0..5 {
        scene.calls()?;
    }
    scene.lists_all(&api)
}

/// Proves POP-08 as far as calls go: a plugin that hangs delays none; what it has not read it reads after a restart.
#[test]
fn a_plugin_that_hangs_loses_no_row_and_no_call() -> Result<()> {
    let mut scene = Scene::begin("plugin.facts=hang:2,plugin.handle=hang:1")?;
    let api = scene.server.api()?;
    for _ in 0..3 {
        scene.calls()?;
    }
    let late = api.fetch("crm/call-records", None)?;
    ensure!(late.status == 504, "{}", late.json());
    ensure!(api.get("calls")?["items"].as_array().is_some(), "the engine answers");
    scene.calls()?;
    let calls = scene.calls;
    wait::until("the engine's own records", PATIENCE, || Ok((api.list("call-records")?.len() == calls).then_some(())))?;
    scene.server.kill()?;
    scene.server.set_environment(&[]);
    scene.server.start_again()?;
    scene.lists_all(&scene.server.api()?)
}

/// A plugin that is switched off is not there, and nothing else is missing; what it missed it reads when it is on again.
#[test]
fn a_plugin_that_is_switched_off_catches_up_when_it_is_on_again() -> Result<()> {
    let mut scene = Scene::begin_with("SWITCHBOARD__PLUGINS__OFF", "crm")?;
    let api = scene.server.api()?;
    for _ in 0..2 {
        scene.calls()?;
    }
    for path in ["crm/call-records", "crm/settings", "sms/messages"] {
        let answer = api.fetch(path, None)?;
        ensure!(answer.status == 404, "{path}: {} {}", answer.status, answer.json());
    }
    let document = api.get("openapi.json")?;
    ensure!(document["paths"].get("/api/v1/crm/call-records").is_none(), "the document still has it");
    let calls = scene.calls;
    wait::until("the engine's own records", PATIENCE, || Ok((api.list("call-records")?.len() == calls).then_some(())))?;
    scene.server.stop()?;
    scene.server.set_environment(&[]);
    scene.server.start_again()?;
    scene.lists_all(&scene.server.api()?)
}
