//! The plugin killed at work: what it has listed is what its cursor says.
//!
//! The child is this test binary itself, run again with [`FOLDER`] set: the plugin on a log without end, until it is killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crm_plugin::{Crm, CrmStore};
use hooks::directory::Employee;
use hooks::id::{CallId, TenantId};
use hooks::plugin::{Host, HostError, NotDialled, PermissionKey, Plugin as _, Recorded};
use hooks::position::Position;
use hooks::sms::{Message, NotSent};

use crate::host::{Centre, NOW, chief, folder, tenant};
use crate::story::{call, facts};

const FOLDER: &str = "CRM_CRASH_FOLDER";

/// A log without end: of each three facts the first begins a call, the second queues it and the third ends it, lost.
struct Endless(PathBuf);

fn recorded(number: u64) -> Recorded {
    let (n, step) = ((number - 1) / 3, (number - 1) % 3);
    let fact = facts(|it| {
        let (at, caller) = (n % 1_000, format!("138{:08}", n % 99_999_999));
        match step {
            0 => it.comes_in(at, call(n), &caller),
            1 => it.queues(at, call(n), "support"),
            _ => it.ends(at, call(n)),
        };
    });
    let position = Position { tenant: tenant(), epoch: 1 + number / 100, number };
    Recorded { position, fact: fact.into_iter().next().unwrap() }
}

impl Host for Endless {
    fn tenants(&self) -> Vec<TenantId> {
        vec![tenant()]
    }

    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError> {
        // Uneven batches.
        let limit = (after.number * 31 % 90 + 1).min(limit as u64);
        Ok((after.number + 1..=after.number + limit).map(recorded).collect())
    }

    fn data_dir(&self) -> PathBuf {
        self.0.clone()
    }

    fn now_ms(&self) -> u64 {
        NOW
    }

    fn day_began_ms(&self, _: &TenantId, _: u64) -> Result<u64, HostError> {
        Ok(0)
    }

    fn another_may(&self, _: &TenantId, _: PermissionKey, _: &str) -> Result<bool, HostError> {
        Ok(false)
    }

    fn send_sms(&self, _: &Message) -> Result<(), NotSent> {
        Ok(())
    }

    fn employee(&self, _: &TenantId, _: &str) -> Result<Option<Employee>, HostError> {
        Ok(None)
    }

    fn normal(&self, number: &str) -> String {
        number.to_owned()
    }

    fn location(&self, _: &str) -> String {
        String::new()
    }

    fn dial(&self, _: &TenantId, _: &str, _: &str) -> Result<CallId, NotDialled> {
        Err(NotDialled("nobody dials here".to_owned()))
    }
}

/// What is listed is what the cursor says; gives the cursor.
fn check(folder: &Path) -> u64 {
    let cursor = CrmStore::open(folder).unwrap().cursor(&tenant()).unwrap();
    let centre = Centre::reopened(folder, Vec::new());
    let rows = centre.list(&chief("1"), "list_crm_lost_calls", &[("from", 0.into()), ("limit", 1_000.into())]);
    assert_eq!(rows.len() as u64, cursor.number / 3, "at {cursor}");
    cursor.number
}

/// Not a test by itself: consumes until it is killed.
#[test]
fn child_that_consumes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let _ended = Crm::default().run(&Endless(folder.into()));
}

#[test]
fn a_killed_plugin_has_listed_exactly_what_its_cursor_says() {
    let folder = folder();
    let mut before = 0;
    for round in 1..=6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_that_consumes_until_it_is_killed", "--nocapture"])
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
        let until = Instant::now() + Duration::from_millis(30 + 7 * round);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let after = check(folder.path());
        assert!(after >= before);
        before = after;
    }
    assert!(before > 0);
}
