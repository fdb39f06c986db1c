//! `switchboard serve`: starts the parts in their order, serves signals, stops them in the reverse order.
//!
//! Order matters twice. What the last process left open is closed in the journal before anything new is written; and the
//! settings stand in the writer's queue before the first message can.

mod browsers;
mod disk;
mod drain;
mod heap;
mod housekeeping;
mod keeping;
mod plugins;
mod recover;
mod refresh;
mod reload;
mod secured;
mod signals;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use hooks::plugin::Plugin;
use recordings::Finished;
use sip::flow::Transport;
use switch::config::{Browsers, ListeningSocket, NodeConfig, TenantConfig};
use switch::input::Admission;
use switch::switch::Switch;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::acme::Wanted;
use crate::centre::STICKY_DAYS_MAX;
use crate::clock::Clock;
use crate::config::Config;
use crate::consumers;
use crate::data_lock::{DataLock, Deletions};
use crate::http;
use crate::http::health::{Health, SipSockets};
use crate::http::permission::Registry;
use crate::http::server::Security;
use crate::http::state::{Api, Parts};
use crate::journal::JournalHandle;
use crate::ladder::{Capture, Captures};
use crate::live::Live;
use crate::locations::Locations;
use crate::lookups::{Hooks, Lookups};
use crate::mailboxes::Mailboxes;
use crate::media_bridge::{MediaBridge, SessionDefaults};
use crate::names::Names;
use crate::oidc::Oidc;
use crate::passed::Passed;
use crate::plugins::HostParts;
use crate::prompts::PromptLibrary;
use crate::prompts::files::PromptFiles;
use crate::provision;
use crate::provision::first_start::{self, FirstLogin, Passwords};
use crate::recorder::Recorder;
use crate::secrets::{SecretKey, random_bytes};
use crate::sip_io::{SipIo, SipListen, route_source};
use crate::sms::Sms;
use crate::store::Store;
use crate::store::regulars::RecallAsk;
use crate::store::tenants::Tenant;
use crate::tasks::{self, Tasks};
use crate::tenant_config::{self, Build};
use crate::webhooks::{self, Webhooks};
use crate::writer::{Effects, Inbox, Writer, inbox};
use housekeeping::Housekeeping;
use recover::Recovered;
use refresh::Refresh;
use reload::Reload;
use secured::Secured;
use signals::{Asked, Signals};

pub use reload::LogLevel;

/// Toward this address (of a network for documentation, RFC 5737) the kernel names the machine's own address; nothing is sent.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The same of IPv6 (RFC 3849).
const SOMEWHERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// What it is started with.
pub struct Launch {
    /// The configuration.
    pub config: Config,
    /// Where it stands, to be read again at SIGHUP.
    pub config_file: PathBuf,
    /// Takes a new `log.level`.
    pub log_level: LogLevel,
    /// The plugins.
    pub plugins: Vec<Arc<dyn Plugin>>,
    /// The console's files; none in a build without it.
    pub console: http::console::Files,
}

/// Runs the call centre until SIGINT or SIGTERM. `say` is given each line for the administrator.
///
/// # Errors
/// Whatever keeps it from starting, with what to do.
pub async fn serve(launch: Launch, say: impl Fn(&str)) -> anyhow::Result<()> {
    // Caught before anything runs: a signal that comes while the parts start stops them in order, too.
    let mut signals = Signals::catch()?;
    let mut running = Running::start(launch, &say).await?;
    say("ready");
    loop {
        match signals.next().await {
            Asked::Reload => running.reload.run().await,
            Asked::Drain => {
                say("draining");
                drain::drain(&running.inbox, &running.live, running.reload.drain(), &mut signals).await;
                break;
            }
            Asked::Stop => break,
        }
    }
    say("stopping");
    running.stop().await;
    Ok(())
}

/// The parts that have to be stopped.
struct Running {
    inbox: Inbox,
    live: Arc<Live>,
    reload: Reload,
    writer: std::thread::JoinHandle<()>,
    capture: Capture,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    plugins: plugins::Plugins,
    stored: Stored,
    health: Arc<Health>,
}

