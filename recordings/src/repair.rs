//! After a crash: files that were being written are made whole again.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::finish::{Ended, conclude, finish};
use crate::layout::{DONE, Layout, OPEN_FOLDER, marker_path};
use crate::result::{Finished, Outcome};
use crate::wav::{FRAME_BYTES, HEADER_BYTES};
use crate::writer::Lost;

/// Finds every file whose outcome was not confirmed, cuts it to whole frames, makes its header count them, takes its checksum.
/// Call it before [`crate::Recordings::start`], write the outcomes down and [`crate::Recordings::confirm`] them; one that was
/// written down already (its recording is no longer open in the journal) is only confirmed. Calling it again changes nothing.
///
/// A file cut by the crash is `partial`; one that was complete is not, though nobody had confirmed it.
///
/// # Errors
/// A folder cannot be read. A single file that cannot be repaired is reported as failed.
pub fn repair(root: &Path) -> io::Result<Vec<Finished>> {
    let mut repaired = Vec::new();
    for tenant in names_in(root)? {
        for marker in names_in(&root.join(&tenant).join(OPEN_FOLDER))? {
            let Some(layout) = Layout::from_marker(&tenant, marker.strip_suffix(DONE).unwrap_or(&marker)) else {
                tracing::warn!(tenant, marker, "not a recording's marker: left alone");
                continue;
            };
            let finished = repair_one(root, layout, marker);
            tracing::info!(tenant, recording = finished.id, outcome = ?finished.outcome, "repaired a recording");
            repaired.push(finished);
        }
    }
    Ok(repaired)
}

const CRASH: &str = "cut by a crash";

/// What a finished file's marker says is missing; empty for nothing.
fn done_reason(root: &Path, tenant: &str, marker: &str) -> Option<String> {
    fs::read_to_string(marker_path(root, tenant, marker)).ok().filter(|reason| !reason.is_empty())
}

fn repair_one(root: &Path, layout: Layout, marker: String) -> Finished {
    let path = root.join(layout.path());
    let opened = OpenOptions::new().read(true).write(true).open(&path).and_then(|file| {
        let length = file.metadata()?.len();
        Ok((file, length.saturating_sub(HEADER_BYTES) / FRAME_BYTES))
    });
    let ended = |file, frames, reason| {
        let lost = Lost { reason, ..Lost::default() };
        Ended { root: root.to_owned(), layout: layout.clone(), file: Some(file), frames, lost }
    };
    let outcome = match opened {
        Ok((file, frames)) if marker.ends_with(DONE) => {
            let reason = done_reason(root, &layout.tenant, &marker);
            conclude(ended(file, frames, reason))
        }
        Ok((file, frames)) => return finish(ended(file, frames, Some(CRASH.to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Outcome::Failed { reason: "nothing was written before the crash".to_owned() }
        }
        Err(error) => Outcome::Failed { reason: format!("cannot open {}: {error}", path.display()) },
    };
    Finished { tenant: layout.tenant, id: layout.id, part: layout.part, outcome, marker }
}

/// The names in a folder, in order; none where there is no folder.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}
