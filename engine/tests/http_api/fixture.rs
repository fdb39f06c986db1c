//! Two tenants with everything in them, and a client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use dialplan::number::ExtensionNumber;
use engine::config::{Config, HookConfig, OidcConfig, SmsConfig, SmsDriver, StorageUrl, WebhookConfig};
use engine::http;
use engine::http::health::{Health, SipSockets};
use engine::http::metric;
use engine::http::peer::Peer;
use engine::http::permission::Registry;
use engine::http::state::{Api, Parts};
use engine::http::wallboard::Abnormal;
use engine::journal::JournalOptions;
use engine::journal::facts::FactJournal;
use engine::ladder::Captures;
use engine::live::{CommandError, Live, SwitchHandle};
use engine::locations::Locations;
use engine::lookups::Hooks;
use engine::names::Names;
use engine::oidc::Oidc;
use engine::plugins::{Desk, Desks, HostParts, PluginHost};
use engine::prompts::PromptLibrary;
use engine::prompts::files::PromptFiles;
use engine::secrets::{SecretKey, hash_password, new_token, token_hash};
use engine::sms::Sms;
use engine::store::Store;
use engine::store::departments::Department;
use engine::store::employees::{Employee, LoginOutcome};
use engine::store::extensions::Extension;
use engine::store::logins::LoginFilter;
use engine::store::roles::{DataPermission, Role};
use engine::store::routes::{Route, RouteRule};
use engine::store::scope::Sight;
use engine::store::setting::{Change, Hidden, Origin, PageAsk};
use engine::store::tenants::Tenant;
use engine::store::trunks::Trunk;
use engine::store::{api_tokens::ApiToken, unix_ms};
use engine::tasks::Tasks;
use engine::tls::{TlsClient, Trust, Trusted};
use engine::web_client::Reach;
use engine::webhooks::Webhooks;
use engine::webhooks::retry::RetryRules;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hooks::fact::{Direction, Event, Fact, SettingsChanged, SourceBanned, Way};
use hooks::id::{CallId, TenantId};
use hooks::plugin::{Host, Plugin};
use recordings::{SealKeys, Storage};
use serde_json::Value;
use switch::config::TenantConfig;
use switch::input::{AgentOrder, CallOrder, Command, RecordAction, SignIn};
use switch::output::{Done, Refused, TrunkTest};
use switch::view::{BanView, CallPhase, CallView, RegistrationView, TrunkAnswer, View};
use tower::ServiceExt as _;

use crate::phonebook::Phonebook;

pub(crate) const PASSWORD: &str = "correct horse 1";

/// How long a request to the plugin may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);

fn sms(folder: &std::path::Path) -> SmsConfig {
    SmsConfig {
        driver: SmsDriver::File(folder.join("sms")),
        allow_private: false,
        prefixes: vec!["+86".to_owned()],
        signature: "签名".to_owned(),
        code_text: "{code} for {minutes} minutes".to_owned(),
        code_template: "SMS_1".to_owned(),
    }
}

/// What is asked how the process is: its sockets are there, and so are its folders.
fn health(data_dir: &std::path::Path) -> Arc<Health> {
    let config = Config::parse(&format!("data_dir = {data_dir:?}"), []).unwrap();
    let health = Arc::new(Health::of(&config));
    std::fs::create_dir_all(config.recording.dir).unwrap();
    health.set_sip(SipSockets::Up);
    health
}

fn tls(folder: &std::path::Path) -> Arc<TlsClient> {
    let trust = Trust { ca: folder.join("no.pem"), unverified_hosts: std::collections::BTreeSet::new() };
    Arc::new(TlsClient::new(Trusted::read(trust).unwrap()).unwrap())
}

fn hooks(phonebook: Arc<dyn Plugin>, timeout: Duration, client: Arc<TlsClient>) -> Hooks {
    let config = HookConfig { timeout, ..HookConfig::default() };
    Hooks::new(&[phonebook], config, Arc::new(Names::default()), client)
}

/// Webhooks may go to this machine, and what fails is tried again at once, for as long as a test may take.
pub(crate) fn webhook_config() -> WebhookConfig {
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(20));
    WebhookConfig {
        reach: Reach::Everywhere,
        timeout: Duration::from_secs(20),
        retry: RetryRules { first, longest, span: Duration::from_secs(600), attempts: u32::MAX },
        hold_days: 30,
    }
}

