//! The schema, compiled in: `migrations/{sqlite,postgres}` of the repository, in order, each applied once.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;
use super::sql::Pool;

/// One step of the schema, in the words of each database.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Append only: a step that was ever released is never changed, sqlx compares its checksum.
const STEPS: [Step; 31] = [
    Step {
        version: 1,
        name: "first",
        sqlite: include_str!("../../../migrations/sqlite/0001_first.sql"),
        postgres: include_str!("../../../migrations/postgres/0001_first.sql"),
    },
    Step {
        version: 3,
        name: "trunk_policy",
        sqlite: include_str!("../../../migrations/sqlite/0003_trunk_policy.sql"),
        postgres: include_str!("../../../migrations/postgres/0003_trunk_policy.sql"),
    },
    Step {
        version: 4,
        name: "interruptions",
        sqlite: include_str!("../../../migrations/sqlite/0004_interruptions.sql"),
        postgres: include_str!("../../../migrations/postgres/0004_interruptions.sql"),
    },
    Step {
        version: 5,
        name: "call_handling",
        sqlite: include_str!("../../../migrations/sqlite/0005_call_handling.sql"),
        postgres: include_str!("../../../migrations/postgres/0005_call_handling.sql"),
    },
    Step {
        version: 6,
        name: "srtp",
        sqlite: include_str!("../../../migrations/sqlite/0006_srtp.sql"),
        postgres: include_str!("../../../migrations/postgres/0006_srtp.sql"),
    },
    Step {
        version: 8,
        name: "rooms",
        sqlite: include_str!("../../../migrations/sqlite/0008_rooms.sql"),
        postgres: include_str!("../../../migrations/postgres/0008_rooms.sql"),
    },
    Step {
        version: 9,
        name: "prompts",
        sqlite: include_str!("../../../migrations/sqlite/0009_prompts.sql"),
        postgres: include_str!("../../../migrations/postgres/0009_prompts.sql"),
    },
    Step {
        version: 10,
        name: "recordings",
        sqlite: include_str!("../../../migrations/sqlite/0010_recordings.sql"),
        postgres: include_str!("../../../migrations/postgres/0010_recordings.sql"),
    },
    Step {
        version: 12,
        name: "flows",
        sqlite: include_str!("../../../migrations/sqlite/0012_flows.sql"),
        postgres: include_str!("../../../migrations/postgres/0012_flows.sql"),
    },
    Step {
        version: 13,
        name: "recordings_storage",
        sqlite: include_str!("../../../migrations/sqlite/0013_recordings_storage.sql"),
        postgres: include_str!("../../../migrations/postgres/0013_recordings_storage.sql"),
    },
    Step {
        version: 14,
        name: "tenant_language",
        sqlite: include_str!("../../../migrations/sqlite/0014_tenant_language.sql"),
        postgres: include_str!("../../../migrations/postgres/0014_tenant_language.sql"),
    },
    Step {
        version: 15,
        name: "hours",
        sqlite: include_str!("../../../migrations/sqlite/0015_hours.sql"),
        postgres: include_str!("../../../migrations/postgres/0015_hours.sql"),
    },
    Step {
        version: 16,
        name: "pickup_groups",
        sqlite: include_str!("../../../migrations/sqlite/0016_pickup_groups.sql"),
        postgres: include_str!("../../../migrations/postgres/0016_pickup_groups.sql"),
    },
    Step {
        version: 17,
        name: "agents_and_queues",
        sqlite: include_str!("../../../migrations/sqlite/0017_agents_and_queues.sql"),
        postgres: include_str!("../../../migrations/postgres/0017_agents_and_queues.sql"),
    },
    Step {
        version: 18,
        name: "segments_and_agent_states",
        sqlite: include_str!("../../../migrations/sqlite/0018_segments_and_agent_states.sql"),
        postgres: include_str!("../../../migrations/postgres/0018_segments_and_agent_states.sql"),
    },
    Step {
        version: 20,
        name: "voicemails",
        sqlite: include_str!("../../../migrations/sqlite/0020_voicemails.sql"),
        postgres: include_str!("../../../migrations/postgres/0020_voicemails.sql"),
    },
    Step {
        version: 21,
        name: "surveys",
        sqlite: include_str!("../../../migrations/sqlite/0021_surveys.sql"),
        postgres: include_str!("../../../migrations/postgres/0021_surveys.sql"),
    },
    Step {
        version: 22,
        name: "known_callers",
        sqlite: include_str!("../../../migrations/sqlite/0022_known_callers.sql"),
        postgres: include_str!("../../../migrations/postgres/0022_known_callers.sql"),
    },
    Step {
        version: 24,
        name: "voicemail_notices",
        sqlite: include_str!("../../../migrations/sqlite/0024_voicemail_notices.sql"),
        postgres: include_str!("../../../migrations/postgres/0024_voicemail_notices.sql"),
    },
    Step {
        version: 25,
        name: "extension_ways",
        sqlite: include_str!("../../../migrations/sqlite/0025_extension_ways.sql"),
        postgres: include_str!("../../../migrations/postgres/0025_extension_ways.sql"),
    },
    Step {
        version: 26,
        name: "webhooks",
        sqlite: include_str!("../../../migrations/sqlite/0026_webhooks.sql"),
        postgres: include_str!("../../../migrations/postgres/0026_webhooks.sql"),
    },
    Step {
        version: 28,
        name: "organisation",
        sqlite: include_str!("../../../migrations/sqlite/0028_organisation.sql"),
        postgres: include_str!("../../../migrations/postgres/0028_organisation.sql"),
    },
    Step {
        version: 31,
        name: "tasks",
        sqlite: include_str!("../../../migrations/sqlite/0031_tasks.sql"),
        postgres: include_str!("../../../migrations/postgres/0031_tasks.sql"),
    },
    Step {
        version: 32,
        name: "logins",
        sqlite: include_str!("../../../migrations/sqlite/0032_logins.sql"),
        postgres: include_str!("../../../migrations/postgres/0032_logins.sql"),
    },
    Step {
        version: 34,
        name: "sms_login",
        sqlite: include_str!("../../../migrations/sqlite/0034_sms_login.sql"),
        postgres: include_str!("../../../migrations/postgres/0034_sms_login.sql"),
    },
    Step {
        version: 35,
        name: "task_fields",
        sqlite: include_str!("../../../migrations/sqlite/0035_task_fields.sql"),
        postgres: include_str!("../../../migrations/postgres/0035_task_fields.sql"),
    },
    Step {
        version: 37,
        name: "recording_uses",
        sqlite: include_str!("../../../migrations/sqlite/0037_recording_uses.sql"),
        postgres: include_str!("../../../migrations/postgres/0037_recording_uses.sql"),
    },
    Step {
        version: 38,
        name: "boards",
        sqlite: include_str!("../../../migrations/sqlite/0038_boards.sql"),
        postgres: include_str!("../../../migrations/postgres/0038_boards.sql"),
    },
    Step {
        version: 39,
        name: "replaced_sessions",
        sqlite: include_str!("../../../migrations/sqlite/0039_replaced_sessions.sql"),
        postgres: include_str!("../../../migrations/postgres/0039_replaced_sessions.sql"),
    },
    Step {
        version: 40,
        name: "about",
        sqlite: include_str!("../../../migrations/sqlite/0040_about.sql"),
        postgres: include_str!("../../../migrations/postgres/0040_about.sql"),
    },
    Step {
        version: 41,
        name: "flow_path",
        sqlite: include_str!("../../../migrations/sqlite/0041_flow_path.sql"),
        postgres: include_str!("../../../migrations/postgres/0041_flow_path.sql"),
    },
];

