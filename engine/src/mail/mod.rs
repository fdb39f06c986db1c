//! Mails that tell of messages which callers left, where `[smtp]` names a server.
//!
//! What is due is read from the database each time and noted there when a server has taken it, so that nothing is lost when the process
//! is killed. Between the two the same mail may be sent again; it carries the same Message-ID, by which programs know it.

mod letter;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use dialplan::flow::name::Mailbox as VoiceBox;
use dialplan::number::ExtensionNumber;
use hooks::id::TenantId;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use recordings::Storage;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::watch;

use crate::config::{SmtpConfig, SmtpTls};
use crate::keeper;
use crate::store::extensions::Extension;
use crate::store::queues::Queue;
use crate::store::recordings::RecordingState;
use crate::store::scope::Sight;
use crate::store::tenants::Tenant;
use crate::store::voicemail_notices::{DueNotice, NoticeOutcome};
use crate::store::{Store, StoreError, unix_ms};
use letter::Letter;

/// How often it is looked whether there is something to tell.
const EVERY: Duration = Duration::from_secs(5);
/// Mails of a tenant in one round.
const AT_ONCE: u64 = 20;
/// The first pause after a server did not take a mail; doubled each time up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(60);
/// See [`PAUSE_MIN`].
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// A mail that no server took for so long is given up; older messages are not told of at all.
const GIVE_UP: Duration = Duration::from_secs(86_400);
/// How long a server may take for one mail.
const SERVER_MAX: Duration = Duration::from_secs(30);
/// The longest audio that is sent along, bytes; a longer message is told of without.
pub const ATTACHED_MAX: u64 = 10 << 20;

/// Tells of messages.
pub struct Mailer {
    config: SmtpConfig,
    /// The authorities that are believed, PEM.
    ca: PathBuf,
    store: Store,
    storage: Storage,
}

/// Why a server did not take a mail.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the authorities cannot be read: {0}")]
    Authorities(std::io::Error),
    #[error("the password cannot be read: {0}")]
    Password(std::io::Error),
    #[error("it lets us not in: {0}")]
    Unreachable(lettre::transport::smtp::Error),
    #[error("{0}")]
    Letter(#[from] lettre::error::Error),
    #[error("{0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SendError {
    /// Whether it is this mail that is refused, for good (RFC 5321 §4.2.3): not the sign-in, and not the server as a whole, whose greeting
    /// may be 554.
    fn is_final(&self) -> bool {
        match self {
            Self::Letter(_) => true,
            Self::Smtp(error) => {
                let code = error.status().map(u16::from);
                error.is_permanent() && code.is_some_and(|code| (550..=553).contains(&code))
            }
            Self::Unreachable(_) | Self::Authorities(_) | Self::Password(_) | Self::Store(_) => false,
        }
    }
}

impl Mailer {
    /// One that is not running yet. `ca` are the authorities that are believed.
    #[must_use]
    pub fn new(config: SmtpConfig, ca: PathBuf, store: Store, storage: Storage) -> Self {
        Self { config, ca, store, storage }
    }