/// What an installation has beside the API.
pub(crate) struct Beside {
    /// A gateway of short messages.
    pub(crate) sms: bool,
    pub(crate) oidc: Option<OidcConfig>,
    pub(crate) webhooks: WebhookConfig,
    /// For the lookups of plugins.
    pub(crate) lookup_timeout: Duration,
}

impl Default for Beside {
    fn default() -> Self {
        Self { sms: false, oidc: None, webhooks: webhook_config(), lookup_timeout: Duration::from_secs(20) }
    }
}

/// A switch that notes what it is told.
pub(crate) struct FakeSwitch {
    live: Arc<Live>,
    pub(crate) settings: Mutex<Vec<(Arc<TenantConfig>, Vec<SettingsChanged>)>>,
    pub(crate) commands: Mutex<Vec<(TenantId, Command)>>,
}

impl FakeSwitch {
    /// 1001 always is.
    fn is_registered(&self, tenant: &TenantId, extension: &str) -> bool {
        let there = self.live.registrations(tenant, None, 1_000);
        extension == "1001" || there.iter().any(|phone| phone.extension == extension)
    }
}

impl SwitchHandle for FakeSwitch {
    fn command(&self, tenant: TenantId, command: Command) -> BoxFuture<'_, Result<Done, CommandError>> {
        self.commands.lock().unwrap().push((tenant.clone(), command.clone()));
        let result = match command {
            Command::Originate { from, to } if self.is_registered(&tenant, from.as_str()) => {
                let call = CallId::new(unix_ms(), self.commands.lock().unwrap().len() as u128);
                self.live.apply(View::Call(call_view(&tenant, call, from.as_str(), to.as_str())));
                Ok(Done::Call(call))
            }
            Command::Originate { .. } => Err(Refused::NotRegistered),
            Command::Hangup(call) => match self.live.call(&tenant, call) {
                Some(_) => {
                    self.live.apply(View::CallGone(tenant, call));
                    Ok(Done::Ok)
                }
                None => Err(Refused::NoSuchCall),
            },
            Command::SendDigits { call, .. } => match self.live.call(&tenant, call) {
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchCall),
            },
            Command::Conference(room, _) => match self.live.conference(&tenant, room.as_str()) {
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchConference),
            },
            Command::Record { call, action, .. } => match (self.live.call(&tenant, call), action) {
                (None, _) => Err(Refused::NoSuchCall),
                (Some(_), RecordAction::Pause) => Err(Refused::NotRecorded),
                (Some(_), RecordAction::Start | RecordAction::Stop | RecordAction::Resume) => Ok(Done::Ok),
            },
            Command::Voicemail { .. } | Command::Unbind(_) => Ok(Done::Ok),
            Command::CancelCallback { queue, callback, .. } => {
                let queue = self.live.queue(&tenant, queue.as_str());
                match queue.is_some_and(|queue| queue.callbacks.iter().any(|it| it.call == callback)) {
                    true => Ok(Done::Ok),
                    false => Err(Refused::NoSuchCallback),
                }
            }
            Command::PickUp { call, .. } => match self.live.call(&tenant, call) {
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchCall),
            },
            Command::LiftBan(source) => {
                let there = self.live.bans(None, 1_000).iter().any(|ban| ban.source == source);
                self.live.apply(View::BanGone(source));
                if there { Ok(Done::Ok) } else { Err(Refused::NotBanned) }
            }
            Command::TestTrunk(trunk) if trunk.as_str() == "carrier" => Ok(Done::TrunkTested(Box::new(trunk_test()))),
            Command::Admit(pass) if pass.extension.as_str() == "1002" => Err(Refused::WayNotAllowed(Way::Web)),
            Command::Admit(pass) if self.is_registered(&tenant, pass.extension.as_str()) => Ok(Done::Ok),
            Command::Admit(_) => Err(Refused::NoSuchExtension),
            Command::Revoke(_) => Ok(Done::Ok),
            Command::TestTrunk(_) => Err(Refused::NoSuchTrunk),
            Command::Call { call, order, .. } => match self.live.call(&tenant, call) {
                Some(_) if order == CallOrder::Park => Ok(Done::Parked("701".parse().unwrap())),
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchCall),
            },
            Command::Supervise(order) => match self.live.call(&tenant, order.call) {
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchCall),
            },
            // PHONE-05.
            Command::Agent { order: AgentOrder::SignIn(SignIn { way: Way::Web, .. }), .. } => {
                Err(Refused::WayNotAllowed(Way::Web))
            }
            Command::Agent { agent, .. } => match self.live.agent(&tenant, agent.as_str()) {
                Some(_) => Ok(Done::Ok),
                None => Err(Refused::NoSuchAgent),
            },
        };
        async move { result.map_err(CommandError::from) }.boxed()
    }

    fn settings(
        &self,
        settings: Arc<TenantConfig>,
        changed: Vec<SettingsChanged>,
    ) -> BoxFuture<'_, Result<(), CommandError>> {
        self.settings.lock().unwrap().push((settings, changed));
        async { Ok(()) }.boxed()
    }
}