/// The greatest version among the steps.
pub(super) const LAST: i64 = {
    let (mut last, mut at) = (0, 0);
    while at < STEPS.len() {
        if STEPS[at].version > last {
            last = STEPS[at].version;
        }
        at += 1;
    }
    last
};

pub(super) async fn run(pool: &Pool) -> Result<(), StoreError> {
    match pool {
        Pool::Sqlite { write, .. } => migrator(|step| step.sqlite).run(write).await?,
        Pool::Postgres(pool) => migrator(|step| step.postgres).run(pool).await?,
    }
    Ok(())
}

fn migrator(words: fn(&Step) -> &'static str) -> Migrator {
    let steps = STEPS.iter().map(|step| {
        Migration::new(step.version, step.name.into(), MigrationType::Simple, words(step).into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 9 landed after 10: who has run a version between them has 10 alone.
    #[tokio::test]
    async fn a_step_is_applied_though_a_higher_one_was_before() {
        let folder = tempfile::tempdir().unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("x.db"));
        let pool = sqlx::SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
        let all = migrator(|step| step.sqlite);
        let early = all.iter().filter(|step| step.version != 9).cloned().collect();
        Migrator::with_migrations(early).run(&pool).await.unwrap();
        assert!(sqlx::query("SELECT * FROM prompts").fetch_all(&pool).await.is_err());
        all.run(&pool).await.unwrap();
        assert!(sqlx::query("SELECT * FROM prompts").fetch_all(&pool).await.unwrap().is_empty());
    }

    /// Who was there before departments and roles keeps what he may, and sees all as before.
    #[tokio::test]
    async fn employees_of_before_the_organisation_keep_what_they_may() {
        let folder = tempfile::tempdir().unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("x.db"));
        let pool = sqlx::SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
        let all = migrator(|step| step.sqlite);
        let early = all.iter().filter(|step| step.version < 28).cloned().collect();
        Migrator::with_migrations(early).run(&pool).await.unwrap();
        let tenant = "INSERT INTO tenants (tenant, slug, name, domains, time_zone, record_internal, emergency, origin, version, \
                      created_at_ms, updated_at_ms) VALUES ('default', 'default', 'Default', '[]', 'UTC', 0, '[]', 'setup', 1, 7, 7)";
        sqlx::query(tenant).execute(&pool).await.unwrap();
        let agent = r#"["call.dial","calls.read","agents.read","queues.read","extensions.read","extensions.use"]"#;
        let sets = [r#"["*"]"#, agent, r#"["calls.read"]"#, r#"["calls.read"]"#, "[]"];
        for (number, permissions) in (10_001..).zip(sets) {
            let employee = "INSERT INTO employees (tenant, employee_no, login, name, password_hash, must_change, permissions, \
                            employment, origin, version, created_at_ms, updated_at_ms) \
                            VALUES ('default', $1, 'Login' || $1, 'n', 'h', 0, $2, 'active', 'api', 1, 7, 7)";
            sqlx::query(employee).bind(number.to_string()).bind(permissions).execute(&pool).await.unwrap();
        }
        all.run(&pool).await.unwrap();
        let rows = sqlx::query(
            "SELECT e.login_key, r.name, r.permissions, r.data, d.parent, h.department = d.id AS there FROM employees e \
             JOIN roles r ON r.tenant = e.tenant AND r.id = e.role JOIN departments d ON d.tenant = e.tenant AND d.id = e.department \
             JOIN employee_departments h ON h.tenant = e.tenant AND h.employee_no = e.employee_no ORDER BY e.employee_no",
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        let text =
            |row: &sqlx::sqlite::SqliteRow, at: usize| sqlx::Row::get::<Option<String>, _>(row, at).unwrap_or_default();
        let names: Vec<String> = rows.iter().map(|row| text(row, 1)).collect();
        assert_eq!(names, ["Administrator", "Agent", "Role 1", "Role 1", "Role 2"]);
        assert_eq!(
            (text(&rows[0], 0), text(&rows[2], 2), text(&rows[4], 2)),
            ("login10001".into(), sets[2].into(), "[]".into())
        );
        assert!(rows.iter().all(|row| text(row, 4).is_empty()), "the root has none above it");
        let seen: Vec<crate::store::roles::DataPermission> =
            rows.iter().map(|row| serde_json::from_str(&text(row, 3)).unwrap()).collect();
        assert_eq!(seen[2], crate::store::roles::DataPermission::All);
        assert!(rows.iter().all(|row| sqlx::Row::get::<i64, _>(row, 5) == 1));
    }
}
