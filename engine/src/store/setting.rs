//! Settings: rows that administrators make, change and delete. All of them are written here and nowhere else, so that no
//! change can be without its audit entry (who, when, what, from, to), its version (for `ETag`) and its origin.

use std::fmt;

use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};

use super::sql::{Arg, Conn, Row, args, places, word};
use super::{Store, StoreError, audit};

/// A kind of setting: an extension, a trunk, a route ... Its file under `store` says which table and columns it has.
/// What [`Serialize`] writes of it goes into the audit log, so secrets are [`Hidden`].
pub trait Setting: Clone + fmt::Debug + PartialEq + Serialize + Send + Sync + 'static {
    /// As the API, the audit log and the facts call it: `extension`.
    const RESOURCE: &'static str;
    /// Its table.
    const TABLE: &'static str;
    /// The column that names it within the tenant.
    const KEY: &'static str;
    /// The other columns of its own, in the order of [`Setting::args`].
    const COLUMNS: &'static [&'static str];
    /// How many a tenant may have.
    const MAX: u64;

    /// What stands in the column [`Setting::KEY`].
    fn key(&self) -> String;

    /// The values of [`Setting::COLUMNS`].
    fn args(&self) -> Vec<Arg>;

    /// What of it the audit log hides but for the news that it changed.
    fn secrets(&self) -> Vec<&Hidden> {
        Vec::new()
    }

    /// What else is written in the transaction of a change from `before` to `after`, as statements with their values.
    fn beside(_change: &Change, _before: Option<&Self>, _after: Option<&Self>) -> Vec<(&'static str, Vec<Arg>)> {
        Vec::new()
    }

    /// Read back from a row with all its columns.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Database`].
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

/// A text that is stored but never shown: a hash, a ciphertext. Written as `(hidden)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Hidden {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

/// Where a row came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The first start made it, or a provisioned agent needed it.
    Setup,
    /// Somebody made it through the API.
    Api,
    /// The command line.
    Cli,
    /// `[[provision.*]]` of the configuration file: read-only for all others.
    Provision,
}

/// Who changes something, where and when.
#[derive(Clone, Debug)]
pub struct Change {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who: a login name, `token:NAME`, `provision`, `setup` or `cli`.
    pub by: String,
    /// By which way.
    pub origin: Origin,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

impl Change {
    /// A change through the API, now.
    #[must_use]
    pub fn by(tenant: TenantId, who: impl Into<String>) -> Self {
        Self { tenant, by: who.into(), origin: Origin::Api, at_ms: super::unix_ms() }
    }

    /// A change by the installation itself, now; [`Change::by`] is the origin's word.
    #[must_use]
    pub fn system(tenant: TenantId, origin: Origin) -> Self {
        Self { tenant, by: word(&origin), origin, at_ms: super::unix_ms() }
    }
}

/// What was done to a setting, or to somebody at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// It is gone.
    Deleted,
    /// A supervisor listened, whispered, talked in, took over or ended a call (MON-29).
    Supervised,
    /// A supervisor set an agent's state (MON-19).
    Forced,
}

/// A setting as it stands in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<S> {
    /// What was set.
    pub value: S,
    /// Grows with each change: the `ETag`.
    pub version: u64,
    /// Where it came from.
    pub origin: Origin,
    /// When it was made, ms since the Unix epoch.
    pub created_at_ms: u64,
    /// When it was changed last.
    pub updated_at_ms: u64,
}

impl<S> Stored<S> {
    /// It comes from the configuration file: the API shows it and refuses to change it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.origin == Origin::Provision
    }
}

/// Which version of a setting a change is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever stands there.
    Any,
    /// This one (`If-Match`); any other is [`StoreError::Changed`].
    Version(u64),
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAsk {
    /// How many at most; [`PAGE_MAX`] bounds it.
    pub limit: u32,
    /// The [`Page::next`] of the page before.
    pub after: Option<String>,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What stands on it, in order.
    pub items: Vec<T>,
    /// Asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// More than this nobody gets on a page.
pub const PAGE_MAX: u32 = 1_000;

impl PageAsk {
    /// The first page.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// Rows to read: one more than asked, to see whether another page follows.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit.clamp(1, PAGE_MAX)) + 1
    }

    /// Cuts rows read by [`PageAsk::rows`] into a page; `key` names the last one.
    pub(crate) fn page<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let limit = usize::try_from(self.limit.clamp(1, PAGE_MAX)).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Page { items, next }
    }
}

