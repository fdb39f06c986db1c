//! The way into the console beside the password: a provider of OpenID Connect that is not ours, what a session is told that another one ended,
//! and what "About us" shows of an enterprise.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use calls::api::Api;
use calls::ports::Ports;
use calls::process::Process;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::json;

use crate::console::{AGENT_HZ, Centre, click, open_console, see};

/// A program in Python that starts.
const PATIENCE: Duration = Duration::from_secs(30);

/// oidc-provider-mock (PyPI), which knows one employee by his number.
struct Provider(#[allow(dead_code, reason = "it ends with this")] Process);

impl Provider {
    fn start(server: &Switchboard, port: u16) -> Result<Self> {
        let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../setup/oidc.sh");
        let found = Command::new(setup).output()?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let mut program = Command::new(String::from_utf8(found.stdout)?.trim());
        program.args(["--require-nonce", "true", "--user", "10001", "--port", &port.to_string()]);
        let process = Process::start(&mut program, &server.folder().join("provider.log"))?;
        wait::until("the provider", PATIENCE, || {
            let metadata = ureq::get(format!("http://127.0.0.1:{port}/.well-known/openid-configuration")).call();
            Ok(metadata.is_ok().then_some(()))
        })?;
        Ok(Self(process))
    }
}

/// Through the login page, to the provider and back, with tokens that another implementation makes.
#[test]
fn an_agent_signs_in_by_a_provider_and_is_told_when_it_lets_nobody_in() -> Result<()> {
    let ports = Ports::take()?;
    let port = ports.one()?;
    let mut server = Switchboard::start_on(ports, Setup::default())?;
    let redirect = format!("http://{}/api/v1/session/oidc/callback", server.http());
    let issuer = format!("http://127.0.0.1:{port}");
    server.stop()?;
    server.set_environment(&[
        ("SWITCHBOARD__OIDC__ISSUER", &issuer),
        ("SWITCHBOARD__OIDC__CLIENT_ID", "switchboard"),
        ("SWITCHBOARD__OIDC__CLIENT_SECRET", "a-secret"),
        ("SWITCHBOARD__OIDC__REDIRECT", &redirect),
        ("SWITCHBOARD__OIDC__CLAIM", "sub"),
        ("SWITCHBOARD__OIDC__MATCHES", "number"),
        ("SWITCHBOARD__OIDC__NAME", "统一认证"),
        ("SWITCHBOARD__OIDC__ALLOW_PRIVATE", "true"),
    ]);
    server.start_again()?;
    let mut console = open_console(&server, AGENT_HZ)?;
    let link = json!({"text": "通过 统一认证 登录"});
    console.tell("click", link.clone())?;
    console.tell("see", json!({"text": "单点登录服务没有响应"}))?;

    let _provider = Provider::start(&server, port)?;
    console.tell("click", link.clone())?;
    click(&mut console, "button", "Deny")?;
    console.tell("see", json!({"text": "无法登录：没有对应的账号"}))?;
    console.tell("click", link)?;
    click(&mut console, "button", "10001")?;
    see(&mut console, "state", "电话在线")?;

    let entries = server.api()?.get("logins?agent=10001&status=login")?;
    ensure!(entries["items"][0]["way"] == "oidc", "{entries}");
    ensure!(entries["items"][0]["sign_in"] == "browser", "{entries}");
    Ok(())
}

/// Proves LOGIN-10 (the notice on the page of the older session).
#[test]
fn the_page_of_a_session_that_another_one_ended_says_so() -> Result<()> {
    let centre = Centre::open()?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    see(&mut console, "state", "电话在线")?;
    let elsewhere = Api::new(centre.server.http()).sign_in("10001", PASSWORD)?;
    console.tell("see", json!({"text": "您的账号已在别处登录"}))?;
    ensure!(elsewhere.get("session")?["login"] == "10001", "the newer one goes on");
    // A page that is loaded again says it, too.
    console.tell("go", json!({"path": "/"}))?;
    console.tell("see", json!({"text": "您的账号已在别处登录"})).map(drop)
}

/// Proves GEN-01.
#[test]
fn about_us_shows_what_the_enterprise_has_set() -> Result<()> {
    let centre = Centre::open()?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
    console.tell("go", json!({"path": "/tenant"}))?;
    for (field, text) in [
        ("产品名称", "云客服"),
        ("服务热线", "400-800-1234"),
        ("网站", "https://example.com/help"),
        ("地址", "北京市海淀区 1 号"),
    ] {
        console.tell("fill", json!({"into": field, "text": text}))?;
    }
    click(&mut console, "button", "保存")?;
    let agent = Api::new(centre.server.http()).sign_in("10001", PASSWORD)?;
    wait::until("the settings to be saved", PATIENCE, || {
        Ok((agent.get("about")?["hotline"] == "400-800-1234").then_some(()))
    })?;
    console.tell("click", json!({"id": "quick-menu"}))?;
    console.tell("click", json!({"role": "menuitem", "text": "关于我们"}))?;
    for text in ["云客服", "400-800-1234", "https://example.com/help", "北京市海淀区 1 号", env!("CARGO_PKG_VERSION")]
    {
        console.tell("see", json!({"text": text, "role": "dialog"}))?;
    }
    Ok(())
}
