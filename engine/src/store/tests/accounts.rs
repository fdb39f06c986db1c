use hooks::id::TenantId;

use super::on_each_database;
use crate::secrets::{hash_password, new_token, new_ulid, token_hash, verify_password};
use crate::store::api_tokens::ApiToken;
use crate::store::audit::AuditFilter;
use crate::store::departments::Department;
use crate::store::employees::{Employee, Employment, FailedLogin, LoginOutcome, LoginSeen, NewPassword};
use crate::store::idempotency::{KEPT_MS, Key, Seen};
use crate::store::logins::{LoginFilter, LoginWay, SignInWay};
use crate::store::roles::{DataPermission, Role};
use crate::store::scope::Sight;
use crate::store::sessions::{NewSession, SESSION_IDLE_MS};
use crate::store::setting::{Change, Expect, Hidden, PageAsk};
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError};

fn here() -> TenantId {
    TenantId::first()
}

fn by_admin() -> Change {
    Change::by(here(), "admin")
}

fn employee(number: &str, login: &str) -> Employee {
    Employee { login: login.into(), name: "Somebody".into(), ..Employee::new(number, Hidden::new("$argon2id$".into())) }
}

fn session(number: &str, token: &str, at_ms: u64) -> NewSession {
    NewSession {
        employee_no: number.into(),
        token_hash: token_hash(token),
        address: "192.0.2.1".into(),
        user_agent: "test".into(),
        way: LoginWay::Password,
        at_ms,
    }
}

async fn with_employee(store: &Store) -> Employee {
    let employee = employee("10001", "alice");
    store.create(by_admin(), Department::root("Default")).await.unwrap();
    store.create(by_admin(), Role::agent()).await.unwrap();
    store.create(by_admin(), employee.clone()).await.unwrap();
    employee
}

/// Proves LOGIN-04 (user name or employee number).
#[test]
fn an_account_is_found_by_user_name_or_employee_number() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let alice = with_employee(store).await;
        store.create(by_admin(), employee("alice", "10002")).await.unwrap();
        assert_eq!(store.account(&here(), "10001").await.unwrap().unwrap().employee.value, alice);
        let by_name = store.account(&here(), "alice").await.unwrap().unwrap();
        assert_eq!(by_name.employee.value, alice, "the user name goes first");
        assert_eq!(store.account(&here(), "nobody").await.unwrap(), None);
        assert_eq!(store.account(&"other".parse().unwrap(), "alice").await.unwrap(), None);
        let taken = store.create(by_admin(), employee("10003", "alice")).await;
        assert!(matches!(taken, Err(StoreError::Exists { .. })), "{taken:?}");
    });
}

/// Proves LOGIN-06.
#[test]
fn five_wrong_passwords_in_a_row_lock_until_somebody_unlocks() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_employee(store).await;
        for n in 1..=4 {
            assert_eq!(store.login_failed(&here(), "10001", 50).await.unwrap(), FailedLogin::Counted(n));
        }
        store.login_succeeded(&here(), "10001").await.unwrap();
        for n in 1..=4 {
            assert_eq!(store.login_failed(&here(), "10001", 60).await.unwrap(), FailedLogin::Counted(n));
        }
        assert_eq!(store.login_failed(&here(), "10001", 70).await.unwrap(), FailedLogin::Locked);
        assert_eq!(store.login_failed(&here(), "10001", 80).await.unwrap(), FailedLogin::Locked);
        store.login_succeeded(&here(), "10001").await.unwrap();
        let account = store.account(&here(), "alice").await.unwrap().unwrap();
        assert_eq!(account.locked_at_ms, Some(70), "a right password does not unlock");
        store.unlock(by_admin(), "10001").await.unwrap();
        let account = store.account(&here(), "alice").await.unwrap().unwrap();
        assert_eq!((account.locked_at_ms, account.failed_logins), (None, 0));
        let log = store.audit(&here(), &AuditFilter::of("employee"), &PageAsk::first(1)).await.unwrap().items;
        assert_eq!(log[0].before.as_ref().unwrap()["locked"], true);
    });
}