impl Store {
    /// Begins changes of settings that are made together or not at all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn change(&self, change: Change) -> Result<SettingsTx, StoreError> {
        Ok(SettingsTx { conn: self.pool.write().await?, change, changed: Vec::new() })
    }

    /// Makes one new setting.
    ///
    /// # Errors
    /// As [`SettingsTx::create`].
    pub async fn create<S: Setting>(&self, change: Change, value: S) -> Result<Stored<S>, StoreError> {
        let mut tx = self.change(change).await?;
        let stored = tx.create(value).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Replaces one setting.
    ///
    /// # Errors
    /// As [`SettingsTx::update`].
    pub async fn update<S: Setting>(&self, change: Change, value: S, expect: Expect) -> Result<Stored<S>, StoreError> {
        let mut tx = self.change(change).await?;
        let stored = tx.update(value, expect).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Deletes one setting; what it was.
    ///
    /// # Errors
    /// As [`SettingsTx::delete`].
    pub async fn delete<S: Setting>(&self, change: Change, key: &str, expect: Expect) -> Result<S, StoreError> {
        let mut tx = self.change(change).await?;
        let gone = tx.delete(key, expect).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// One setting.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn find<S: Setting>(&self, tenant: &TenantId, key: &str) -> Result<Option<Stored<S>>, StoreError> {
        find(&mut self.pool.read().await?, tenant, key).await
    }

    /// As [`Store::find`], where none is an error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and as [`Store::find`].
    pub async fn get<S: Setting>(&self, tenant: &TenantId, key: &str) -> Result<Stored<S>, StoreError> {
        self.find(tenant, key).await?.ok_or_else(|| not_found::<S>(key))
    }

    /// A page of settings, by key.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub async fn list<S: Setting>(&self, tenant: &TenantId, ask: &PageAsk) -> Result<Page<Stored<S>>, StoreError> {
        let sql = format!(
            "SELECT * FROM {table} WHERE tenant = $1 AND {key} > $2 ORDER BY {key} LIMIT $3",
            table = S::TABLE,
            key = S::KEY
        );
        let after = ask.after.clone().unwrap_or_default();
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), after, ask.rows()]).await?;
        let items = rows.iter().map(stored::<S>).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |stored| stored.value.key()))
    }

    /// All settings of a kind, by key; [`Setting::MAX`] bounds them.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub async fn all<S: Setting>(&self, tenant: &TenantId) -> Result<Vec<Stored<S>>, StoreError> {
        all(&mut self.pool.read().await?, tenant).await
    }
}

/// Changes of settings in one transaction, each with its audit entry. Dropped without [`SettingsTx::commit`], nothing happened.
pub struct SettingsTx {
    conn: Conn,
    change: Change,
    changed: Vec<SettingsChanged>,
}

impl SettingsTx {
    /// Makes a new setting.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::TooMany`], [`StoreError::Database`].
    pub async fn create<S: Setting>(&mut self, value: S) -> Result<Stored<S>, StoreError> {
        self.check_room::<S>().await?;
        let at_ms = self.change.at_ms;
        let sql = format!(
            "INSERT INTO {} (tenant, {}, {}, origin, version, created_at_ms, updated_at_ms) VALUES ({})",
            S::TABLE,
            S::KEY,
            S::COLUMNS.join(", "),
            places(1, S::COLUMNS.len() + 6)
        );
        let mut args = args![self.change.tenant.as_str(), value.key()];
        args.extend(value.args());
        args.extend(args![word(&self.change.origin), 1_u64, at_ms, at_ms]);
        let inserted = self.conn.execute(sql, args).await;
        inserted.map_err(|error| {
            if error.is_taken() { StoreError::Exists { resource: S::RESOURCE, id: value.key() } } else { error }
        })?;
        self.audit(None, Some(&value)).await?;
        Ok(Stored { value, version: 1, origin: self.change.origin, created_at_ms: at_ms, updated_at_ms: at_ms })
    }

