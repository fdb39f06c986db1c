//! The thread that finishes files: makes them last, takes their checksum, reports them. Apart from the writer, since the
//! checksum of a long recording takes longer than the others may wait.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use sha2::{Digest, Sha256};

use crate::failpoint::fail_point;
use crate::layout::{DONE, Layout, marker_path};
use crate::result::{Finished, Gap, Outcome, RecordingFile};
use crate::wav::{FRAME_BYTES, HEADER_BYTES, header};
use crate::writer::Lost;

/// A recording whose last frame was written.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) root: PathBuf,
    pub(crate) layout: Layout,
    pub(crate) file: Option<File>,
    pub(crate) frames: u64,
    pub(crate) lost: Lost,
}

pub(crate) fn run(ended: &mpsc::Receiver<Ended>, on_finished: &mut impl FnMut(Finished)) {
    while let Ok(ended) = ended.recv() {
        on_finished(finish(ended));
    }
}

/// Concludes a recording and marks it as done.
pub(crate) fn finish(ended: Ended) -> Finished {
    let (root, layout) = (ended.root.clone(), ended.layout.clone());
    let outcome = conclude(ended);
    let marker = mark_done(&root, &layout, &outcome).unwrap_or_else(|error| {
        tracing::warn!(%error, recording = layout.id, "cannot mark a recording as finished: after a crash it looks cut");
        layout.marker()
    });
    fail_point("recording.finish.after");
    Finished { tenant: layout.tenant, id: layout.id, part: layout.part, outcome, marker }
}

/// Makes the file what its frames say, makes it last, and takes its checksum.
pub(crate) fn conclude(ended: Ended) -> Outcome {
    let Ended { root, layout, file, frames, lost } = ended;
    let reason = lost.reason.clone();
    let outcome = match file {
        Some(file) if frames > lost.frames || lost.frames == 0 => {
            seal(&root, &layout, file, frames, lost).map(Outcome::Ready)
        }
        Some(_) => fs::remove_file(root.join(layout.path())).map(|()| failed(reason)),
        None => Ok(failed(reason)),
    };
    outcome.unwrap_or_else(|error| failed(Some(format!("cannot finish the file: {error}"))))
}

fn failed(reason: Option<String>) -> Outcome {
    Outcome::Failed { reason: reason.unwrap_or_else(|| "nothing was written".to_owned()) }
}

fn seal(root: &Path, layout: &Layout, mut file: File, frames: u64, lost: Lost) -> io::Result<RecordingFile> {
    let bytes = HEADER_BYTES + frames * FRAME_BYTES;
    file.set_len(bytes)?;
    file.write_all_at(&header(layout.rate_hz, frames), 0)?;
    file.sync_all()?;
    let path = layout.path();
    if let Some(folder) = root.join(&path).parent() {
        File::open(folder)?.sync_all()?;
    }
    let sha256 = sha256(&mut file)?;
    fail_point("recording.finish.hashed");
    let ms = |frames: u64| frames * 1_000 / u64::from(layout.rate_hz);
    let gaps = lost.gaps.iter().map(|(at, length)| Gap { at_ms: ms(*at), lost_ms: ms(*length) }).collect();
    let (lost_ms, partial) = (ms(lost.frames), lost.reason);
    let (rate_hz, duration_ms) = (layout.rate_hz, ms(frames));
    Ok(RecordingFile { path, bytes, rate_hz, frames, duration_ms, sha256, partial, gaps, lost_ms })
}

/// So that a crash before the outcome is written down does not make a complete recording look cut. Gives the marker's name.
fn mark_done(root: &Path, layout: &Layout, outcome: &Outcome) -> io::Result<String> {
    let marker = layout.marker();
    let (from, done) = (marker_path(root, &layout.tenant, &marker), format!("{marker}{DONE}"));
    if let Outcome::Ready(RecordingFile { partial: Some(reason), .. }) = outcome {
        fs::write(&from, reason)?;
    }
    match fs::rename(&from, marker_path(root, &layout.tenant, &done)) {
        // The disk was full from the first: there never was one.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(marker),
        renamed => renamed.map(|()| done),
    }
}

/// The checksum of a whole file, 64 hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    sha256(&mut File::open(path)?)
}

fn sha256(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// How much is read at once for the checksum, bytes.
const CHUNK_BYTES: usize = 256 << 10;
