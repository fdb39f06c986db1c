//! Moving a whole database. The rows are compared by SQL of the test's own, not by the sums that the move compares.

use std::collections::BTreeMap;

use hooks::fact::{CallCreated, CallEnded, CallSource, Direction, EndCause, EndedBy, Event, Fact};
use hooks::id::{CallId, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqliteConnection};

use super::{Scratch, postgres, sqlite};
use crate::config::StorageUrl;
use crate::consumers::call_records::CallRecords;
use crate::journal::JournalOptions;
use crate::journal::facts::FactJournal;
use crate::store::Store;
use crate::store::transfer::TransferError;

/// More than one page of rows.
const MANY: i64 = 1_203;

/// Where a test moves to: PostgreSQL where there is one, another file of SQLite in any case.
async fn targets(folder: &tempfile::TempDir) -> Vec<Scratch> {
    let url = StorageUrl::Sqlite(folder.path().join("target.db"));
    let mut targets = vec![Scratch { store: Store::open(&url).await.unwrap(), url }];
    if let Ok(server) = std::env::var("SWITCHBOARD_TEST_POSTGRES") {
        targets.push(postgres(&server).await);
    }
    targets
}

/// Every table of the schema with its columns: name, whether it holds numbers, whether it may be NULL.
async fn schema(conn: &mut SqliteConnection) -> BTreeMap<String, Vec<(String, bool, bool)>> {
    let sql = "SELECT m.name AS t, p.name AS c, p.type AS type, p.\"notnull\" OR p.pk > 0 AS needed \
               FROM sqlite_master m, pragma_table_info(m.name) p \
               WHERE m.type = 'table' AND m.name NOT IN ('_sqlx_migrations', 'sqlite_sequence') ORDER BY p.cid";
    let mut tables: BTreeMap<String, Vec<(String, bool, bool)>> = BTreeMap::new();
    for row in conn.fetch_all(sql).await.unwrap() {
        let (is_number, needed) = (row.get::<&str, _>("type") != "TEXT", row.get::<bool, _>("needed"));
        tables.entry(row.get("t")).or_default().push((row.get("c"), is_number, !needed));
    }
    tables
}

/// Puts rows into every table: odd texts, the greatest and the least numbers, NULL wherever it may be.
async fn fill(conn: &mut SqliteConnection) -> BTreeMap<String, Vec<(String, bool, bool)>> {
    let tables = schema(conn).await;
    for (table, columns) in &tables {
        for n in 0..if table == "audit" { MANY } else { 3 } {
            let value = |(name, is_number, may_be_null): &(String, bool, bool)| match (is_number, may_be_null, n) {
                (_, true, 2) => "NULL".to_owned(),
                (true, _, 0) => i64::MAX.to_string(),
                (true, _, 1) => (i64::MIN + 1).to_string(),
                (true, _, _) => n.to_string(),
                (false, _, _) => format!("'{name} {n}: 雪 🦀 it''s {{\"a\": [1, \"\\\\\"]}}\n\t%'"),
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let sql = format!("INSERT INTO {table} VALUES ({})", values.join(", "));
            conn.execute(AssertSqlSafe(sql)).await.unwrap();
        }
    }
    tables
}

/// Every row as one text, sorted.
fn query(table: &str, columns: &[(String, bool, bool)]) -> String {
    let text = |(name, ..): &(String, bool, bool)| format!("COALESCE(CAST(\"{name}\" AS TEXT), '<null>')");
    format!("SELECT {} AS line FROM {table}", columns.iter().map(text).collect::<Vec<_>>().join(" || '|' || "))
}

async fn lines(url: &StorageUrl, sql: String) -> Vec<String> {
    let mut lines: Vec<String> = match url {
        StorageUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
            conn.fetch_all(AssertSqlSafe(sql)).await.unwrap().iter().map(|row| row.get("line")).collect()
        }
        StorageUrl::Postgres(url) => {
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            conn.fetch_all(AssertSqlSafe(sql)).await.unwrap().iter().map(|row| row.get("line")).collect()
        }
    };
    lines.sort();
    lines
}