    /// Replaces a setting. Where nothing differs, nothing is written and the version stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::ReadOnly`], [`StoreError::Exists`] (a name that must be
    /// unique), [`StoreError::Database`].
    pub async fn update<S: Setting>(&mut self, value: S, expect: Expect) -> Result<Stored<S>, StoreError> {
        let before: Stored<S> = self.changeable(&value.key(), expect).await?;
        let origin = if self.change.origin == Origin::Provision { Origin::Provision } else { before.origin };
        if before.value == value && before.origin == origin {
            return Ok(before);
        }
        let set: Vec<String> =
            S::COLUMNS.iter().enumerate().map(|(i, column)| format!("{column} = ${}", i + 6)).collect();
        let sql = format!(
            "UPDATE {} SET {}, origin = $3, version = version + 1, updated_at_ms = $4 \
             WHERE tenant = $1 AND {} = $2 AND version = $5",
            S::TABLE,
            set.join(", "),
            S::KEY
        );
        let mut args =
            args![self.change.tenant.as_str(), value.key(), word(&origin), self.change.at_ms, before.version];
        args.extend(value.args());
        let changed = self.conn.execute(sql, args).await.map_err(|error| {
            if error.is_taken() { StoreError::Exists { resource: S::RESOURCE, id: value.key() } } else { error }
        })?;
        if changed == 0 {
            return Err(StoreError::Changed { resource: S::RESOURCE, id: value.key() });
        }
        self.audit(Some(&before.value), Some(&value)).await?;
        Ok(Stored {
            value,
            version: before.version + 1,
            origin,
            created_at_ms: before.created_at_ms,
            updated_at_ms: self.change.at_ms,
        })
    }

    /// Deletes a setting; what it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::ReadOnly`], [`StoreError::Database`].
    pub async fn delete<S: Setting>(&mut self, key: &str, expect: Expect) -> Result<S, StoreError> {
        let before: Stored<S> = self.changeable(key, expect).await?;
        let sql = format!("DELETE FROM {} WHERE tenant = $1 AND {} = $2 AND version = $3", S::TABLE, S::KEY);
        let gone = self.conn.execute(sql, args![self.change.tenant.as_str(), key, before.version]).await?;
        if gone == 0 {
            return Err(StoreError::Changed { resource: S::RESOURCE, id: key.to_owned() });
        }
        self.audit(Some(&before.value), None).await?;
        Ok(before.value)
    }

