//! Who an extension's request is from: digest, and what failed sign-ins bring.

use std::time::Duration;

use hooks::fact::Way;
use hooks::id::TenantId;
use sip::digest::{Challenger, DigestServer, Ha1, Refusal as DigestRefusal};
use sip::flow::Flow;
use sip::message::{Request, Response, StatusCode};
use sip::random::Random;
use sip::time::Now;

use crate::bans::{Bans, Penalty};
use crate::config::{Extension, NodeConfig, TenantConfig, way_of};
use crate::metrics::Metrics;
use crate::passes::Passes;
use crate::view::BanView;

/// Signs extensions in.
pub(crate) struct Doorman {
    digest: DigestServer,
    pub(crate) bans: Bans,
    pub(crate) passes: Passes,
    random: Random,
}

/// What a request is worth that should come from an extension.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// It is from this extension.
    Proven(&'a Extension),
    /// Answer it so, after this time.
    Refused {
        response: Response,
        delay: Duration,
        /// The source is banned from now on.
        banned: Option<BanView>,
    },
}

impl Doorman {
    pub(crate) fn new(node: &NodeConfig, random: &mut Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self {
            digest: DigestServer::new(Challenger::Server, &node.domain, &key, random),
            bans: Bans::new(node.limits),
            passes: Passes::default(),
            random: random.fork(),
        }
    }

    /// Whether a request has credentials for us, right or wrong.
    pub(crate) fn is_claimed(&self, request: &Request) -> bool {
        self.digest.claim(request).is_some()
    }

    /// Who sent the request. An unknown host, an unknown or disabled extension, and a wrong password look the same from
    /// outside. An extension that is not used by such phones refuses its own (PHONE-05).
    pub(crate) fn identify<'a>(
        &mut self,
        now: Now,
        metrics: &mut Metrics,
        tenant: Option<&'a TenantConfig>,
        request: &Request,
        flow: &Flow,
    ) -> Verdict<'a> {
        let Some(claim) = self.digest.claim(request) else {
            let response = self.challenge(now, metrics, request, None);
            return Verdict::Refused { response, delay: Duration::ZERO, banned: None };
        };
        let username = claim.username();
        let pass = tenant.and_then(|tenant| self.passes.of(&tenant.tenant, &username));
        let number = pass.map(|pass| pass.extension.clone()).or_else(|| username.parse().ok());
        let extension = number.and_then(|number| tenant?.extensions.get(&number)).filter(|extension| extension.enabled);
        let own = |extension: &Extension| Ha1 { md5: extension.ha1_md5, sha256: extension.ha1_sha256 };
        let ha1 = extension.map(|extension| pass.map_or_else(|| own(extension), |pass| pass.ha1));
        match (self.digest.verify(now, request, &claim, ha1.as_ref()), extension) {
            (Ok(()), Some(extension)) if extension.ways.allow_by(flow.transport) => Verdict::Proven(extension),
            // Who proved who it is may be told what is the matter.
            (Ok(()), Some(_)) => self.not_this_way(request, way_of(flow.transport)),
            // An unknown user never verifies; were it so, it would be refused like a wrong password.
            (Ok(()), None) | (Err(DigestRefusal::Wrong), _) => self.failed(now, metrics, request, flow),
            (Err(DigestRefusal::Stale), _) => {
                let response = self.challenge(now, metrics, request, Some(DigestRefusal::Stale));
                Verdict::Refused { response, delay: Duration::ZERO, banned: None }
            }
            (Err(DigestRefusal::OtherRequest), _) => {
                let response = Response::to_request(request, StatusCode::BAD_REQUEST, Some(&self.random.token()));
                Verdict::Refused { response, delay: Duration::ZERO, banned: None }
            }
        }
    }

    /// The user name of the pass that the sender of a proven request showed; `None` where it has the extension's password.
    pub(crate) fn pass_of(&self, tenant: &TenantId, request: &Request) -> Option<String> {
        let claim = self.digest.claim(request)?;
        self.passes.of(tenant, &claim.username()).map(|pass| pass.username.clone())
    }

    /// How long the sender of a proven request took to answer our challenge; `None` where it was not challenged for it.
    pub(crate) fn answered_after(&self, now: Now, request: &Request) -> Option<Duration> {
        self.digest.answered_after(now, &self.digest.claim(request)?)
    }

    fn challenge(
        &mut self,
        now: Now,
        metrics: &mut Metrics,
        request: &Request,
        why: Option<DigestRefusal>,
    ) -> Response {
        metrics.auth_challenges += 1;
        self.digest.challenge(now, request, &self.random.token(), why)
    }

    /// PHONE-05: the extension is not used by such phones.
    fn not_this_way<'a>(&mut self, request: &Request, way: Way) -> Verdict<'a> {
        let phrase = match way {
            Way::Web => "Web Phone Not Allowed",
            Way::Desk => "SIP Phone Not Allowed",
        };
        let response = Response::to_request(request, StatusCode::FORBIDDEN, Some(&self.random.token()));
        Verdict::Refused { response: response.with_reason(phrase), delay: Duration::ZERO, banned: None }
    }

    /// A failed sign-in counts against its source: the answer comes slowly, and at last the source is banned.
    fn failed<'a>(&mut self, now: Now, metrics: &mut Metrics, request: &Request, flow: &Flow) -> Verdict<'a> {
        metrics.auth_failures += 1;
        match self.bans.failed(flow.peer.ip(), now) {
            Penalty::Slowed(delay) => {
                let response = self.challenge(now, metrics, request, Some(DigestRefusal::Wrong));
                Verdict::Refused { response, delay, banned: None }
            }
            Penalty::Banned(ban) => {
                metrics.bans += 1;
                let response = Response::to_request(request, StatusCode::FORBIDDEN, Some(&self.random.token()));
                Verdict::Refused { response, delay: Duration::ZERO, banned: Some(ban) }
            }
        }
    }
}

impl std::fmt::Debug for Doorman {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorman").field("bans", &self.bans).finish_non_exhaustive()
    }
}