/// What is read from disk before anything runs.
struct Stored {
    store: Store,
    key: Arc<SecretKey>,
    first: Option<FirstLogin>,
    changed: BTreeMap<TenantId, Vec<SettingsChanged>>,
    tenants: Vec<TenantId>,
    _lock: DataLock,
}

impl Running {
    async fn start(launch: Launch, say: &impl Fn(&str)) -> anyhow::Result<Self> {
        let Launch { config, config_file, log_level, plugins, console } = launch;
        let mut stored = Stored::open(&config).await?;
        let clock = Clock::start();
        let (health, live) = (Arc::new(Health::of(&config)), Arc::new(Live::new()));
        let (inbox, outbox) = inbox();
        let mut recovered = recover::recover(&config, &stored.tenants, clock.now().unix_ms)?;
        let names = Arc::new(Names::new(&config.dns.servers));
        let began = stored.tell_settings(&config, &names, &inbox).await?;
        stored.give_back(&mut recovered, clock.now().unix_ms, &inbox).await?;
        let secrets = Secured::load(&config, &health)?;
        let captures = Captures::new(config.ladder_dir());
        let capture = Capture::start(config.ladder, captures.clone())?;
        let sip = Arc::new(SipIo::start(&sip_listen(&config), secrets.sip(&names)?, inbox.clone(), capture.tap())?);
        let prompts = stored.prompts(&config).await?;
        let (media, browsers) = start_media(&config, &inbox, &recovered.repaired, &prompts)?;
        let (hooks, webhooks, lookups, sms) = outward(&config, &plugins, &names, &secrets, &inbox);
        let node = NodeConfig { lookups: hooks.times(), ..config.node(listening(&sip), browsers) };
        let switch = Switch::new(node, random_bytes(), clock.now());
        let journals = recovered.handles();
        let storage = keeping::storage(&config.recording)?;
        let boxes = Mailboxes::new(stored.store.clone(), storage.clone(), inbox.clone());
        let effects = Effects::new(Arc::clone(&sip), media, Arc::clone(&live), Arc::clone(&health), lookups, boxes);
        let writer = Writer::new(switch, clock, outbox, effects, recovered.into_logs());
        let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run())?;
        let told = taken(began).await?;
        health.set_sip(SipSockets::Up);
        let (stop, stopping) = watch::channel(false);
        let mut tasks = vec![tokio::spawn(disk::watch(config.clone(), inbox.clone(), stopping.clone()))];
        tasks.extend(journals.values().map(|journal| start_consumer(journal, &stored.store, &inbox, &stopping)));
        let keeping = Housekeeping::new(&stored.store, &journals, &plugins, &config, &health.passed());
        let parts = host_parts(&config, &stored.store, &live, &inbox, &journals, &keeping.passed, sms)?;
        let running = plugins::Plugins::start(&plugins, &parts, &config.plugins_dir())?;
        tasks.push(keeping::start(&config, &storage, &stored.store, &inbox, &stopping));
        tasks.extend([tokio::spawn(keeping.run(stopping.clone())), tokio::spawn(heap::run(stopping.clone()))]);
        tasks.extend(keeping::mail(&config, &stored.store, &storage, &stopping));
        let api = Api::new(Parts {
            store: stored.store.clone(),
            live: Arc::clone(&live),
            switch: Arc::new(inbox.clone()),
            journals,
            storage,
            prompts,
            captures,
            secret_key: Arc::clone(&stored.key),
            health: Arc::clone(&health),
            metrics: http::metric::recorder(),
            realm: config.sip.domain.clone(),
            record_internal: config.recording.internal,
            names: Arc::clone(&names),
            ice_servers: config.ice_servers.clone(),
            abnormal: config.abnormal,
            hooks,
            registry: Arc::new(Registry::new(&plugins)),
            webhooks,
            park: config.park.clone(),
            tasks: Tasks::new(stored.store.clone(), &config.data_dir, config.tasks_keep_days),
            sms: parts.sms,
            oidc: config.oidc.clone().map(|oidc| Oidc::new(oidc, Arc::clone(&names), secrets.client())),
            desks: running.desks.clone(),
            locations: parts.locations,
        });
        tasks.extend(beside_api(&api, &secrets, &stopping));
        tasks.extend(listen_http(&config, &secrets, router(&api, &sip, console), &stopping, say).await?);
        let (wanted, keeper) = start_keeper(&config, &secrets, &names, &health, &stopping);
        tasks.extend([start_refresh(&config, &api, &names, &told, &stopping), keeper]);
        announce(&sip, stored.first.as_ref(), say);
        let reload = Reload::new(config_file, log_level, secrets, wanted, api, config);
        Ok(Self { inbox, live, reload, writer, capture, stop, tasks, plugins: running, stored, health })
    }

    /// Calls first, so that their records are written; then everything that reads them.
    async fn stop(self) {
        self.health.set_sip(SipSockets::Down);
        self.inbox.admission(Admission::Draining).await;
        self.inbox.stop().await;
        if self.writer.join().is_err() {
            tracing::error!("the writer had panicked");
        }
        self.capture.stop();
        // Those who listen have gone already where this fails.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part did not stop well");
            }
        }
        self.plugins.stop();
        self.stored.store.close().await;
    }
}

