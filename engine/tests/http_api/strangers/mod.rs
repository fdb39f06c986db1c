//! Two tenants, each with one of everything and a canary in every free text: every operation of the document is asked by somebody of one for
//! what is the other's, by paths, queries and bodies. Nothing of the other is reached, changed, told, pushed or exported.

mod bodies;
mod plant;
mod reach;
mod walk;

use std::cell::RefCell;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::fixture::{Answer, Fixture, default_tenant, other_tenant};
use crate::rights::{Operation, is_of_the_session};
use bodies::Writer;
use plant::{Things, plant};

/// Two tenants: the one that is left alone, and that of who asks.
struct Two {
    fixture: Fixture,
    theirs: Things,
    own: Things,
    /// All that was wrong, told at the end of a walk.
    faults: RefCell<Vec<String>>,
}

impl Two {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let theirs = plant(&fixture, default_tenant(), 2).await;
        let own = plant(&fixture, other_tenant(), 3).await;
        fixture.switch.settings.lock().unwrap().clear();
        fixture.switch.commands.lock().unwrap().clear();
        Self { fixture, theirs, own, faults: RefCell::default() }
    }

    /// Who writes with numbers and names that nothing has so far.
    fn writer(&self, n: &mut u32) -> Writer<'_> {
        *n += 1;
        Writer { canary: &self.own.canary, secret: &self.own.secret, n: *n }
    }

    /// Notes what is wrong where it does not hold.
    fn require(&self, holds: bool, wrong: impl FnOnce() -> String) {
        if !holds {
            self.faults.borrow_mut().push(wrong().chars().take(TOLD_MAX).collect());
        }
    }

    /// At the end of a walk.
    fn is_well(&self) {
        let faults = self.faults.borrow();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Only what is documented, and nothing of the other tenant's.
    fn check(&self, operation: &Operation, answer: &Answer) {
        let told = format!("{} gave {}", operation.id, answer.status);
        let (body, headers) = (String::from_utf8_lossy(&answer.bytes), format!("{:?}", answer.headers));
        let documented = operation.statuses.iter().any(|it| it == answer.status.as_str());
        self.require(documented, || format!("undocumented: {told}: {body}"));
        for foreign in [&self.theirs.canary, &self.theirs.secret, &self.theirs.number] {
            let tells = body.contains(foreign.as_str()) || headers.contains(foreign.as_str());
            self.require(!tells, || format!("another's: {told}: {body}"));
        }
        let own_secret = body.contains(&self.own.secret) || headers.contains(&self.own.secret);
        let may_tell = TELLS_SECRETS.contains(&operation.id.as_str());
        self.require(!own_secret || may_tell, || format!("a secret: {told}: {body}"));
    }

    /// Every row of the other tenant, and what else is its own.
    async fn dump(&self) -> Dump {
        let tenant = self.theirs.tenant.as_str();
        let file = SqliteConnectOptions::new().filename(self.fixture.folder.path().join("test.db"));
        let mut database = file.connect().await.unwrap();
        let mut rows = Vec::new();
        for (table, column) in tables(&mut database).await {
            rows.extend(rows_of(&mut database, &table, &column, tenant).await);
        }
        let folder = self.fixture.folder.path();
        let mut files = Vec::new();
        for below in ["recordings", "prompts", "journal"] {
            gather(&folder.join(below).join(tenant), &mut files);
        }
        files.sort();
        assert!(rows.len() > 60 && files.len() > 2, "{} rows and {} files", rows.len(), files.len());
        let live = [
            format!("{:?}", self.fixture.live.calls(&self.theirs.tenant, None, 99)),
            format!("{:?}", self.fixture.live.agents(&self.theirs.tenant, 99)),
            format!("{:?}", self.fixture.live.queues(&self.theirs.tenant, 99)),
            format!("{:?}", self.fixture.live.conferences(&self.theirs.tenant, None, 99)),
        ];
        Dump { rows, files, live }
    }

    /// The other tenant is as it was, the switch was told nothing for it, and nothing else was wrong.
    async fn is_untouched(&self, before: &Dump) {
        self.is_well();
        assert_eq!(self.dump().await, *before);
        for (tenant, command) in self.fixture.switch.commands.lock().unwrap().iter() {
            assert_eq!(*tenant, self.own.tenant, "{command:?}");
            let told = format!("{command:?}");
            let foreign = [&self.theirs.canary, &self.theirs.secret, &self.theirs.number];
            assert!(foreign.iter().all(|canary| !told.contains(canary.as_str())), "{told}");
        }
        for (settings, _) in self.fixture.switch.settings.lock().unwrap().iter() {
            let told = format!("{settings:?}");
            assert!(told.contains("new") && !told.contains(&self.theirs.canary), "{told}");
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Dump {
    rows: Vec<String>,
    /// Each with its length.
    files: Vec<(String, u64)>,
    live: [String; 4],
}

/// Characters that are told of each fault.
const TOLD_MAX: usize = 600;

/// Operations whose answer tells a secret that people chose: once, to who made it.
const TELLS_SECRETS: [&str; 2] = ["create_extension", "renew_extension_password"];

/// The tables with rows of tenants, and the column that says whose.
async fn tables(database: &mut SqliteConnection) -> Vec<(String, String)> {
    let sql = "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns \
               WHERE tables.type = 'table' AND (columns.name = 'tenant' OR (tables.name = 'tenants' AND columns.name = 'slug'))";
    let tables: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(database).await.unwrap();
    assert!(tables.len() > 35, "{tables:?}");
    tables
}

async fn rows_of(database: &mut SqliteConnection, table: &str, column: &str, tenant: &str) -> Vec<String> {
    let sql = "SELECT group_concat('quote(\"' || name || '\")', '||'',''||') FROM pragma_table_info(?)";
    let (cells,): (String,) = sqlx::query_as(sql).bind(table).fetch_one(&mut *database).await.unwrap();
    let sql = format!("SELECT '{table} ' || {cells} FROM {table} WHERE {column} = ? ORDER BY 1");
    let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant).fetch_all(database).await.unwrap();
    rows.into_iter().map(|(row,)| row).collect()
}

fn gather(folder: &std::path::Path, files: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            gather(&entry.path(), files);
        } else {
            files.push((entry.path().display().to_string(), entry.metadata().unwrap().len()));
        }
    }
}

/// What is asked in one's tenant: not what ends one's own session, nor what is open to anybody.
fn is_asked(operation: &Operation) -> bool {
    (!is_of_the_session(operation) || operation.id == "make_sip_credential")
        && operation.permission != engine::http::operation::PUBLIC
}

/// The items of a list.
fn items(answer: &Answer) -> Option<Vec<Value>> {
    serde_json::from_slice::<Value>(&answer.bytes).ok()?.get("items")?.as_array().cloned()
}