    /// Tells until told to stop.
    pub async fn run(self, mut stopping: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopping.changed() => return,
            }
            tokio::select! {
                done = self.round(unix_ms()) => {
                    if let Err(error) = done {
                        tracing::warn!(%error, "mails about messages wait");
                    }
                }
                _ = stopping.changed() => return,
            }
        }
    }

    /// Tells of all that is due.
    async fn round(&self, now_ms: u64) -> Result<(), StoreError> {
        for tenant in self.store.tenants().await? {
            let tenant = tenant.value;
            let since_ms = now_ms.saturating_sub(millis(GIVE_UP));
            for due in self.store.notices_due(&tenant.slug, since_ms, now_ms, AT_ONCE).await? {
                let Some(outcome) = self.tell(&tenant, &due, now_ms).await? else { continue };
                metrics::counter!("switchboard_voicemail_mails_total", "result" => outcome.word()).increment(1);
                self.store.note_notice(&tenant.slug, due.message.voicemail, outcome).await?;
            }
        }
        Ok(())
    }

    /// Tells of one message; `None` where it is too early.
    async fn tell(&self, tenant: &Tenant, due: &DueNotice, now_ms: u64) -> Result<Option<NoticeOutcome>, StoreError> {
        let message = &due.message;
        let Some(to) = self.address(&tenant.slug, &message.mailbox).await? else {
            return Ok(Some(NoticeOutcome::Nobody));
        };
        let recording = self.store.recording(Sight::whole(&tenant.slug), message.voicemail).await?;
        let sound = match recording.map(|recording| recording.state) {
            // It is being finished.
            Some(RecordingState::Running) => return Ok(None),
            Some(RecordingState::Ready(file)) if self.config.attach && file.bytes <= ATTACHED_MAX => {
                let read = keeper::read_whole(&self.storage, &file).await;
                read.inspect_err(|error| tracing::warn!(%error, "a mail tells of a message without its audio")).ok()
            }
            Some(RecordingState::Ready(_) | RecordingState::Failed { .. } | RecordingState::Purged { .. }) | None => {
                None
            }
        };
        let letter = Letter { from: &self.config.from, to, tenant, message, sound };
        let outcome = match self.send(letter).await {
            Ok(()) => NoticeOutcome::Sent,
            Err(error) => {
                let outcome = after(&error, due.attempts, now_ms, message.left_at_ms);
                let (voicemail, result) = (message.voicemail, outcome.word());
                tracing::warn!(tenant = %tenant.slug, %voicemail, %error, result, "a mail about a message was not taken");
                outcome
            }
        };
        Ok(Some(outcome))
    }

    /// Who is told of messages in a box.
    async fn address(&self, tenant: &TenantId, mailbox: &str) -> Result<Option<Address>, StoreError> {
        let text = match mailbox.parse() {
            Ok(VoiceBox::Extension(number)) => self.of_extension(tenant, &number).await?,
            Ok(VoiceBox::Queue(queue)) => match self.store.get::<Queue>(tenant, queue.as_str()).await {
                Ok(queue) => queue.value.rules.voicemail_email,
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            },
            Err(_) => None,
        };
        // What was set was checked then.
        Ok(text.and_then(|text| text.parse().ok()))
    }

    async fn of_extension(&self, tenant: &TenantId, number: &ExtensionNumber) -> Result<Option<String>, StoreError> {
        match self.store.get::<Extension>(tenant, number.as_str()).await {
            Ok(extension) => Ok(extension.value.handling.voicemail_email),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn send(&self, letter: Letter<'_>) -> Result<(), SendError> {
        let mail = letter.write(&self.config.server)?;
        let transport = self.transport().await?;
        // What it says to us, before any mail, is about no mail. That it hangs up at our goodbye is no word.
        if let Err(error) = transport.test_connection().await
            && error.status().is_some()
        {
            return Err(SendError::Unreachable(error));
        }
        transport.send(mail).await?;
        Ok(())
    }

    /// Made anew each time: a mail is rare, and files may have changed.
    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let config = &self.config;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.server.as_str())
            .port(config.port)
            .timeout(Some(SERVER_MAX));
        builder = match config.tls {
            SmtpTls::Off => builder.tls(Tls::None),
            SmtpTls::StartTls => builder.tls(Tls::Required(self.trust().await?)),
            SmtpTls::Implicit => builder.tls(Tls::Wrapper(self.trust().await?)),
        };
        if let Some(user) = &config.user {
            builder = builder.credentials(Credentials::new(user.clone(), self.password().await?));
        }
        Ok(builder.build())
    }

    async fn password(&self) -> Result<String, SendError> {
        match (&self.config.password, &self.config.password_file) {
            (Some(password), _) => Ok(password.expose().to_owned()),
            (None, Some(file)) => {
                let text = tokio::fs::read_to_string(file).await.map_err(SendError::Password)?;
                Ok(text.lines().next().unwrap_or_default().trim_end().to_owned())
            }
            (None, None) => Ok(String::new()),
        }
    }

    async fn trust(&self) -> Result<TlsParameters, SendError> {
        let pem = tokio::fs::read(&self.ca).await.map_err(SendError::Authorities)?;
        let mut builder = TlsParameters::builder(self.config.server.clone()).certificate_store(CertificateStore::None);
        for authority in CertificateDer::pem_slice_iter(&pem).flatten() {
            // As elsewhere, one that is no authority is passed over: a bundle of the system has old ones.
            if RootCertStore::empty().add(authority.clone()).is_ok() {
                builder = builder.add_root_certificate(Certificate::from_der(authority.to_vec())?);
            }
        }
        Ok(builder.build()?)
    }
}

/// What becomes of a mail that was not taken, after so many tries before.
fn after(error: &SendError, attempts: u32, now_ms: u64, left_at_ms: u64) -> NoticeOutcome {
    if error.is_final() {
        return NoticeOutcome::Refused;
    }
    let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(attempts)).min(PAUSE_MAX);
    let at_ms = now_ms.saturating_add(millis(pause));
    let until_ms = left_at_ms.saturating_add(millis(GIVE_UP));
    if at_ms >= until_ms { NoticeOutcome::GivenUp } else { NoticeOutcome::Again { at_ms } }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a text is an address that a mail can be sent to.
///
/// # Errors
/// What is wrong with it.
pub fn check_address(text: &str) -> Result<(), String> {
    text.parse::<Address>().map(|_| ()).map_err(|error| format!("`{text}` is no mail address: {error}"))
}

/// Whether a text names a sender: `PBX <pbx@example.com>`.
///
/// # Errors
/// What is wrong with it.
pub fn sender(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| format!("`{text}` is no sender, write it as Switchboard <pbx@example.com>"))
}