    /// One setting, as this transaction sees it.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub async fn find<S: Setting>(&mut self, key: &str) -> Result<Option<Stored<S>>, StoreError> {
        find(&mut self.conn, &self.change.tenant, key).await
    }

    /// All settings of a kind, as this transaction sees them.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub async fn all<S: Setting>(&mut self) -> Result<Vec<Stored<S>>, StoreError> {
        all(&mut self.conn, &self.change.tenant).await
    }

    /// Makes the changes last; the facts to tell about them, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`]: nothing was changed.
    pub async fn commit(self) -> Result<Vec<SettingsChanged>, StoreError> {
        self.conn.commit().await?;
        Ok(self.changed)
    }

    /// The transaction and its change, for the parts of a setting that are no columns of [`Setting::COLUMNS`].
    pub(super) fn parts(&mut self) -> (&mut Conn, &Change) {
        (&mut self.conn, &self.change)
    }

    async fn check_room<S: Setting>(&mut self) -> Result<(), StoreError> {
        let sql = format!("SELECT COUNT(*) AS n FROM {} WHERE tenant = $1", S::TABLE);
        let row = self.conn.first(sql, args![self.change.tenant.as_str()]).await?;
        let there: u64 = row.map_or(Ok(0), |row| row.unsigned("n"))?;
        if there >= S::MAX { Err(StoreError::TooMany { resource: S::RESOURCE, max: S::MAX }) } else { Ok(()) }
    }

    async fn changeable<S: Setting>(&mut self, key: &str, expect: Expect) -> Result<Stored<S>, StoreError> {
        let stored: Stored<S> = self.find(key).await?.ok_or_else(|| not_found::<S>(key))?;
        if stored.is_read_only() && self.change.origin != Origin::Provision {
            return Err(StoreError::ReadOnly { resource: S::RESOURCE, id: key.to_owned() });
        }
        match expect {
            Expect::Version(version) if version != stored.version => {
                Err(StoreError::Changed { resource: S::RESOURCE, id: key.to_owned() })
            }
            Expect::Any | Expect::Version(_) => Ok(stored),
        }
    }

    /// Writes what stands beside the row, and the audit entry.
    async fn audit<S: Setting>(&mut self, before: Option<&S>, after: Option<&S>) -> Result<(), StoreError> {
        let (key, action) = match (before, after) {
            (None, Some(value)) => (value.key(), Action::Created),
            (Some(_), Some(value)) => (value.key(), Action::Updated),
            (Some(value), None) => (value.key(), Action::Deleted),
            (None, None) => return Ok(()),
        };
        for (sql, args) in S::beside(&self.change, before, after) {
            self.conn.execute(sql, args).await?;
        }
        let mut shown_after = after.map(audit::shown);
        if let (Some(old), Some(new), Some(serde_json::Value::Object(shown))) = (before, after, &mut shown_after)
            && old.secrets() != new.secrets()
        {
            shown.insert("secrets".to_owned(), "changed".into());
        }
        self.note(audit::Entry::of(&self.change, S::RESOURCE, key, action, before.map(audit::shown), shown_after)).await
    }

    /// Writes the audit entry of a change that is no column of [`Setting::COLUMNS`].
    pub(super) async fn note_update(
        &mut self,
        resource: &str,
        key: &str,
        before: serde_json::Value,
        after: serde_json::Value,
    ) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.note(audit::Entry::of(&self.change, resource, key, Action::Updated, Some(before), Some(after))).await
    }

    async fn note(&mut self, entry: audit::Entry) -> Result<(), StoreError> {
        self.changed.push(SettingsChanged {
            by: entry.by.clone(),
            resource: entry.resource.clone(),
            id: entry.resource_id.clone(),
            action: word(&entry.action),
        });
        audit::insert(&mut self.conn, &self.change.tenant, &entry).await
    }
}

/// A name as it is compared: without case (GEN-16), without spaces around it.
#[must_use]
pub fn caseless(name: &str) -> String {
    name.trim().to_lowercase()
}

/// For `serialize_with`: a type of ours as people write it.
pub(super) fn as_text<T: fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// As [`as_text`], for a list.
pub(super) fn as_texts<T: fmt::Display, S: serde::Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}

fn not_found<S: Setting>(key: &str) -> StoreError {
    StoreError::NotFound { resource: S::RESOURCE, id: key.to_owned() }
}

pub(super) async fn find<S: Setting>(
    conn: &mut Conn,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<Stored<S>>, StoreError> {
    let sql = format!("SELECT * FROM {} WHERE tenant = $1 AND {} = $2", S::TABLE, S::KEY);
    let row = conn.first(sql, args![tenant.as_str(), key]).await?;
    row.as_ref().map(stored).transpose()
}

pub(super) async fn all<S: Setting>(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<Stored<S>>, StoreError> {
    let sql = format!("SELECT * FROM {} WHERE tenant = $1 ORDER BY {}", S::TABLE, S::KEY);
    let rows = conn.all(sql, args![tenant.as_str()]).await?;
    rows.iter().map(stored).collect()
}

pub(super) fn stored<S: Setting>(row: &Row) -> Result<Stored<S>, StoreError> {
    Ok(Stored {
        value: S::from_row(row)?,
        version: row.unsigned("version")?,
        origin: row.word("origin")?,
        created_at_ms: row.unsigned("created_at_ms")?,
        updated_at_ms: row.unsigned("updated_at_ms")?,
    })
}
