//! Extensions: accounts for phones. Their passwords are not kept, only the two HA1s that digest needs.

use dialplan::number::{ExtensionNumber, PickupGroup};
use serde::Serialize;
use sip::digest::{Ha1Md5, Ha1Sha256};

use super::StoreError;
use super::setting::{Hidden, Setting, as_text};
use super::sql::{Arg, Row, args, json};
use crate::call_handling::CallHandling;
use crate::secrets::{from_hex, to_hex};
use crate::srtp::SrtpPolicy;
use crate::ways::WaysAllowed;

/// An extension as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extension {
    /// Its number, which is also its SIP user name.
    #[serde(serialize_with = "as_text")]
    pub number: ExtensionNumber,
    /// Shown to the called party; may be empty.
    pub display_name: String,
    /// The digest realm for which the password was set; with another `sip.domain` a new password is needed.
    pub realm: String,
    /// MD5 of `number:realm:password`, 32 hexadecimal digits.
    pub ha1_md5: Hidden,
    /// SHA-256 of the same, 64 hexadecimal digits.
    pub ha1_sha256: Hidden,
    /// A disabled one can neither register nor call nor be called.
    pub enabled: bool,
    /// How long it rings; the node's `sip.ring_timeout_s` where none is set.
    pub ring_timeout_ms: Option<u64>,
    /// Its calls with the outside are recorded (REC-04).
    pub record: bool,
    /// Shown outside as the caller's number (CALL-08).
    pub caller_number: Option<String>,
    /// A SIP URI that is always bound, beside what registers: for phones and gateways that do not.
    pub contact: Option<String>,
    /// What becomes of its calls where it does not take them (AGT-18).
    pub handling: CallHandling,
    /// Whether its audio is encrypted.
    pub srtp: SrtpPolicy,
    /// Whose calls it picks up by `*8`, and who picks up its own.
    pub pickup_group: Option<PickupGroup>,
    /// By which kinds of phone it is used (PHONE-05).
    pub ways: WaysAllowed,
}

impl Extension {
    /// A new extension with everything at its default.
    #[must_use]
    pub fn new(number: ExtensionNumber, realm: &str, password: &str) -> Self {
        let hidden = || Hidden::new(String::new());
        let mut extension = Self {
            number,
            display_name: String::new(),
            realm: String::new(),
            ha1_md5: hidden(),
            ha1_sha256: hidden(),
            enabled: true,
            ring_timeout_ms: None,
            record: false,
            caller_number: None,
            contact: None,
            handling: CallHandling::default(),
            srtp: SrtpPolicy::default(),
            pickup_group: None,
            ways: WaysAllowed::default(),
        };
        extension.set_password(realm, password);
        extension
    }

    /// Sets the SIP password for a realm; only what is made of it is kept.
    pub fn set_password(&mut self, realm: &str, password: &str) {
        let ha1 = sip::digest::ha1(self.number.as_str(), realm, password);
        realm.clone_into(&mut self.realm);
        self.ha1_md5 = Hidden::new(to_hex(&ha1.md5.0));
        self.ha1_sha256 = Hidden::new(to_hex(&ha1.sha256.0));
    }

    /// The digest secrets as SIP wants them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the database holds something else.
    pub fn ha1(&self) -> Result<(Ha1Md5, Ha1Sha256), StoreError> {
        let md5 = from_hex(self.ha1_md5.expose())
            .ok_or_else(|| StoreError::corrupt("ha1_md5", "not 32 hexadecimal digits"))?;
        let sha256 = from_hex(self.ha1_sha256.expose())
            .ok_or_else(|| StoreError::corrupt("ha1_sha256", "not 64 hexadecimal digits"))?;
        Ok((Ha1Md5(md5), Ha1Sha256(sha256)))
    }
}

impl Setting for Extension {
    const RESOURCE: &'static str = "extension";
    const TABLE: &'static str = "extensions";
    const KEY: &'static str = "number";
    const COLUMNS: &'static [&'static str] = &[
        "display_name",
        "realm",
        "ha1_md5",
        "ha1_sha256",
        "enabled",
        "ring_timeout_ms",
        "record",
        "caller_number",
        "contact",
        "handling",
        "srtp",
        "pickup_group",
        "ways",
    ];
    /// Ten times the largest call centre we are asked for.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.number.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.display_name.as_str(),
            self.realm.as_str(),
            self.ha1_md5.expose(),
            self.ha1_sha256.expose(),
            self.enabled,
            self.ring_timeout_ms,
            self.record,
            self.caller_number.clone(),
            self.contact.clone(),
            json(&self.handling),
            self.srtp.as_str(),
            self.pickup_group.as_ref().map(ToString::to_string),
            self.ways.as_str(),
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        vec![&self.ha1_md5, &self.ha1_sha256]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.parsed("number")?,
            display_name: row.text("display_name")?,
            realm: row.text("realm")?,
            ha1_md5: Hidden::new(row.text("ha1_md5")?),
            ha1_sha256: Hidden::new(row.text("ha1_sha256")?),
            enabled: row.flag("enabled")?,
            ring_timeout_ms: row.opt_unsigned("ring_timeout_ms")?,
            record: row.flag("record")?,
            caller_number: row.opt_text("caller_number")?,
            contact: row.opt_text("contact")?,
            handling: row.json("handling")?,
            srtp: row.parsed("srtp")?,
            pickup_group: row.opt_parsed("pickup_group")?,
            ways: row.parsed("ways")?,
        })
    }
}