impl Stored {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let lock = DataLock::take(&config.data_dir)?;
        let key = Arc::new(SecretKey::open(&config.key_file())?);
        let store = Store::open(&config.storage).await?;
        let first = first_start::run(&store, config, &Passwords::from_env()).await?;
        let changed = provision::apply(&store, &key, config).await?;
        let tenants = provision::tenants(&store).await?.into_iter().map(|tenant| tenant.slug).collect();
        Ok(Self { store, key, first, changed, tenants, _lock: lock })
    }

    /// What is played to callers.
    async fn prompts(&self, config: &Config) -> anyhow::Result<Arc<PromptLibrary>> {
        let files = PromptFiles::new(config.prompts_dir()).sparing(Deletions::of(&config.data_dir));
        let prompts = Arc::new(PromptLibrary::new(config.rtp.tones, files)?);
        prompts.load(&self.store, &self.tenants).await?;
        Ok(prompts)
    }

    /// Puts every tenant's settings into the writer's queue, with the facts to write down about them.
    async fn tell_settings(&mut self, config: &Config, names: &Names, inbox: &Inbox) -> anyhow::Result<Vec<Told>> {
        let mut told = Vec::new();
        for tenant in &self.tenants {
            let with = Build {
                key: &self.key,
                domain: &config.sip.domain,
                record_internal: config.recording.internal,
                park: &config.park,
                names,
            };
            let built = tenant_config::build(&self.store, tenant, &with).await?;
            built.warnings.iter().for_each(|warning| tracing::warn!(%tenant, "{warning}"));
            let changed = self.changed.remove(tenant).unwrap_or_default();
            let settings = Arc::new(built.config);
            told.push((Arc::clone(&settings), inbox.start_tenant(settings, changed)?));
        }
        Ok(told)
    }
}

impl Stored {
    /// Puts what the records tell, and what goes on, into the writer's queue, after the settings.
    async fn give_back(&self, recovered: &mut Recovered, now_ms: u64, inbox: &Inbox) -> anyhow::Result<()> {
        for tenant in &self.tenants {
            let settings = self.store.get::<Tenant>(tenant, tenant.as_str()).await?.value;
            let ask = RecallAsk {
                talks_from_ms: now_ms.saturating_sub(u64::from(STICKY_DAYS_MAX) * 86_400_000),
                day_begins_ms: settings.day_began_ms(now_ms),
            };
            let recalled = self.store.recalled(tenant, ask).await?;
            inbox.recall(tenant.clone(), recalled)?;
        }
        Ok(recovered.give_back(inbox)?)
    }
}

/// A tenant's settings, and when the switch has taken them.
type Told = (Arc<TenantConfig>, oneshot::Receiver<()>);

/// The settings, when the switch has taken them all.
async fn taken(began: Vec<Told>) -> anyhow::Result<Vec<Arc<TenantConfig>>> {
    let mut told = Vec::new();
    for (tenant, taken) in began {
        taken.await.context("the switch did not take its settings")?;
        told.push(tenant);
    }
    Ok(told)
}