/// What the test of a trunk brings.
fn trunk_test() -> TrunkTest {
    let answer = |status, text: &str, round_trip_us| TrunkAnswer {
        at_ms: 1_795_336_200_007,
        status,
        text: text.to_owned(),
        round_trip_us,
    };
    let targets = vec![
        ("192.0.2.10:5060".parse().unwrap(), answer(200, "200 OK", Some(1_500))),
        ("192.0.2.11:5060".parse().unwrap(), answer(0, "no answer", None)),
    ];
    TrunkTest { targets, registration: Some(answer(403, "403 Forbidden", Some(20_000))) }
}

pub(crate) fn call_view(tenant: &TenantId, call: CallId, caller: &str, callee: &str) -> CallView {
    CallView {
        tenant: tenant.clone(),
        call,
        direction: Direction::Internal,
        phase: CallPhase::Ringing,
        caller: caller.to_owned(),
        caller_name: String::new(),
        callee: callee.to_owned(),
        emergency: false,
        created_ms: unix_ms(),
        answered_ms: None,
        recording: false,
        recording_paused: false,
        survey: false,
        parked: None,
        legs: Vec::new(),
        offers: Vec::new(),
        supervisors: Vec::new(),
    }
}

/// The API with two tenants in it: `default` and `other`.
pub(crate) struct Fixture {
    pub(crate) router: Router,
    pub(crate) api: Api,
    pub(crate) store: Store,
    pub(crate) live: Arc<Live>,
    pub(crate) switch: Arc<FakeSwitch>,
    pub(crate) health: Arc<Health>,
    pub(crate) prompts: Arc<PromptLibrary>,
    pub(crate) journals: Mutex<BTreeMap<TenantId, FactJournal>>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) phonebook: Arc<Phonebook>,
    /// As the plugin sees the engine.
    pub(crate) host: Arc<dyn Host>,
}

pub(crate) fn default_tenant() -> TenantId {
    TenantId::first()
}

pub(crate) fn other_tenant() -> TenantId {
    "other".parse().unwrap()
}

