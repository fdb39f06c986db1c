//! SIP credentials of browsers: random, for one extension, and gone with the session that asked for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use dialplan::number::ExtensionNumber;
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use sip::digest::ha1;
use switch::input::Command;
use switch::output::Refused;
use switch::passes::Pass;
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::Body;
use super::operation::{Guard, Operations};
use super::permission::EXTENSIONS_USE;
use super::principal::{Principal, Who};
use super::problem::{FieldError, Kind, Problem};
use super::state::Api;
use crate::live::CommandError;
use crate::secrets::new_token;
use crate::store::unix_ms;

/// The operation.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(EXTENSIONS_USE), routes!(make_sip_credential))
}

/// For which phone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SipCredentialAsk {
    /// The extension that the browser shall be a phone of.
    #[schema(example = "1001")]
    extension: String,
}

/// What a page needs to be a phone. It ends with the session: at sign-out, at the next sign-in of the same employee, or after 12 h
/// without use; phones registered with it go then, calls that run go on.
#[derive(Serialize, ToSchema)]
pub struct SipCredential {
    /// The address of record, for From and To.
    #[schema(example = "sip:1001@pbx.example")]
    pub uri: String,
    /// The user name for the digest; another one than the extension's.
    pub username: String,
    /// The digest's realm.
    pub realm: String,
    /// The password.
    pub password: String,
    /// The path of SIP over WebSocket on this host, with the subprotocol `sip`.
    #[schema(example = "/sip")]
    pub path: String,
    /// For `RTCPeerConnection`: `ice.servers` of the configuration.
    pub ice_servers: Vec<IceServer>,
}

/// An entry of `iceServers`.
#[derive(Serialize, ToSchema)]
pub struct IceServer {
    /// `stun:` and `turn:` URIs.
    pub urls: Vec<String>,
}

/// Makes a SIP credential for a browser.
#[utoipa::path(post, path = "/session/sip-credential", tag = "session", request_body = SipCredentialAsk,
    responses((status = 200, body = SipCredential), (status = 409, description = "an API token has no session, or the extension takes no web phone"), (status = 422, description = "there is no such extension, or it is disabled")))]
async fn make_sip_credential(
    State(api): State<Api>,
    principal: Principal,
    Body(asked): Body<SipCredentialAsk>,
) -> Result<Json<SipCredential>, Problem> {
    let Who::Employee { number, session, .. } = &principal.who else {
        let detail = "an API token has no session that the credential could end with; sign in by POST /api/v1/session";
        return Err(Problem::new(Kind::Refused, detail));
    };
    let extension: ExtensionNumber = asked.extension.parse().map_err(|_| {
        Problem::invalid(vec![FieldError::new("extension", "write the number of an extension, like 1001")])
    })?;
    let domain = api.build_tenant(&principal.tenant).await?.config.domains.into_iter().next();
    let domain = domain.unwrap_or_else(|| api.realm().to_owned());
    let username = format!("{extension}-{}", random());
    let password = random();
    let realm = api.realm().to_owned();
    let pass = Pass {
        username: username.clone(),
        session: session.clone(),
        extension: extension.clone(),
        ha1: ha1(&username, &realm, &password),
    };
    // Noted first: a session that ends in between takes it along.
    api.browsers().note(session, Owner { tenant: principal.tenant.clone(), employee_no: number.clone() });
    let admitted = api.switch().command(principal.tenant.clone(), Command::Admit(Box::new(pass))).await;
    admitted.map_err(|error| match error {
        CommandError::Refused(Refused::NoSuchExtension) => {
            Problem::invalid(vec![FieldError::new("extension", Refused::NoSuchExtension.to_string())])
        }
        CommandError::Refused(_) | CommandError::Busy | CommandError::Stopping => Problem::from(error),
    })?;
    if !api.store().is_session_live(session, unix_ms()).await? {
        revoke(&api, session).await;
    }
    Ok(Json(SipCredential {
        uri: format!("sip:{extension}@{domain}"),
        username,
        realm,
        password,
        path: "/sip".to_owned(),
        ice_servers: match api.ice_servers() {
            [] => Vec::new(),
            urls => vec![IceServer { urls: urls.to_vec() }],
        },
    }))
}

/// As unguessable as a session's token, without its mark.
fn random() -> String {
    let token = new_token();
    token.rsplit('_').next().unwrap_or(&token).to_owned()
}

/// The sessions with which SIP credentials live.
#[derive(Debug, Default)]
pub struct Browsers(Mutex<BTreeMap<String, Owner>>);

/// Whose session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    tenant: TenantId,
    employee_no: String,
}

impl Browsers {
    fn note(&self, session: &str, owner: Owner) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(session.to_owned(), owner);
    }

    fn forget(&self, session: &str) -> Option<Owner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session)
    }

    fn sessions(&self) -> Vec<(String, Owner)> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().map(|(session, owner)| (session.clone(), owner.clone())).collect()
    }
}

/// A session ended: its SIP credentials do, too.
pub async fn revoke(api: &Api, session: &str) {
    let Some(owner) = api.browsers().forget(session) else { return };
    let revoked = api.switch().command(owner.tenant.clone(), Command::Revoke(session.to_owned())).await;
    if let Err(error) = revoked {
        // The next look tries again.
        tracing::warn!(%error, "a session ended, and its SIP credentials did not");
        api.browsers().note(session, owner);
    }
}

/// All sessions of an employee ended.
pub async fn revoke_all_of(api: &Api, tenant: &TenantId, employee_no: &str) {
    for (session, owner) in api.browsers().sessions() {
        if owner.tenant == *tenant && owner.employee_no == employee_no {
            revoke(api, &session).await;
        }
    }
}

/// Takes back the credentials of sessions that ended by themselves, or with their employee.
///
/// # Errors
/// When the database cannot be asked; what was found is taken back.
pub async fn revoke_ended(api: &Api, now_ms: u64) -> Result<(), Problem> {
    for (session, _) in api.browsers().sessions() {
        if !api.store().is_session_live(&session, now_ms).await? {
            revoke(api, &session).await;
        }
    }
    Ok(())
}

/// Looks after the credentials until the process stops.
pub async fn watch(api: Api, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopping.changed() => return,
        }
        if revoke_ended(&api, unix_ms()).await.is_err() {
            tracing::warn!("cannot look after SIP credentials of sessions: the database is away");
        }
    }
}

/// How long a session's credentials may outlive one that ends otherwise than by sign-out or sign-in.
const LOOK_EVERY: Duration = Duration::from_secs(30);
