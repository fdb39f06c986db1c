//! The store's tests: each runs on SQLite, and on PostgreSQL too where `SWITCHBOARD_TEST_POSTGRES` names a server, in a schema
//! of its own.

mod accounts;
mod organisation;
mod settings;
mod transfer;
mod webhooks;

use std::future::Future;

use super::*;

/// A fresh store.
pub(crate) struct Scratch {
    pub(crate) store: Store,
    pub(crate) url: StorageUrl,
}

pub(crate) async fn sqlite(folder: &tempfile::TempDir) -> Scratch {
    let url = StorageUrl::Sqlite(folder.path().join("below/switchboard.db"));
    Scratch { store: Store::open(&url).await.unwrap(), url }
}

pub(crate) async fn postgres(server: &str) -> Scratch {
    use sqlx::{Connection as _, Executor as _};
    let schema = format!("t_{}", crate::secrets::to_hex(&crate::secrets::random_bytes::<8>()));
    let mut admin = sqlx::PgConnection::connect(server).await.unwrap();
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
    admin.close().await.unwrap();
    let joint = if server.contains('?') { '&' } else { '?' };
    let url = StorageUrl::Postgres(format!("{server}{joint}options[search_path]={schema}"));
    Scratch { store: Store::open(&url).await.unwrap(), url }
}

/// Runs a test on each database there is.
pub(crate) fn on_each_database<F: Future<Output = ()>>(test: impl Fn(Scratch) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        test(sqlite(&folder).await).await;
        if let Ok(server) = std::env::var("SWITCHBOARD_TEST_POSTGRES") {
            test(postgres(&server).await).await;
        }
    });
}

#[test]
fn a_database_opened_again_holds_what_it_held() {
    on_each_database(|scratch| async move {
        let tenant = hooks::id::TenantId::first();
        let change = setting::Change::system(tenant.clone(), setting::Origin::Setup);
        scratch.store.create(change, tenants::Tenant::new(tenant, "Default")).await.unwrap();
        scratch.store.close().await;
        let again = Store::open(&scratch.url).await.unwrap();
        assert_eq!(again.tenants().await.unwrap().len(), 1);
        again.ping().await.unwrap();
    });
}