/// Both tenants with what they begin with, and their journals.
async fn two_tenants(store: &Store, folder: &std::path::Path) -> BTreeMap<TenantId, FactJournal> {
    let mut journals = BTreeMap::new();
    for tenant in [default_tenant(), other_tenant()] {
        seed(store, &tenant).await;
        let options = JournalOptions::new(&folder.join("journal"), tenant.clone());
        journals.insert(tenant, FactJournal::open(&options).unwrap());
    }
    journals
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::made(Beside::default()).await
    }

    /// With a gateway of short messages, which writes them down.
    pub(crate) async fn with_sms() -> Self {
        Self::made(Beside { sms: true, ..Beside::default() }).await
    }

    /// The short messages so far, the last one last.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("sms")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) async fn with_webhooks(webhooks: WebhookConfig) -> Self {
        Self::made(Beside { webhooks, ..Beside::default() }).await
    }

    /// Where lookups of plugins have next to no time.
    pub(crate) async fn in_a_hurry() -> Self {
        Self::made(Beside { lookup_timeout: Duration::from_millis(200), ..Beside::default() }).await
    }

    pub(crate) async fn made(beside: Beside) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StorageUrl::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let journals = two_tenants(&store, folder.path()).await;
        let live = Arc::new(Live::new());
        let switch =
            Arc::new(FakeSwitch { live: live.clone(), settings: Mutex::default(), commands: Mutex::default() });
        let health = health(folder.path());
        let files = PromptFiles::new(folder.path().join("prompts"));
        let client = tls(folder.path());
        let prompts = Arc::new(PromptLibrary::new(switch::config::TonePlan::Cn, files).unwrap());
        let locations = Arc::new(Locations::open(None).unwrap());
        let phonebook = Arc::new(Phonebook::default());
        let parts = HostParts {
            store: store.clone(),
            live: live.clone(),
            switch: switch.clone(),
            journals: journals.iter().map(|(tenant, journal)| (tenant.clone(), journal.handle())).collect(),
            locations: locations.clone(),
            sms: None,
            passed: engine::passed::Passed::default(),
            stopping: Arc::default(),
        };
        let host: Arc<dyn Host> = Arc::new(PluginHost::new("phonebook", parts, folder.path().to_owned()));
        let plugin: Arc<dyn Plugin> = phonebook.clone();
        let desk = Arc::new(Desk::new(plugin.clone(), host.clone(), ANSWER_MAX).unwrap());
        let api = Api::new(Parts {
            store: store.clone(),
            live: live.clone(),
            switch: switch.clone(),
            journals: journals.iter().map(|(tenant, journal)| (tenant.clone(), journal.handle())).collect(),
            storage: Storage::new(&folder.path().join("recordings"), None, Some(Arc::new(sealing_keys()))).unwrap(),
            prompts: prompts.clone(),
            captures: Captures::new(folder.path().join("ladders")),
            secret_key: Arc::new(SecretKey::from_bytes(&[7; 32]).unwrap()),
            health: health.clone(),
            metrics: metric::recorder(),
            realm: "switchboard.test".to_owned(),
            record_internal: false,
            names: Arc::new(Names::default()),
            ice_servers: vec!["stun:stun.example:3478".to_owned()],
            park: dialplan::park::Park::default(),
            abnormal: Abnormal { max: Duration::from_secs(3_600), min: Duration::ZERO },
            hooks: Arc::new(hooks(plugin.clone(), beside.lookup_timeout, client.clone())),
            registry: Arc::new(Registry::new(&[plugin])),
            tasks: Tasks::new(store.clone(), folder.path(), 7),
            sms: beside.sms.then(|| Sms::new(sms(folder.path()), Arc::new(Names::default()), client.clone())),
            oidc: beside.oidc.map(|oidc| Oidc::new(oidc, Arc::new(Names::default()), client.clone())),
            desks: Desks::new(vec![desk]),
            locations,
            webhooks: Webhooks::new(beside.webhooks, Arc::new(Names::default()), client),
        });
        http::export::register(&api);
        let journals = Mutex::new(journals);
        Self {
            router: engine::http::router(api.clone()),
            api,
            store,
            live,
            switch,
            health,
            prompts,
            journals,
            folder,
            phonebook,
            host,
        }
    }

    /// A token of a tenant with these permissions.
    pub(crate) async fn token(&self, tenant: &TenantId, permissions: &[&str]) -> String {
        let secret = new_token();
        let token = ApiToken {
            id: engine::secrets::new_ulid(unix_ms()),
            name: "test".to_owned(),
            token_hash: Hidden::new(token_hash(&secret)),
            permissions: permissions.iter().map(|key| (*key).to_owned()).collect(),
            data: DataPermission::All,
            expires_at_ms: None,
        };
        self.store.create(Change::system(tenant.clone(), Origin::Setup), token).await.unwrap();
        secret
    }

    /// A role of `default` with these permissions; its ID.
    pub(crate) async fn role(&self, name: &str, permissions: &[&str], data: DataPermission) -> String {
        let id = engine::secrets::new_ulid(unix_ms());
        let permissions = permissions.iter().map(|key| (*key).to_owned()).collect();
        let name = name.to_owned();
        let role = Role { id: id.clone(), name, permissions, data, ..Role::agent() };
        self.store.create(Change::system(default_tenant(), Origin::Setup), role).await.unwrap();
        id
    }

    /// An administrator's client.
    pub(crate) async fn admin(&self) -> Client<'_> {
        let token = self.token(&default_tenant(), &["*"]).await;
        self.client().with("authorization", &format!("Bearer {token}"))
    }

    /// A client that is nobody.
    pub(crate) fn client(&self) -> Client<'_> {
        Client { fixture: self, headers: Vec::new() }
    }

    /// Writes facts of a tenant down.
    pub(crate) fn append(&self, tenant: &TenantId, failures: &[u32]) {
        let facts: Vec<Fact> = failures.iter().map(|n| fact(tenant, *n)).collect();
        self.journals.lock().unwrap().get_mut(tenant).unwrap().append(&facts).unwrap();
    }

    /// How the last sign-in of an employee ended, as the log has it.
    pub(crate) async fn newest_login(&self, number: &str) -> LoginOutcome {
        let filter = LoginFilter { employee_no: Some(number.to_owned()), ..LoginFilter::default() };
        let page = self.store.logins(Sight::whole(&default_tenant()), &filter, &PageAsk::first(1)).await.unwrap();
        page.items[0].outcome
    }

    /// Puts a phone, a ban and nothing else into the snapshots.
    pub(crate) fn publish_phone(&self, tenant: &TenantId, extension: &str, contact: &str) {
        self.live.apply(View::Registration(RegistrationView {
            tenant: tenant.clone(),
            extension: extension.to_owned(),
            contact: contact.to_owned(),
            source: "UDP 192.0.2.1:5060".to_owned(),
            user_agent: "phone".to_owned(),
            since_ms: 1_000,
            expires_at_ms: 2_000,
            round_trip_us: Some(1_500),
        }));
    }

    pub(crate) fn publish_ban(&self, source: &str) {
        self.live.apply(View::Ban(BanView { source: source.parse().unwrap(), until_ms: 5_000, failures: 9 }));
    }
}

