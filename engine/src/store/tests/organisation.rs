use std::collections::BTreeSet;

use hooks::id::{CallId, DepartmentId, RecordingId, TenantId};
use hooks::position::Position;
use hooks::scope::Scope;

use super::on_each_database;
use crate::secrets::token_hash;
use crate::store::agent_states::{AgentStay, StayFilter};
use crate::store::avatars::{Picture, PictureKind};
use crate::store::departments::Department;
use crate::store::employees::{Employee, EmployeeFilter, next_number};
use crate::store::logins::{LoginFilter, LoginWay};
use crate::store::records::{Derived, MissedFilter, RecordFilter};
use crate::store::roles::{DataPermission, Role};
use crate::store::scope::Sight;
use crate::store::sessions::NewSession;
use crate::store::setting::{Change, Expect, Hidden, Origin, PageAsk};
use crate::store::voicemails::VoicemailFilter;
use crate::store::{Store, StoreError};

fn here() -> TenantId {
    TenantId::first()
}

fn by_admin(at_ms: u64) -> Change {
    Change { at_ms, ..Change::by(here(), "admin") }
}

fn id(n: u128) -> DepartmentId {
    DepartmentId::new(1, n)
}

fn department(n: u128, parent: DepartmentId) -> Department {
    Department { id: id(n), name: format!("department {n}"), parent: Some(parent), managers: BTreeSet::new() }
}

/// The root with 2 and 3 below it, and 4 below 3; 10002 to 10004 are in the department of their number.
async fn organisation(store: &Store) {
    let root = Department::root_id();
    store.create(by_admin(1), Department::root("Default")).await.unwrap();
    for (n, parent) in [(2, root), (3, root), (4, id(3))] {
        store.create(by_admin(1), department(n, parent)).await.unwrap();
    }
    store.create(by_admin(1), Role::agent()).await.unwrap();
    for n in 2..=4 {
        let employee = Employee { department: id(n), ..Employee::new(&format!("1000{n}"), Hidden::new("x".into())) };
        store.create(by_admin(1_000), employee).await.unwrap();
    }
}

async fn move_to(store: &Store, number: &str, department: DepartmentId, at_ms: u64) {
    let employee = store.get::<Employee>(&here(), number).await.unwrap().value;
    store.update(by_admin(at_ms), Employee { department, ..employee }, Expect::Any).await.unwrap();
}

fn stay(number: u64, agent: &str, began_at_ms: u64) -> AgentStay {
    AgentStay {
        number,
        agent: agent.into(),
        state: hooks::fact::AgentState::Ready,
        began_at_ms,
        ended_at_ms: None,
        reason: hooks::fact::ChangeReason::Login,
        done_by: None,
        extension: None,
        mobile: None,
    }
}

/// Proves GEN-09: what was done in a department is seen by who sees that department, wherever its agent is now.
#[test]
fn rows_stay_with_the_department_in_which_they_were_made() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        organisation(store).await;
        move_to(store, "10002", id(4), 5_000).await;
        move_to(store, "10002", id(2), 8_000).await;
        move_to(store, "10002", id(3), 8_000).await;
        let stays =
            [(1, "10002", 10), (2, "10002", 4_999), (3, "10002", 5_000), (4, "10002", 7_999), (5, "10002", 8_000)];
        let mut stays: Vec<AgentStay> = stays.into_iter().map(|(n, agent, at)| stay(n, agent, at)).collect();
        stays.push(stay(6, "10099", 10));
        let from = Position::start(here());
        let to = Position { epoch: 1, number: 9, ..from.clone() };
        store.save_derived("t", &from, &to, &Derived { stays, ..Derived::default() }).await.unwrap();
        let seen = async |own: Option<&str>, departments: &[u128]| {
            let departments = departments.iter().map(|n| id(*n)).collect();
            let scope = Scope::Some { own: own.map(str::to_owned), departments };
            let tenant = here();
            let sight = Sight { tenant: &tenant, scope: &scope };
            let page = store.agent_stays(sight, &StayFilter::default(), &PageAsk::first(9)).await.unwrap();
            page.items.iter().map(|stay| stay.number).collect::<Vec<_>>()
        };
        assert_eq!(seen(None, &[2]).await, [2, 1]);
        assert_eq!(seen(None, &[4]).await, [4, 3]);
        assert_eq!(seen(None, &[3]).await, [5], "two moves in one moment: the last one counts");
        assert_eq!(seen(Some("10002"), &[]).await, [5, 4, 3, 2, 1]);
        assert_eq!(seen(Some("10099"), &[2, 4]).await, [6, 4, 3, 2, 1]);
        assert_eq!(seen(None, &[]).await, [0; 0]);
        let tenant = here();
        let all = store.agent_stays(Sight::whole(&tenant), &StayFilter::default(), &PageAsk::first(9)).await.unwrap();
        assert_eq!(all.items.len(), 6);
        // What belonged to a department that is gone belongs to the one above it.
        store.delete::<Department>(by_admin(9_000), &id(4).to_string(), Expect::Any).await.unwrap();
        assert_eq!(seen(None, &[3]).await, [5, 4, 3]);
        // The statements of the other lists are understood by this database, too.
        let scope = Scope::Some { own: Some("10002".into()), departments: [id(2)].into() };
        let sight = Sight { tenant: &tenant, scope: &scope };
        let ask = PageAsk::first(9);
        assert!(store.call_records(sight, &RecordFilter::default(), &ask).await.unwrap().items.is_empty());
        assert!(store.missed_offers(sight, &MissedFilter::default(), &ask).await.unwrap().items.is_empty());
        assert!(store.voicemails(sight, &VoicemailFilter::default(), &ask).await.unwrap().items.is_empty());
        assert!(store.call_record(sight, CallId::new(1, 1)).await.unwrap().is_none());
        assert!(store.recording(sight, RecordingId::new(1, 1)).await.unwrap().is_none());
        assert!(store.voicemail(sight, RecordingId::new(1, 1)).await.unwrap().is_none());
        assert!(store.logins(sight, &LoginFilter::default(), &ask).await.unwrap().items.is_empty());
        assert!(store.agents(sight, &ask).await.unwrap().items.is_empty());
    });
}

