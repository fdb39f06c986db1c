//! The plugin takes in every fact exactly once, whenever it is stopped.
//!
//! The child is this test binary itself, run again with [`FOLDER`] set: the plugin on a log without end, until it is killed.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crm_plugin::{Crm, CrmStore, StoreError};
use hooks::fact::{CallEnded, EndCause, EndedBy, Event, Fact, SourceBanned};
use hooks::id::{CallId, TenantId};
use hooks::plugin::{Host, HostError, Plugin, Recorded};
use hooks::position::Position;

const FOLDER: &str = "CRM_CRASH_FOLDER";

/// A log of `facts` facts for each tenant, epochs of 100; each seventh is a ban, the others are calls that ended.
struct Log {
    folder: PathBuf,
    tenants: Vec<TenantId>,
    facts: u64,
    /// How often facts are asked for before the host stops, or fails, or panics.
    left: Mutex<u64>,
    end: fn() -> HostError,
}

fn recorded(tenant: &TenantId, number: u64) -> Recorded {
    let event = if number.is_multiple_of(7) {
        Event::SourceBanned(SourceBanned { source: "192.0.2.1".to_owned(), until_ms: 1, failures: 9 })
    } else {
        let call = CallId::new(1, number.into());
        Event::CallEnded(CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 })
    };
    let fact = Fact { tenant: tenant.clone(), at_ms: number, event };
    Recorded { position: Position { tenant: tenant.clone(), epoch: 1 + number / 100, number }, fact }
}

fn expected(facts: u64) -> BTreeMap<String, u64> {
    let counts = [("call.ended", facts - facts / 7), ("source.banned", facts / 7)];
    counts.into_iter().filter(|(_, n)| *n > 0).map(|(kind, n)| (kind.to_owned(), n)).collect()
}

impl Host for Log {
    fn tenants(&self) -> Vec<TenantId> {
        self.tenants.clone()
    }

    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(self.end)?;
        // Uneven batches.
        let limit = (after.number * 31 % 90 + 1).min(limit as u64);
        let numbers = after.number + 1..=(after.number + limit).min(self.facts);
        Ok(numbers.map(|number| recorded(&after.tenant, number)).collect())
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.clone()
    }
}

fn log(folder: &Path, facts: u64, left: u64) -> Log {
    let (folder, tenants, left) = (folder.to_owned(), vec![TenantId::first()], Mutex::new(left));
    Log { folder, tenants, facts, left, end: || HostError::Stopping }
}

/// What was counted is what the cursor says; gives the cursor.
fn check(folder: &Path, tenant: &TenantId) -> u64 {
    let mut store = CrmStore::open(folder).unwrap();
    let cursor = store.cursor(tenant).unwrap();
    assert_eq!(store.fact_counts(tenant).unwrap(), expected(cursor.number), "at {cursor}");
    cursor.number
}

#[test]
fn every_fact_of_every_tenant_is_counted_once_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let tenants: Vec<TenantId> = ["default", "other"].map(|tenant| tenant.parse().unwrap()).into();
    for left in [3, 1, 0, 20, 400] {
        let log = Log { tenants: tenants.clone(), ..log(folder.path(), 1_000, left) };
        Crm.run(&log).unwrap();
        tenants.iter().for_each(|tenant| _ = check(folder.path(), tenant));
    }
    for tenant in &tenants {
        assert_eq!(check(folder.path(), tenant), 1_000);
    }
}

#[test]
fn a_log_that_cannot_be_read_ends_the_run_with_the_reason_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let failing = Log { end: || HostError::Log("damaged".to_owned()), ..log(folder.path(), 50, 2) };
    let error = Crm.run(&failing).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    Crm.run(&log(folder.path(), 50, 100)).unwrap();
    assert_eq!(check(folder.path(), &TenantId::first()), 50);
}

#[test]
fn a_panic_in_the_middle_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let panicking = Log { end: || panic!("a bug in a plugin"), ..log(folder.path(), 500, 5) };
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Crm.run(&panicking)));
    assert!(run.is_err());
    assert!(check(folder.path(), &TenantId::first()) > 0);
    Crm.run(&log(folder.path(), 500, 1_000)).unwrap();
    assert_eq!(check(folder.path(), &TenantId::first()), 500);
}

#[test]
fn a_second_process_on_the_same_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |number| recorded(&TenantId::first(), number).position;
    let start = Position::start(TenantId::first());
    let mut store = CrmStore::open(folder.path()).unwrap();
    store.take(&start, &place(5), &BTreeMap::new()).unwrap();
    let counts = BTreeMap::from([("call.ended".to_owned(), 7)]);
    let twice = store.take(&start, &place(7), &counts);
    assert!(matches!(twice, Err(StoreError::Moved { .. })), "{twice:?}");
    assert_eq!(store.cursor(&TenantId::first()).unwrap(), place(5));
    assert!(store.fact_counts(&TenantId::first()).unwrap().is_empty());
}

/// Not a test by itself: consumes until it is killed.
#[test]
fn child_that_consumes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let _ended = Crm.run(&log(Path::new(&folder), u64::MAX >> 8, u64::MAX));
}

#[test]
fn a_killed_plugin_has_counted_exactly_what_its_cursor_says() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut before = 0;
    for round in 1..=6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_consumes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let wal = folder.path().join("crm.db-wal");
        // Until it writes, then a moment more, another one each time: where in a transaction that hits is chance.
        while std::fs::metadata(&wal).map_or(0, |wal| wal.len()) < 4_096 {
            assert!(Instant::now() < deadline, "the child writes nothing");
            std::thread::yield_now();
        }
        let until = Instant::now() + Duration::from_millis(7 * round);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let after = check(folder.path(), &TenantId::first());
        assert!(after >= before);
        before = after;
    }
    assert!(before > 0);
}
