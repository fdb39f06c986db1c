//! `[oidc]`: signing in by a provider of OpenID Connect.

use hooks::id::TenantId;

use super::credential::{self, Credential};
use super::reader::{Reader, text_of};

/// `[oidc]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// The provider, as it calls itself; without a slash at its end.
    pub issuer: String,
    /// As what we are registered there.
    pub client_id: String,
    /// What proves that we are that client; none: the client is public.
    pub client_secret: Option<Credential>,
    /// Where the provider sends people back to, as it is registered there.
    pub redirect: String,
    /// What is asked for.
    pub scopes: String,
    /// The claim of the ID token that names the employee.
    pub claim: String,
    /// By what it names him.
    pub matches: OidcMatch,
    /// In which tenant employees are looked for; none: in the only one.
    pub tenant: Option<TenantId>,
    /// What stands on the button.
    pub name: String,
    /// Also a provider of this machine or of networks that are not public, and without TLS.
    pub allow_private: bool,
}

/// What of an employee is compared with the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OidcMatch {
    /// The user name, without case.
    Login,
    /// The employee number.
    Number,
    /// The mobile, in its normal form.
    Mobile,
    /// The e-mail address, without case.
    Email,
}

const SCOPES: &str = "openid profile";
const CLAIM: &str = "preferred_username";
const NAME: &str = "SSO";
/// The path of the operation that takes who comes back.
const CALLBACK: &str = "/api/v1/session/oidc/callback";

pub(super) fn read(mut reader: Reader<'_>) -> Option<OidcConfig> {
    let allow_private = reader.flag("allow_private").unwrap_or(false);
    let issuer = reader.get("issuer", |node| server(text_of(node)?, allow_private));
    let client_id = reader.text("client_id").filter(|id| !id.is_empty());
    let client_secret = credential::read(&mut reader, ["client_secret", "client_secret_file"]);
    let redirect = reader.get("redirect", |node| redirect(text_of(node)?));
    let scopes = reader.get("scopes", |node| scopes(text_of(node)?)).unwrap_or_else(|| SCOPES.to_owned());
    let claim = reader.text("claim").filter(|claim| !claim.is_empty()).unwrap_or_else(|| CLAIM.to_owned());
    let kinds = [
        ("login", OidcMatch::Login),
        ("number", OidcMatch::Number),
        ("mobile", OidcMatch::Mobile),
        ("email", OidcMatch::Email),
    ];
    let matches = reader.word("matches", &kinds).unwrap_or(OidcMatch::Login);
    let tenant = reader.get("tenant", |node| match text_of(node)? {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("`{text}` is no ID of a tenant")),
    });
    let name = reader.text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| NAME.to_owned());
    let is_begun = issuer.is_some() || client_id.is_some() || redirect.is_some();
    if is_begun && (issuer.is_none() || client_id.is_none() || redirect.is_none()) {
        let place = reader.place().clone();
        reader.problem(place, "`oidc` needs all of `issuer`, `client_id` and `redirect`".to_owned());
    }
    reader.finish();
    Some(OidcConfig {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        redirect: redirect?,
        scopes,
        claim,
        matches,
        tenant: tenant.flatten(),
        name,
        allow_private,
    })
}

/// OpenID Connect Discovery 1.0 §3: an issuer is "a case-sensitive URL using the https scheme", without query and fragment.
fn server(text: &str, allow_private: bool) -> Result<String, String> {
    let rest = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if allow_private => rest,
        (None, Some(_)) => return Err("who signs in is not asked for in clear: write https://".to_owned()),
        (None, None) => "",
    };
    if rest.is_empty() || rest.contains(['?', '#', '@', ' ']) {
        return Err(format!("`{text}` is no issuer, write it as https://login.example/realms/ours"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// RFC 6749 §3.1.2: absolute, without a fragment. People are sent there by their browsers, so it may be of this machine.
fn redirect(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if is_web && text.ends_with(CALLBACK) {
        Ok(text.to_owned())
    } else {
        Err(format!("write it as https://pbx.example{CALLBACK}, under the name that browsers use"))
    }
}

/// OpenID Connect Core 1.0 §3.1.2.1: "OpenID Connect requests MUST contain the openid scope value".
fn scopes(text: &str) -> Result<String, String> {
    if text.split(' ').any(|scope| scope == "openid") {
        Ok(text.to_owned())
    } else {
        Err("`openid` must be among them".to_owned())
    }
}
