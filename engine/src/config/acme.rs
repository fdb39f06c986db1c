//! `[acme]`: certificates of an authority that gives them by itself (RFC 8555).

use std::net::IpAddr;
use std::path::PathBuf;

use super::credential::{self, Credential};
use super::reader::{Reader, text_of};
use super::{Listen, TlsConfig, is_host};

/// `[acme]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeConfig {
    /// The names, in lower case, each once; at least one. The first one's certificate is shown to whoever names no host, too.
    pub domains: Vec<String>,
    /// Whom the authority may write to: an e-mail address.
    pub contact: Option<String>,
    /// The authority's directory, by HTTPS.
    pub directory: String,
    /// Who vouches for the directory itself, PEM; none: `tls.ca`.
    pub ca: Option<PathBuf>,
    /// As whom the authority knows us already.
    pub external_account: Option<ExternalAccount>,
}

/// An account with the authority that was opened elsewhere (RFC 8555 §7.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccount {
    /// Its ID there.
    pub key_id: String,
    /// What proves that it is ours, as the authority gives it: base64url.
    pub key: Credential,
}

/// Let's Encrypt.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Each name has a certificate of its own, and each is asked for alone.
const DOMAINS_MAX: usize = 100;

pub(super) fn read(mut reader: Reader<'_>, https: &Listen, tls: &TlsConfig) -> Option<AcmeConfig> {
    let mut domains: Vec<String> = Vec::new();
    for name in reader.list("domains", domain).unwrap_or_default() {
        if !domains.contains(&name) {
            domains.push(name);
        }
    }
    let accepts = reader.flag("accept_terms").unwrap_or(false);
    let contact = reader.get("contact", |node| contact(text_of(node)?)).flatten();
    let directory = reader.get("directory", |node| directory(text_of(node)?)).unwrap_or_else(|| DIRECTORY.to_owned());
    let ca = reader.text("ca").filter(|file| !file.is_empty()).map(PathBuf::from);
    let external_account = external_account(&mut reader);
    if !domains.is_empty() {
        let place = reader.place_of("domains");
        let wrong = |message: String| reader.problem(place.clone(), message);
        if !accepts {
            wrong(
                "`acme` needs accept_terms = true: you agree to what the authority asks of its subscribers".to_owned(),
            );
        }
        if https.listen.is_empty() {
            wrong("`acme` needs https.listen: that is where the authority looks whether a name is ours".to_owned());
        }
        if domains.len() > DOMAINS_MAX {
            wrong(format!("`acme.domains` holds {DOMAINS_MAX} names at the most"));
        }
        if let Some((name, _)) = tls.hosts.iter().find(|(name, _)| domains.contains(&name.to_ascii_lowercase())) {
            wrong(format!("`{name}` has a certificate in `[[tls.host]]`: name it there or here"));
        }
    }
    reader.finish();
    (!domains.is_empty()).then_some(AcmeConfig { domains, contact, directory, ca, external_account })
}

fn external_account(reader: &mut Reader<'_>) -> Option<ExternalAccount> {
    let key_id = reader.text("eab_key_id").filter(|id| !id.is_empty());
    let key = credential::read(reader, ["eab_key", "eab_key_file"]);
    if key_id.is_some() != key.is_some() {
        let place = reader.place_of("eab_key_id");
        reader.problem(place, "`acme` needs eab_key_id and either eab_key or eab_key_file, or none of them".to_owned());
    }
    Some(ExternalAccount { key_id: key_id?, key: key? })
}

/// RFC 8737 §3 proves names alone: for a wildcard an authority wants to see the DNS, and for an address another challenge.
fn domain(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    if !is_host(bare) || bare.parse::<IpAddr>().is_ok() || bare.starts_with('[') {
        return Err(format!("`{text}` is no name of a host, write it as pbx.example.com"));
    }
    if bare.len() < text.len() {
        return Err(format!("`{text}` cannot be proved at the HTTPS port: name each host, or use `[[tls.host]]`"));
    }
    Ok(text.to_ascii_lowercase())
}

fn contact(text: &str) -> Result<Option<String>, String> {
    let is_mail = text.split_once('@').is_some_and(|(who, at)| !who.is_empty() && is_host(at));
    match text {
        "" => Ok(None),
        _ if is_mail && !text.contains([' ', ',', '?']) => Ok(Some(text.to_owned())),
        _ => Err(format!("`{text}` is no e-mail address")),
    }
}

/// RFC 8555 §6.1: "ACME clients MUST use HTTPS".
fn directory(text: &str) -> Result<String, String> {
    match text.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && !rest.contains(['#', '@', ' ']) => Ok(text.to_owned()),
        Some(_) | None => Err(format!("`{text}` is no directory of an authority, write it as {DIRECTORY}")),
    }
}
