//! Asks an authority for the certificate of one name (RFC 8555 §7): account, order, proof, request, certificate.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, ExternalAccountKey, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::courier::Courier;
use super::folder::{Folder, KeptAccount};
use crate::config::{AcmeConfig, CredentialUnreadable, ExternalAccount};
use crate::tls::{self, Certificates, DIGEST_LEN, Proof, TlsError};

/// How long the authority may take to look at a name, or to sign.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a whole try may take.
const TRY_MAX: Duration = Duration::from_secs(300);
/// RFC 5280 appendix A: a common name has 64 letters at the most. A longer name stands among the alternative ones alone, as all do.
const COMMON_NAME_MAX: usize = 64;
/// RFC 8555 §6.7.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Why no certificate came.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    /// It refused.
    #[error("the authority refuses: {}", told(.0))]
    Refused(Problem),
    /// It looked whether the name is ours, and found that it is not.
    #[error("the authority cannot see that the name is ours: {}", told(.0))]
    Unproved(Problem),
    /// It has no way of looking that we know.
    #[error("the authority does not offer tls-alpn-01 for this name")]
    NoWay,
    /// It did not come to an end.
    #[error("the authority did not answer in time")]
    Late,
    /// It cannot be reached, or talks nonsense.
    #[error("the authority is away: {0}")]
    Away(String),
    /// `acme.eab_key` is none.
    #[error("acme.eab_key is not written in base64url")]
    NoKey,
    /// Its file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] CredentialUnreadable),
    /// A file cannot be written.
    #[error("what is kept for [acme] cannot be written: {0}")]
    Keep(#[from] std::io::Error),
    /// What came is no certificate for this name and key, or none could be asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<Error> for AcmeError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => Self::Refused(problem),
            Error::Timeout(_) => Self::Late,
            other => Self::Away(other.to_string()),
        }
    }
}

/// A problem for people: what it says, and its kind.
fn told(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().unwrap_or("about:blank").rsplit(':').next().unwrap_or_default();
    match &problem.detail {
        Some(detail) => format!("{detail} ({kind})"),
        None => kind.to_owned(),
    }
}

/// An authority, and what is kept of it.
pub(super) struct Authority<'a> {
    /// `[acme]`.
    pub config: &'a AcmeConfig,
    /// Where the account is kept.
    pub folder: &'a Folder,
    /// How it is reached.
    pub courier: Courier,
}

impl Authority<'_> {
    /// Gets a certificate with its chain and a key made for it, as one PEM text.
    ///
    /// # Errors
    /// [`AcmeError`].
    pub(super) async fn certificate(&self, certificates: &Arc<Certificates>, name: &str) -> Result<String, AcmeError> {
        let result = tokio::time::timeout(TRY_MAX, self.ask(certificates, name)).await.unwrap_or(Err(AcmeError::Late));
        if let Err(AcmeError::Refused(problem)) = &result
            && problem.r#type.as_deref() == Some(NO_ACCOUNT)
        {
            self.folder.forget_account(&self.config.directory);
        }
        result
    }

    async fn ask(&self, certificates: &Arc<Certificates>, name: &str) -> Result<String, AcmeError> {
        let account = self.account().await?;
        let mut order = account.new_order(&NewOrder::new(&[Identifier::Dns(name.to_owned())])).await?;
        self.prove(&mut order, certificates, name).await?;
        let (key, request) = request(name)?;
        order.finalize_csr(&request).await?;
        let chain = order.poll_certificate(&patience()).await?;
        let pem = format!("{}\n{}", key.serialize_pem().trim_end(), chain);
        tls::check(&pem, name)?;
        Ok(pem)
    }

    /// The account that is kept, or a new one; another contact has another account.
    async fn account(&self) -> Result<Account, AcmeError> {
        let AcmeConfig { directory, contact, external_account, .. } = self.config;
        let builder = Account::builder_with_http(Box::new(self.courier.clone()));
        if let Some(kept) = self.folder.account(directory).filter(|kept| kept.contact == *contact) {
            return Ok(builder.from_credentials(kept.credentials).await?);
        }
        let address = contact.as_ref().map(|contact| format!("mailto:{contact}"));
        let contacts: Vec<&str> = address.as_deref().into_iter().collect();
        let new = NewAccount { contact: &contacts, terms_of_service_agreed: true, only_return_existing: false };
        let external = external(external_account.as_ref()).await?;
        let (account, credentials) = builder.create(&new, directory.clone(), external.as_ref()).await?;
        self.folder.keep_account(directory, &KeptAccount { contact: contact.clone(), credentials })?;
        Ok(account)
    }

    /// Shows at the HTTPS port that the name is ours until the authority has seen it.
    async fn prove(&self, order: &mut Order, certificates: &Arc<Certificates>, name: &str) -> Result<(), AcmeError> {
        // Held until the authority has looked.
        let mut proofs = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).ok_or(AcmeError::NoWay)?;
            let mut digest = [0; DIGEST_LEN];
            digest.copy_from_slice(challenge.key_authorization().digest().as_ref());
            proofs.push(Proof::show(certificates, name, &digest)?);
            challenge.set_ready().await?;
        }
        let seen = order.poll_ready(&patience()).await;
        if let Ok(OrderStatus::Ready) = seen {
            return Ok(());
        }
        match unproved(order).await {
            Some(problem) => Err(AcmeError::Unproved(problem)),
            None => Err(seen.err().map_or(AcmeError::Late, AcmeError::from)),
        }
    }
}

/// Why a name was not found to be ours: the order itself does not say.
async fn unproved(order: &mut Order) -> Option<Problem> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.clone()) {
            return Some(problem);
        }
    }
    None
}

fn patience() -> RetryPolicy {
    RetryPolicy::new().timeout(PATIENCE)
}

/// RFC 8555 §7.3.4.
async fn external(account: Option<&ExternalAccount>) -> Result<Option<ExternalAccountKey>, AcmeError> {
    let Some(ExternalAccount { key_id, key }) = account else { return Ok(None) };
    let key = key.read().await?;
    let key = URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).map_err(|_| AcmeError::NoKey)?;
    Ok(Some(ExternalAccountKey::new(key_id.clone(), &key)))
}

/// A new key, and the request for a certificate of it (RFC 8555 §7.4), DER.
fn request(name: &str) -> Result<(KeyPair, Vec<u8>), AcmeError> {
    let made = || {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        if name.len() <= COMMON_NAME_MAX {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let request = params.serialize_request(&key)?.der().to_vec();
        Ok((key, request))
    };
    made().map_err(|error: rcgen::Error| TlsError::Make(error).into())
}