/// Proves LOGIN-06 (`auto_unlock_min`).
#[test]
fn a_lock_is_lifted_after_as_many_minutes_as_the_tenant_says() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_employee(store).await;
        store.create(by_admin(), employee("10002", "bob")).await.unwrap();
        let tenant = store.create(by_admin(), Tenant::new(here(), "Ours")).await.unwrap();
        for (number, at_ms) in [("10001", 1_000), ("10002", 2_000)] {
            for _ in 0..5 {
                store.login_failed(&here(), number, at_ms).await.unwrap();
            }
        }
        let locked = async |number| {
            let account = store.employee(Sight::whole(&here()), number).await.unwrap().unwrap();
            (account.locked_at_ms, account.failed_logins)
        };
        assert_eq!(store.lift_locks(&here(), u64::MAX / 2).await.unwrap(), 0, "0 is never");
        let set = Tenant { auto_unlock_min: 10, ..tenant.value };
        store.update(by_admin(), set, Expect::Version(tenant.version)).await.unwrap();
        assert_eq!(store.lift_locks(&here(), 600_999).await.unwrap(), 0);
        assert_eq!(locked("10001").await, (Some(1_000), 5));
        assert_eq!(store.lift_locks(&here(), 601_000).await.unwrap(), 1);
        assert_eq!(locked("10001").await, (None, 0));
        assert_eq!(locked("10002").await, (Some(2_000), 5));
        let log = store.audit(&here(), &AuditFilter::of("employee"), &PageAsk::first(1)).await.unwrap().items;
        assert_eq!((log[0].by.as_str(), &log[0].before.as_ref().unwrap()["locked"]), ("auto_unlock", &true.into()));
    });
}

#[test]
fn a_new_password_holds_and_ends_the_sessions() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_employee(store).await;
        store.open_session(&here(), &session("10001", "t", 1_000)).await.unwrap();
        let new = NewPassword::Chosen(hash_password("new one"));
        store.set_password(by_admin(), "10001", new).await.unwrap();
        let account = store.account(&here(), "alice").await.unwrap().unwrap().employee.value;
        assert!(verify_password(&account.password_hash, "new one").unwrap());
        assert!(!account.must_change);
        assert_eq!(store.session(&token_hash("t"), 1_001).await.unwrap(), None);
    });
}

/// Proves LOGIN-10 (one session), LOGIN-11 (12 h without activity).
#[test]
fn a_session_lives_while_it_is_used_and_gives_way_to_a_newer_one() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        assert_eq!(SESSION_IDLE_MS, 12 * 3_600_000);
        let alice = with_employee(store).await;
        assert_eq!(store.open_session(&here(), &session("10001", "a", 1)).await.unwrap(), 0);
        let found = store.session(&token_hash("a"), SESSION_IDLE_MS).await.unwrap().unwrap();
        assert_eq!((found.tenant, found.employee.value), (here(), alice));
        assert!(store.session(&token_hash("a"), 2 * SESSION_IDLE_MS - 1).await.unwrap().is_some(), "it was used");
        assert_eq!(store.session(&token_hash("a"), 3 * SESSION_IDLE_MS - 1).await.unwrap(), None);
        assert_eq!(store.open_session(&here(), &session("10001", "b", 5)).await.unwrap(), 1);
        assert_eq!(store.session(&token_hash("a"), 6).await.unwrap(), None);
        assert!(store.was_replaced(&token_hash("a"), 6).await.unwrap());
        assert!(!store.was_replaced(&token_hash("b"), 6).await.unwrap(), "it lives");
        assert!(!store.close_session(&"other".parse().unwrap(), &token_hash("b")).await.unwrap());
        assert!(store.close_session(&here(), &token_hash("b")).await.unwrap());
        assert_eq!(store.session(&token_hash("b"), 7).await.unwrap(), None);
        assert!(!store.was_replaced(&token_hash("b"), 7).await.unwrap(), "he signed out himself");
        store.open_session(&here(), &session("10001", "c", 5)).await.unwrap();
        assert_eq!(store.sweep_sessions(SESSION_IDLE_MS + 5).await.unwrap(), 1);
        assert!(!store.was_replaced(&token_hash("a"), 8).await.unwrap(), "it is not kept for ever");
    });
}