/// What recordings are encrypted with.
pub(crate) fn sealing_keys() -> SealKeys {
    SealKeys::parse(&format!("test {}", "0b".repeat(32))).unwrap()
}

pub(crate) fn fact(tenant: &TenantId, n: u32) -> Fact {
    let banned = SourceBanned { source: "192.0.2.9".to_owned(), until_ms: 5, failures: n };
    Fact { tenant: tenant.clone(), at_ms: 1_795_336_200_007, event: Event::SourceBanned(banned) }
}

async fn seed(store: &Store, tenant: &TenantId) {
    let change = || Change::system(tenant.clone(), Origin::Setup);
    store.create(change(), Tenant::new(tenant.clone(), "A tenant")).await.unwrap();
    store.create(change(), Department::root("Default")).await.unwrap();
    store.create(change(), Role::administrator()).await.unwrap();
    store.create(change(), Role::agent()).await.unwrap();
    let admin = Employee {
        login: "admin".to_owned(),
        name: "Administrator".to_owned(),
        must_change: false,
        role: Role::ADMINISTRATOR.to_owned(),
        ..Employee::new("10000", hash_password(PASSWORD))
    };
    store.create(change(), admin).await.unwrap();
    for number in ["1001", "1002"] {
        let number: ExtensionNumber = number.parse().unwrap();
        store.create(change(), Extension::new(number, "switchboard.test", "secret-1")).await.unwrap();
    }
    store.create(change(), Trunk::new("carrier".parse().unwrap(), "192.0.2.10".to_owned())).await.unwrap();
    let rule = RouteRule::Inbound {
        trunk: None,
        did: "8610*".parse().unwrap(),
        to: "1001".parse().unwrap(),
        hours: None,
        closed: None,
    };
    store.create(change(), Route { name: "main".parse().unwrap(), place: 0, rule }).await.unwrap();
}

/// Sends requests into the router.
#[derive(Clone)]
pub(crate) struct Client<'f> {
    fixture: &'f Fixture,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The last part of a problem's type.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["type"].as_str().unwrap().strip_prefix("urn:switchboard:problem:").unwrap().to_owned()
    }
}

impl Client<'_> {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What it signs in with.
    pub(crate) fn bearer(&self) -> String {
        let found = self.headers.iter().find(|(name, _)| name == "authorization");
        found.map(|(_, value)| value.clone()).unwrap()
    }

    /// What `/readyz` says is not well; it answers 503 then.
    pub(crate) async fn bad_checks(&self) -> Vec<String> {
        let answer = self.get("/readyz").await;
        assert_eq!(answer.status, 503);
        let checks = answer.json();
        let bad = checks["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
        bad.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// Sends a file.
    pub(crate) async fn upload(&self, method: &str, path: &str, file: &[u8]) -> Answer {
        self.send_body(method, path, Some(("audio/wav", Body::from(file.to_vec())))).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send_body(method, path, body.map(|body| ("application/json", Body::from(body.to_string())))).await
    }

    /// Sends a body of any type.
    pub(crate) async fn send_body(&self, method: &str, path: &str, body: Option<(&str, Body)>) -> Answer {
        let path = if path.starts_with("/api") || path.ends_with('z') || path == "/metrics" {
            path.to_owned()
        } else {
            format!("/api/v1{path}")
        };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((kind, _)) = &body {
            request = request.header("content-type", *kind);
        }
        let address: SocketAddr = "192.0.2.77:40000".parse().unwrap();
        let body = body.map_or_else(Body::empty, |(_, body)| body);
        let request = request
            .extension(Peer { address, local: SocketAddr::from(([127, 0, 0, 1], 8_080)), secure: false })
            .body(body)
            .unwrap();
        let response = self.fixture.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}