/// The media, and what browsers are told of it.
fn start_media(
    config: &Config,
    inbox: &Inbox,
    repaired: &[Finished],
    prompts: &Arc<PromptLibrary>,
) -> anyhow::Result<(MediaBridge, Option<Browsers>)> {
    let recorder = Recorder::start(&config.recording.dir, inbox.clone())?;
    recorder.confirm_repaired(repaired);
    let ports = browsers::ports(config)?;
    let browsers = ports.as_ref().map(|ports| browsers::shown(config, ports));
    let prompts = Arc::clone(prompts);
    let defaults = SessionDefaults { rtp_timeout: config.rtp.timeout, opus: config.rtp.opus };
    let media = MediaBridge::start(recorder, prompts, inbox.clone(), defaults, ports, random_bytes())?;
    Ok((media, browsers))
}

fn sip_listen(config: &Config) -> SipListen {
    SipListen { udp: config.sip.udp.clone(), tcp: config.sip.tcp.clone(), tls: config.sip.tls.clone() }
}

/// Every SIP socket under an address that a peer can reach.
fn listening(sip: &SipIo) -> Vec<ListeningSocket> {
    let udp = sip.udp_addresses().into_iter().map(|address| (Transport::Udp, address));
    let tcp = sip.tcp_addresses().into_iter().map(|address| (Transport::Tcp, address));
    let tls = sip.tls_addresses().into_iter().map(|address| (Transport::Tls, address));
    udp.chain(tcp)
        .chain(tls)
        .flat_map(|(transport, address)| reached(address).into_iter().map(move |local| (transport, local)))
        .map(|(transport, local)| ListeningSocket { transport, local })
        .collect()
}