async fn connect(url: &StorageUrl) -> SqliteConnection {
    let StorageUrl::Sqlite(path) = url else { panic!("{url:?}") };
    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

#[tokio::test]
async fn every_row_of_every_table_is_moved_as_it_is_and_back_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(&folder).await;
    let tables = fill(&mut connect(&source.url).await).await;
    assert!(tables.len() >= 25 && tables.contains_key("call_records"), "{:?}", tables.keys());
    for (n, target) in targets(&folder).await.into_iter().enumerate() {
        let copied = source.store.copy_all(&target.store).await.unwrap();
        let moved: Vec<&str> = copied.iter().map(|copied| copied.table.as_str()).collect();
        for (table, columns) in &tables {
            assert!(moved.contains(&table.as_str()), "{table} is not copied");
            let there = lines(&target.url, query(table, columns)).await;
            assert!(!there.is_empty(), "{table} is empty");
            assert_eq!(there, lines(&source.url, query(table, columns)).await, "{table}");
        }
        let url = StorageUrl::Sqlite(folder.path().join(format!("back-{n}.db")));
        let back = Store::open(&url).await.unwrap();
        target.store.copy_all(&back).await.unwrap();
        assert_eq!(back.sums().await.unwrap(), source.store.sums().await.unwrap());
        let again = source.store.copy_all(&target.store).await.unwrap_err();
        assert!(matches!(again, TransferError::NotEmpty { .. }), "{again}");
    }
}

#[tokio::test]
async fn a_target_of_another_schema_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(&folder).await;
    fill(&mut connect(&source.url).await).await;
    for target in targets(&folder).await {
        let mut conn = target.store.pool.write().await.unwrap();
        conn.execute("ALTER TABLE voicemails DROP COLUMN caller_name", Vec::new()).await.unwrap();
        conn.commit().await.unwrap();
        let error = source.store.copy_all(&target.store).await.unwrap_err();
        assert!(error.to_string().contains("voicemails.caller_name"), "{error}");
        assert!(target.store.sums().await.unwrap().iter().all(|copied| copied.sum.rows == 0));
    }
}

fn facts_of_call(n: u64) -> Vec<Fact> {
    let call = CallId::new(1_000_000 + n, u128::from(n));
    let created = CallCreated {
        call,
        direction: Direction::Internal,
        source: CallSource::Dialled,
        caller: "1001".into(),
        caller_name: String::new(),
        callee: "1002".into(),
        trunk: None,
        emergency: false,
        diverted_from: None,
    };
    let ended = CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 };
    let fact = |at_ms, event| Fact { tenant: TenantId::first(), at_ms, event };
    vec![fact(1_000_000 + n, Event::CallCreated(created)), fact(1_000_500 + n, Event::CallEnded(ended))]
}

#[tokio::test]
async fn a_consumer_goes_on_in_the_other_database_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let options = JournalOptions::new(&folder.path().join("journal"), TenantId::first());
    let mut journal = FactJournal::open(&options).unwrap();
    let source = sqlite(&folder).await;
    // The last of the first half has not ended when the server stops.
    let (first, second) = (0..21, 20..40);
    for n in first {
        let facts = facts_of_call(n);
        journal.append(if n == 20 { &facts[..1] } else { &facts }).unwrap();
    }
    let caught_up = async |store: &Store, journal: &FactJournal| {
        let mut consumer = CallRecords::new(store.clone(), journal.handle());
        while consumer.is_behind() {
            consumer.step().await.unwrap();
        }
    };
    caught_up(&source.store, &journal).await;
    let targets = targets(&folder).await;
    for target in &targets {
        source.store.copy_all(&target.store).await.unwrap();
    }
    for n in second {
        let facts = facts_of_call(n);
        journal.append(if n == 20 { &facts[1..] } else { &facts }).unwrap();
    }
    let url = StorageUrl::Sqlite(folder.path().join("never-moved.db"));
    let never_moved = Store::open(&url).await.unwrap();
    caught_up(&never_moved, &journal).await;
    let expected = never_moved.sums().await.unwrap();
    assert!(expected.iter().any(|copied| copied.table == "call_records" && copied.sum.rows == 40));
    for target in targets {
        caught_up(&target.store, &journal).await;
        assert_eq!(target.store.sums().await.unwrap(), expected);
    }
}
