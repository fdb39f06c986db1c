//! Tenants (企业) and the settings that hold for a whole tenant.

use dialplan::hours::Zone;
use dialplan::say::Language;
use hooks::fact::AudioFormat;
use hooks::id::TenantId;
use serde::Serialize;

use super::setting::{Setting, Stored, as_text, stored};
use super::sql::{Arg, Row, args, json, word};
use super::{Store, StoreError};
use crate::board_limits::BoardLimits;

/// A tenant as it is set. It is written with a [`super::setting::Change`] whose tenant is itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tenant {
    /// Its slug.
    #[serde(serialize_with = "as_text")]
    pub slug: TenantId,
    /// Its name for people.
    pub name: String,
    /// SIP domains that mean this tenant.
    pub domains: Vec<String>,
    /// IANA name; days begin in it (GEN-03).
    pub time_zone: String,
    /// In which language callers and members of conferences are spoken to.
    #[serde(serialize_with = "as_text")]
    pub language: Language,
    /// The default line (CALL-08).
    pub caller_number: Option<String>,
    /// Calls between two extensions are recorded, too.
    pub record_internal: bool,
    /// Emergency numbers (GEN-18).
    pub emergency: Vec<String>,
    /// For how many days recordings are kept (REC-06), 0 for ever; `None`: as the node says.
    pub recording_keep_days: Option<u64>,
    /// How recordings are kept; `None`: as the node says.
    pub recording_format: Option<AudioFormat>,
    /// From where on figures of the wallboard ask for attention.
    pub wallboard: BoardLimits,
    /// What "About us" shows (GEN-01).
    #[serde(flatten)]
    pub about: About,
    /// After how many minutes a lock is lifted by itself (LOGIN-06); 0: never.
    pub auto_unlock_min: u64,
}

/// What "About us" shows of an enterprise (GEN-01); each may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct About {
    /// The name of the product; empty: ours.
    pub product: String,
    /// Whom one calls for help.
    pub hotline: String,
    /// Its web site: http or https.
    pub website: String,
    /// Where it is.
    pub address: String,
}

impl Tenant {
    /// When its day began (GEN-03), ms since the Unix epoch; in UTC where nobody knows its zone.
    #[must_use]
    pub fn day_began_ms(&self, now_ms: u64) -> u64 {
        let now = i64::try_from(now_ms).unwrap_or(i64::MAX);
        let zone: Option<Zone> = self.time_zone.parse().ok();
        let began = zone.map_or(now - now.rem_euclid(86_400_000), |zone| zone.day(now).0);
        u64::try_from(began).unwrap_or_default()
    }

    /// A tenant with everything at its default.
    #[must_use]
    pub fn new(slug: TenantId, name: &str) -> Self {
        Self {
            slug,
            name: name.to_owned(),
            domains: Vec::new(),
            time_zone: "Asia/Shanghai".to_owned(),
            language: Language::ZhCn,
            caller_number: None,
            record_internal: false,
            emergency: dialplan::plan::EMERGENCY_DEFAULT.map(str::to_owned).to_vec(),
            recording_keep_days: None,
            recording_format: None,
            wallboard: BoardLimits::default(),
            about: About::default(),
            auto_unlock_min: 0,
        }
    }
}

impl Setting for Tenant {
    const RESOURCE: &'static str = "tenant";
    const TABLE: &'static str = "tenants";
    const KEY: &'static str = "slug";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "domains",
        "time_zone",
        "language",
        "caller_number",
        "record_internal",
        "emergency",
        "recording_keep_days",
        "recording_format",
        "wallboard",
        "product",
        "hotline",
        "website",
        "address",
        "auto_unlock_min",
    ];
    /// A tenant has one row: itself.
    const MAX: u64 = 1;

    fn key(&self) -> String {
        self.slug.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.name.as_str(),
            json(&self.domains),
            self.time_zone.as_str(),
            self.language.as_str(),
            self.caller_number.clone(),
            self.record_internal,
            json(&self.emergency),
            self.recording_keep_days,
            self.recording_format.map(|format| word(&format)),
            json(&self.wallboard),
            self.about.product.as_str(),
            self.about.hotline.as_str(),
            self.about.website.as_str(),
            self.about.address.as_str(),
            self.auto_unlock_min,
        ]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            slug: row.parsed("slug")?,
            name: row.text("name")?,
            domains: row.json("domains")?,
            time_zone: row.text("time_zone")?,
            language: row.parsed("language")?,
            caller_number: row.opt_text("caller_number")?,
            record_internal: row.flag("record_internal")?,
            emergency: row.json("emergency")?,
            recording_keep_days: row.opt_unsigned("recording_keep_days")?,
            recording_format: row.opt_word("recording_format")?,
            wallboard: row.json("wallboard")?,
            about: About {
                product: row.text("product")?,
                hotline: row.text("hotline")?,
                website: row.text("website")?,
                address: row.text("address")?,
            },
            auto_unlock_min: row.unsigned("auto_unlock_min")?,
        })
    }
}

impl Store {
    /// All tenants of the installation, by slug. Empty before the first start.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn tenants(&self) -> Result<Vec<Stored<Tenant>>, StoreError> {
        let rows = self.pool.read().await?.all("SELECT * FROM tenants ORDER BY slug", Vec::new()).await?;
        rows.iter().map(stored).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves GEN-03 (whose day it is, and when it begins): 00:00 in the tenant's zone, that of Shanghai where nothing is set.
    #[test]
    fn a_day_begins_at_midnight_in_the_tenants_zone() {
        let mut tenant = Tenant::new(TenantId::first(), "Ours");
        assert_eq!(tenant.time_zone, "Asia/Shanghai");
        let hour = 3_600_000;
        // 2026-11-22 00:00 UTC.
        let midnight = 1_795_305_600_000;
        for (zone, now, began) in [
            ("Asia/Shanghai", midnight, midnight - 8 * hour),
            ("Asia/Shanghai", midnight + 16 * hour - 1, midnight - 8 * hour),
            ("Asia/Shanghai", midnight + 16 * hour, midnight + 16 * hour),
            ("UTC", midnight + 23 * hour, midnight),
            ("America/New_York", midnight, midnight - 19 * hour),
            // The clocks were put back on the 1st: that day has 25 hours.
            ("America/New_York", midnight - 20 * 24 * hour + 4 * hour, midnight - 21 * 24 * hour + 4 * hour),
        ] {
            tenant.time_zone = zone.to_owned();
            assert_eq!(tenant.day_began_ms(now), began, "{zone} at {now}");
        }
    }
}