/// Proves LOGIN-09 (its session).
#[test]
fn the_session_of_somebody_who_left_ends_at_once() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let alice = with_employee(store).await;
        store.open_session(&here(), &session("10001", "a", 0)).await.unwrap();
        let left = Employee { employment: Employment::Left, ..alice };
        store.update(by_admin(), left, Expect::Any).await.unwrap();
        assert_eq!(store.session(&token_hash("a"), 1).await.unwrap(), None);
    });
}

/// Proves LOGIN-12 (the log).
#[test]
fn sign_ins_are_logged_newest_first() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        for (at_ms, outcome) in [(1, LoginOutcome::Failed), (2, LoginOutcome::Login), (3, LoginOutcome::Logout)] {
            let (way, sign_in) = (LoginWay::Password, Some(SignInWay::Browser));
            let seen =
                LoginSeen { employee_no: None, login: "alice", address: "192.0.2.1", outcome, way, sign_in, at_ms };
            store.log_login(&here(), &seen).await.unwrap();
        }
        let tenant = here();
        let sight = Sight::whole(&tenant);
        let page = store.logins(sight, &LoginFilter::default(), &PageAsk::first(2)).await.unwrap();
        let outcomes: Vec<LoginOutcome> = page.items.iter().map(|entry| entry.outcome).collect();
        assert_eq!(outcomes, [LoginOutcome::Logout, LoginOutcome::Login]);
        let rest = store.logins(sight, &LoginFilter::default(), &PageAsk { limit: 2, after: page.next }).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
    });
}

#[test]
fn a_token_works_until_it_expires_or_is_deleted() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let secret = new_token();
        let token = ApiToken {
            id: new_ulid(1),
            name: "crm".into(),
            token_hash: Hidden::new(token_hash(&secret)),
            permissions: vec!["calls.list".into()],
            data: DataPermission::All,
            expires_at_ms: Some(1_000_000),
        };
        store.create(by_admin(), token.clone()).await.unwrap();
        let owner = store.api_token(&token_hash(&secret), 999_999).await.unwrap().unwrap();
        assert_eq!((owner.tenant, owner.token.value), (here(), token.clone()));
        assert_eq!(store.api_token_last_used(&here(), &token.id).await.unwrap(), Some(999_999));
        assert_eq!(store.api_token(&token_hash(&secret), 1_000_000).await.unwrap(), None);
        store.delete::<ApiToken>(by_admin(), &token.id, Expect::Any).await.unwrap();
        assert_eq!(store.api_token(&token_hash(&secret), 5).await.unwrap(), None);
    });
}

#[test]
fn a_write_with_a_known_key_is_answered_from_memory() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let here = here();
        let key = Key { tenant: &here, principal: "admin", key: "k", request_hash: "h", at_ms: 10 };
        assert_eq!(store.seen(&key).await.unwrap(), Seen::New);
        assert_eq!(store.seen(&key).await.unwrap(), Seen::Running);
        store.answered(&key, 201, "{}").await.unwrap();
        assert_eq!(store.seen(&key).await.unwrap(), Seen::Answered { status: 201, body: "{}".into() });
        assert_eq!(store.seen(&Key { request_hash: "other", ..key.clone() }).await.unwrap(), Seen::OtherRequest);
        assert_eq!(store.seen(&Key { principal: "token:crm", ..key.clone() }).await.unwrap(), Seen::New);
        let later = Key { at_ms: 10 + KEPT_MS, ..key.clone() };
        assert_eq!(store.seen(&later).await.unwrap(), Seen::New, "a day later it is forgotten");
        store.forget(&later).await.unwrap();
        assert_eq!(store.seen(&later).await.unwrap(), Seen::New);
    });
}
