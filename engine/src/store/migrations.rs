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
const STEPS: [Step; 19] = [
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
];

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
}