/// A socket bound to all addresses is reached at the machine's own one and on loopback.
fn reached(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let loopback: IpAddr = if bound.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    let own = route_source(if bound.is_ipv4() { SOMEWHERE } else { SOMEWHERE_V6 });
    let mut addresses: Vec<IpAddr> = own.into_iter().chain([loopback]).collect();
    addresses.dedup();
    addresses.into_iter().map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

/// What plugins see of all this.
fn host_parts(
    config: &Config,
    store: &Store,
    live: &Arc<Live>,
    inbox: &Inbox,
    journals: &BTreeMap<TenantId, JournalHandle>,
    passed: &Passed,
    sms: Option<Sms>,
) -> anyhow::Result<HostParts> {
    Ok(HostParts {
        store: store.clone(),
        live: Arc::clone(live),
        switch: Arc::new(inbox.clone()),
        journals: journals.clone(),
        locations: Arc::new(Locations::open(config.locations.as_deref())?),
        sms,
        passed: passed.clone(),
        stopping: Arc::default(),
    })
}

/// What makes call records of a tenant's journal.
fn start_consumer(
    journal: &JournalHandle,
    store: &Store,
    inbox: &Inbox,
    stopping: &watch::Receiver<bool>,
) -> JoinHandle<()> {
    let (store, inbox) = (store.clone(), inbox.clone());
    tokio::spawn(consumers::call_records::run(store, journal.clone(), inbox, stopping.clone()))
}

/// Runs exports and imports: the engine's own and those of the plugins.
/// Who asks servers outside, and tells them.
fn outward(
    config: &Config,
    plugins: &[Arc<dyn Plugin>],
    names: &Arc<Names>,
    secrets: &Secured,
    inbox: &Inbox,
) -> (Arc<Hooks>, Webhooks, Lookups, Option<Sms>) {
    let client = secrets.client();
    let hooks = Arc::new(Hooks::new(plugins, config.lookup.hooks.clone(), Arc::clone(names), client.clone()));
    let webhooks = Webhooks::new(config.webhooks.clone(), Arc::clone(names), client.clone());
    let sms = config.sms.clone().map(|sms| Sms::new(sms, Arc::clone(names), client.clone()));
    let lookups = Lookups::new(&config.lookup, Arc::clone(&hooks), Arc::clone(names), client, inbox.clone());
    (hooks, webhooks, lookups, sms)
}

/// What goes on beside the API as long as the process does.
fn beside_api(api: &Api, secrets: &Secured, stopping: &watch::Receiver<bool>) -> [JoinHandle<()>; 5] {
    [
        tokio::spawn(http::metric::sum_up(stopping.clone())),
        start_tasks(api, stopping),
        tokio::spawn(http::sip_credential::watch(api.clone(), stopping.clone())),
        tokio::spawn(webhooks::run(api.clone(), stopping.clone())),
        tokio::spawn(secrets.clone().watch(stopping.clone())),
    ]
}

/// Resolves the hosts of trunks again and again.
fn start_refresh(
    config: &Config,
    api: &Api,
    names: &Arc<Names>,
    told: &[Arc<TenantConfig>],
    stopping: &watch::Receiver<bool>,
) -> JoinHandle<()> {
    let refresh = Refresh::new(api.clone(), Arc::clone(names), told.iter().map(Arc::as_ref));
    tokio::spawn(refresh.run(config.dns.refresh, stopping.clone()))
}

/// Looks after the certificates of `[acme]`, once HTTPS is there for the authority to look at. What is wanted can be changed.
fn start_keeper(
    config: &Config,
    secrets: &Secured,
    names: &Arc<Names>,
    health: &Health,
    stopping: &watch::Receiver<bool>,
) -> (watch::Sender<Wanted>, JoinHandle<()>) {
    let (wanted, hears) = watch::channel(Wanted::by(config));
    (wanted, tokio::spawn(secrets.keeper(config, names, health).run(hears, stopping.clone())))
}

fn start_tasks(api: &Api, stopping: &watch::Receiver<bool>) -> JoinHandle<()> {
    http::export::register(api);
    tokio::spawn(tasks::run(api.tasks().clone(), stopping.clone()))
}

/// Everything that is served by HTTP.
fn router(api: &Api, sip: &SipIo, console: http::console::Files) -> Router {
    http::console::before(http::router(api.clone()).merge(http::sip::router(sip.door())), console)
}

async fn listen_http(
    config: &Config,
    secrets: &Secured,
    router: Router,
    stopping: &watch::Receiver<bool>,
    say: &impl Fn(&str),
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut tasks = Vec::new();
    let plain = config.http.listen.iter().map(|address| (*address, Security::Plain));
    let acceptor = secrets.https()?;
    let secure = config.https.listen.iter().map(|address| (*address, Security::Tls(acceptor.clone())));
    for (address, security) in plain.chain(secure) {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen for HTTP on {address}; change http.listen or https.listen, or stop who has it")
        })?;
        let local = listener.local_addr()?;
        let scheme = match &security {
            Security::Plain => "http",
            Security::Tls(_) => "https",
        };
        for shown in reached(local) {
            say(&format!("console: {scheme}://{shown}/"));
            say(&format!("API: {scheme}://{shown}/api/docs"));
        }
        tasks.push(tokio::spawn(http::server::serve(listener, security, router.clone(), stopping.clone())));
    }
    Ok(tasks)
}

fn announce(sip: &SipIo, first: Option<&FirstLogin>, say: &impl Fn(&str)) {
    for address in sip.udp_addresses() {
        say(&format!("SIP: udp {address}"));
    }
    for address in sip.tcp_addresses() {
        say(&format!("SIP: tcp {address}"));
    }
    for address in sip.tls_addresses() {
        say(&format!("SIP: tls {address}"));
    }
    if let Some(first) = first {
        say(&first.text());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_on_all_addresses_of_a_family_is_reached_at_the_own_one_and_on_loopback() {
        for (bound, loopback, somewhere) in
            [("0.0.0.0:5060", "127.0.0.1:5060", SOMEWHERE), ("[::]:5060", "[::1]:5060", SOMEWHERE_V6)]
        {
            let own = route_source(somewhere).map(|ip| SocketAddr::new(ip, 5060));
            let mut expected: Vec<SocketAddr> = own.into_iter().chain([loopback.parse().unwrap()]).collect();
            expected.dedup();
            assert_eq!(reached(bound.parse().unwrap()), expected);
        }
        let one = "192.0.2.7:5060".parse().unwrap();
        assert_eq!(reached(one), [one]);
    }
}
