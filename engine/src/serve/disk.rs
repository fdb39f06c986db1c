//! Watches the free disk: below the floor no new call is taken.

use std::time::Duration;

use recordings::{DiskFloor, disk_space};
use switch::input::Admission;
use tokio::sync::watch;

use crate::config::Config;
use crate::writer::Inbox;

/// How often the disk is looked at: at a gigabyte a minute, far below a floor of any sense.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn watch(config: Config, inbox: Inbox, mut stopping: watch::Receiver<bool>) {
    let mut floor = DiskFloor::new(config.recording.free_disk_floor_bytes);
    let mut admission = Admission::Open;
    while !*stopping.borrow() {
        let spaces = [&config.data_dir, &config.recording.dir].into_iter().filter_map(|folder| disk_space(folder).ok());
        let next = match spaces.min_by_key(|space| space.free_bytes) {
            Some(space) if floor.admits(space) => Admission::Open,
            Some(_) => Admission::DiskLow,
            None => admission,
        };
        if next != admission {
            admission = next;
            tracing::warn!(?admission, "free disk space crossed its floor");
            inbox.admission(admission).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => break,
        }
    }
}
