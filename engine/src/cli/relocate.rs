//! `switchboard move`: all there is in one database into another, empty one, while no server runs. The cursors of the consumers
//! are rows like any other, so the server goes on where it stopped.

use std::path::Path;

use super::CliError;
use crate::config::{Config, StorageUrl};
use crate::data_lock::DataLock;
use crate::store::Store;

pub(super) async fn run(config: &Config, from: &StorageUrl, to: &StorageUrl) -> Result<String, CliError> {
    if from == to {
        return Err(CliError::Usage("--from and --to are the same database".to_owned()));
    }
    if let StorageUrl::Sqlite(path) = from
        && !path.is_file()
    {
        return Err(CliError::Usage(format!("there is no database {}", path.display())));
    }
    let _lock = lock(&config.data_dir)?;
    let beside = match from {
        StorageUrl::Sqlite(path) => path.parent().filter(|folder| *folder != config.data_dir),
        StorageUrl::Postgres(_) => None,
    };
    // A server of another configuration may have its data beside its database.
    let _beside = beside.filter(|folder| folder.join("journal").is_dir()).map(lock).transpose()?;
    let source = Store::open(from).await?;
    let target = Store::open(to).await?;
    let copied = source.copy_all(&target).await;
    source.close().await;
    target.close().await;
    let copied = copied.map_err(|error| CliError::Failed(error.to_string()))?;
    let rows: u64 = copied.iter().map(|table| table.sum.rows).sum();
    Ok(format!(
        "{rows} rows of {} tables were moved and compared; now set storage.url in the configuration and start the server",
        copied.len()
    ))
}

fn lock(folder: &Path) -> Result<DataLock, CliError> {
    DataLock::take(folder).map_err(|error| CliError::Failed(error.to_string()))
}
