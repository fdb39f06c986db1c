//! How much room is left, and when that is too little for another call.

use std::io;
use std::path::Path;

/// Room on the file system that holds a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Asks the system how much room is left where `path` lies.
///
/// # Errors
/// The path does not exist, or the system refuses.
pub fn disk_space(path: &Path) -> io::Result<DiskSpace> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(DiskSpace { free_bytes: bytes(stat.f_bavail), total_bytes: bytes(stat.f_blocks) })
}

/// The floor below which no new call is taken. Calls are taken again at a tenth above it, so that it does not flap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFloor {
    floor_bytes: u64,
    is_low: bool,
}

impl DiskFloor {
    /// Enough for a hundred stereo recordings of five minutes and the journal meanwhile.
    pub const DEFAULT_BYTES: u64 = 1 << 30;

    /// A floor of so many bytes; 0 for none.
    #[must_use]
    pub fn new(floor_bytes: u64) -> Self {
        Self { floor_bytes, is_low: false }
    }

    /// Whether new calls may be taken with this much room.
    pub fn admits(&mut self, space: DiskSpace) -> bool {
        let above = self.floor_bytes.saturating_add(self.floor_bytes / 10);
        let needed = if self.is_low { above } else { self.floor_bytes };
        self.is_low = space.free_bytes < needed;
        !self.is_low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_does_not_flap() {
        let mut floor = DiskFloor::new(1_000);
        let answers = [2_000, 1_000, 999, 1_050, 1_099, 1_100, 1_000, 10]
            .map(|free_bytes| floor.admits(DiskSpace { free_bytes, total_bytes: 10_000 }));
        assert_eq!(answers, [true, true, false, false, false, true, true, false]);
        assert!(DiskFloor::new(0).admits(DiskSpace { free_bytes: 0, total_bytes: 0 }));
    }

    #[test]
    fn the_system_tells_how_much_room_there_is() {
        let space = disk_space(Path::new("/")).unwrap();
        assert!(space.free_bytes <= space.total_bytes && space.total_bytes > 0);
        assert!(disk_space(Path::new("/no/such/folder")).is_err());
    }
}