/// Proves ORG-03 and ORG-29 (department and managers as at the sign-in), ORG-33 and ORG-37 (the role as it is now).
#[test]
fn a_session_has_the_scope_of_its_sign_in_and_of_its_role() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        organisation(store).await;
        let begin = async |token: &str| {
            let session = NewSession {
                employee_no: "10003".into(),
                token_hash: token_hash(token),
                address: String::new(),
                user_agent: String::new(),
                way: LoginWay::Password,
                at_ms: 10,
            };
            store.open_session(&here(), &session).await.unwrap();
        };
        let scope = async |token: &str| store.session(&token_hash(token), 11).await.unwrap().unwrap().scope;
        let some = |departments: &[u128]| Scope::Some {
            own: Some("10003".into()),
            departments: departments.iter().map(|n| id(*n)).collect(),
        };
        begin("a").await;
        assert_eq!(scope("a").await, some(&[3, 4]));
        move_to(store, "10003", id(4), 5_000).await;
        let managed = Department { managers: ["10003".to_owned()].into(), ..department(2, Department::root_id()) };
        store.update(by_admin(5_000), managed, Expect::Any).await.unwrap();
        assert_eq!(scope("a").await, some(&[3, 4]), "not before the next sign-in");
        begin("b").await;
        assert_eq!(scope("b").await, some(&[2, 4]));
        let set = async |data: DataPermission| {
            store.update(by_admin(6_000), Role { data, ..Role::agent() }, Expect::Any).await.unwrap();
        };
        set(DataPermission::Departments { own: false, departments: [id(3), id(77)].into() }).await;
        assert_eq!(scope("b").await, some(&[2, 3, 4]), "listed with its lower one, and the managed");
        set(DataPermission::Departments { own: false, departments: BTreeSet::new() }).await;
        assert_eq!(scope("b").await, some(&[2]));
        set(DataPermission::All).await;
        assert_eq!(scope("b").await, Scope::Tenant);
    });
}

/// Proves ORG-02 (siblings), ORG-34 (names of roles), ORG-20 (mobiles) in the database itself, without case (GEN-16).
#[test]
fn names_and_mobiles_are_unique_where_they_must_be() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        organisation(store).await;
        let is_taken = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Exists { .. })));
        let twin = Department { name: "DEPARTMENT 2".into(), ..department(9, Department::root_id()) };
        is_taken(store.create(by_admin(2), twin.clone()).await.map(drop));
        store.create(by_admin(2), Department { parent: Some(id(2)), ..twin }).await.unwrap();
        is_taken(store.create(by_admin(2), Department { id: id(10), ..Department::root("Second") }).await.map(drop));
        is_taken(
            store.create(by_admin(2), Role { id: "x".into(), name: " AGENT".into(), ..Role::agent() }).await.map(drop),
        );
        let with = |number: &str, mobile: &str| Employee {
            mobile: Some(mobile.parse().unwrap()),
            ..Employee::new(number, Hidden::new("x".into()))
        };
        store.create(by_admin(2), with("20001", "13800000000")).await.unwrap();
        is_taken(store.create(by_admin(2), with("20002", "+8613800000000")).await.map(drop));
        let elsewhere = Change::system("other".parse().unwrap(), Origin::Setup);
        store.create(elsewhere, with("20001", "013800000000")).await.unwrap();
        let found = store.account(&here(), "86 138-0000-0000").await.unwrap().unwrap().employee.value;
        assert_eq!(found.employee_no, "20001", "LOGIN-04: by mobile");
        let all = store.all::<Employee>(&here()).await.unwrap();
        assert_eq!(next_number(&all), "20002");
        let tenant = here();
        let filter = EmployeeFilter {
            name: Some("0".into()),
            mobile: Some("138 0000 0000".into()),
            ..EmployeeFilter::default()
        };
        let page = store.employees(Sight::whole(&tenant), &filter, &PageAsk::first(9)).await.unwrap();
        assert_eq!(page.items.len(), 1);
    });
}

#[test]
fn a_picture_is_kept_replaced_and_taken_away() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        organisation(store).await;
        for (kind, bytes) in [(PictureKind::Png, vec![0, 255, 7]), (PictureKind::Jpeg, vec![1; 1_000])] {
            let picture = Picture { kind, bytes };
            let mut tx = store.change(by_admin(2)).await.unwrap();
            let stored = tx.set_avatar("10002", Some(&picture)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(stored.value.avatar.unwrap().len(), 64);
            assert_eq!(store.avatar(&here(), "10002").await.unwrap(), Some(picture));
        }
        let mut tx = store.change(by_admin(2)).await.unwrap();
        tx.set_avatar("10002", None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.avatar(&here(), "10002").await.unwrap(), None);
        assert_eq!(store.get::<Employee>(&here(), "10002").await.unwrap().value.avatar, None);
    });
}
