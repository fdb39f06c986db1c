//! Whose a request is: by SIP domain, or by the trunk whose source it comes from (decision 8).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use hooks::id::TenantId;

use crate::config::{TenantConfig, Trunk};

/// The tenants of this node.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    by_id: BTreeMap<TenantId, Arc<TenantConfig>>,
    /// Lower case.
    by_domain: BTreeMap<String, TenantId>,
}

impl Tenants {
    /// A new tenant, or new settings of one; the old ones are returned.
    pub(crate) fn set(&mut self, config: Arc<TenantConfig>) -> Option<Arc<TenantConfig>> {
        let tenant = config.tenant.clone();
        self.by_domain.retain(|_, owner| *owner != tenant);
        for domain in &config.domains {
            self.by_domain.insert(domain.to_ascii_lowercase(), tenant.clone());
        }
        self.by_id.insert(tenant, config)
    }

    /// By id.
    pub(crate) fn by_id(&self, tenant: &TenantId) -> Option<&Arc<TenantConfig>> {
        self.by_id.get(tenant)
    }

    /// The tenant of a SIP host: by its domains; an address or an unknown host means the only tenant there is, and none
    /// where there are several.
    pub(crate) fn by_host(&self, host: &str) -> Option<&Arc<TenantConfig>> {
        let named = self.by_domain.get(host).or_else(|| self.by_domain.get(&host.to_ascii_lowercase()));
        if let Some(tenant) = named {
            return self.by_id.get(tenant);
        }
        let mut all = self.by_id.values();
        all.next().filter(|_| all.next().is_none())
    }

    /// The trunk that a source belongs to. Where several tenants share a carrier, the one whose routes name the number
    /// dialled best has it: one who takes all numbers takes none that is another's. The first where nobody names it.
    pub(crate) fn by_source(&self, source: IpAddr, did: Option<&str>) -> Option<(&Arc<TenantConfig>, &Trunk)> {
        let trunks = self.by_id.values().flat_map(|tenant| {
            tenant.trunks.values().filter(|trunk| is_source(trunk, source)).map(move |trunk| (tenant, trunk))
        });
        let fit = |(tenant, trunk): &(&Arc<TenantConfig>, &Trunk)| tenant.plan.inbound_fit(&trunk.name, did?);
        trunks.map(|it| (fit(&it), it)).reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, it)| it)
    }
}

fn is_source(trunk: &Trunk, source: IpAddr) -> bool {
    trunk.enabled && trunk.sources.iter().any(|net| net.contains(source))
}

#[cfg(test)]
mod tests {
    use dialplan::plan::{Destination, DidPattern, InboundRoute, Plan};
    use sip::flow::Transport;

    use super::*;
    use crate::config::Network;

    fn tenant(name: &str, domains: &[&str], did: &str) -> Arc<TenantConfig> {
        let trunk = Trunk {
            name: "lines".parse().unwrap(),
            targets: Vec::new(),
            transport: Transport::Udp,
            host: "carrier.example".into(),
            sources: vec![Network { address: IpAddr::from([192, 0, 2, 0]), prefix: 24 }],
            credentials: None,
            trusted: false,
            caller_number: None,
            record: false,
            enabled: true,
            policy: crate::config::TrunkPolicy::default(),
        };
        let route =
            InboundRoute { trunk: None, did: DidPattern::Exact(did.into()), to: Destination::EchoTest, hours: None };
        Arc::new(TenantConfig {
            tenant: name.parse().unwrap(),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            extensions: BTreeMap::new(),
            trunks: [(trunk.name.clone(), trunk)].into(),
            rooms: BTreeMap::new(),
            flows: BTreeMap::new(),
            agents: BTreeMap::new(),
            queues: BTreeMap::new(),
            hours: BTreeMap::new(),
            surveys: std::collections::BTreeMap::new(),
            blocks: Arc::default(),
            callers: Arc::default(),
            plan: Plan { inbound: vec![route], ..Plan::default() },
            language: dialplan::say::Language::En,
            caller_number: None,
            zone: "UTC".parse().expect("a zone that there is"),
            record_internal: false,
        })
    }

    fn name(found: Option<&Arc<TenantConfig>>) -> Option<&str> {
        found.map(|tenant| tenant.tenant.as_str())
    }

    #[test]
    fn an_unknown_host_means_the_only_tenant_there_is() {
        let mut tenants = Tenants::default();
        assert_eq!(name(tenants.by_host("192.0.2.1")), None);
        tenants.set(tenant("a", &["a.example"], "1"));
        assert_eq!(name(tenants.by_host("192.0.2.1")), Some("a"));
        tenants.set(tenant("b", &["B.example"], "2"));
        assert_eq!(name(tenants.by_host("192.0.2.1")), None);
        assert_eq!(name(tenants.by_host("A.EXAMPLE")), Some("a"));
        assert_eq!(name(tenants.by_host("b.example")), Some("b"));
        tenants.set(tenant("b", &["c.example"], "2"));
        assert_eq!(name(tenants.by_host("b.example")), None);
        assert_eq!(name(tenants.by_host("c.example")), Some("b"));
    }

    #[test]
    fn a_shared_carrier_is_told_apart_by_the_number() {
        let mut tenants = Tenants::default();
        tenants.set(tenant("a", &[], "1"));
        tenants.set(tenant("b", &[], "2"));
        let mut greedy = TenantConfig::clone(&tenant("0", &[], "7"));
        greedy.plan.inbound[0].did = DidPattern::Prefix(String::new());
        tenants.set(Arc::new(greedy));
        let found = |did| tenants.by_source(IpAddr::from([192, 0, 2, 9]), did).map(|(t, _)| t.tenant.as_str());
        assert_eq!(found(Some("1")), Some("a"), "who takes all takes none that is another's");
        assert_eq!(found(Some("2")), Some("b"));
        assert_eq!(found(Some("3")), Some("0"));
        assert_eq!(found(None), Some("0"));
        assert!(tenants.by_source(IpAddr::from([198, 51, 100, 1]), None).is_none());
    }
}
