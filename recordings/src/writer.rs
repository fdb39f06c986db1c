//! The thread that writes all recordings.
//!
//! Each chunk is written at the place that its time gives it, then the header is made to count it. A chunk that was lost is
//! simply not written: the file system reads a hole as zeros, which is silence.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use crate::RecordingsOptions;
use crate::failpoint::{fail_point, fail_point_io};
use crate::finish::Ended;
use crate::layout::{Layout, marker_path};
use crate::result::Gap;
use crate::sink::Backlog;
use crate::wav::{FRAME_BYTES, HEADER_BYTES, header};

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// A recording begins.
    Begin { key: u64, layout: Layout },
    /// Frames of it, after as many that were lost.
    Frames { key: u64, lost_before: u64, samples: Vec<i16> },
    /// It ends, after as many frames that were lost.
    End { key: u64, lost_before: u64 },
    /// A finished file's outcome is written down.
    Confirm { tenant: String, marker: String },
    /// All recordings end.
    Stop,
}

/// The writer's state, on its thread.
pub(crate) struct Writer {
    root: PathBuf,
    frames_max: u64,
    backlog: Arc<Backlog>,
    to_finish: mpsc::Sender<Ended>,
    open: BTreeMap<u64, Track>,
    bytes: Vec<u8>,
}

/// One recording being written.
struct Track {
    layout: Layout,
    /// `None` until the file could be made.
    file: Option<File>,
    /// Frames so far, lost ones included: where the next chunk goes.
    frames: u64,
    lost: Lost,
}

/// What is missing of a recording, and why.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub(crate) frames: u64,
    pub(crate) reason: Option<String>,
    /// In frames: where, how many.
    pub(crate) gaps: Vec<(u64, u64)>,
}

impl Writer {
    pub(crate) fn new(options: RecordingsOptions, backlog: Arc<Backlog>, to_finish: mpsc::Sender<Ended>) -> Self {
        let audio_bytes = options.audio_bytes_max.min(RecordingsOptions::AUDIO_BYTES_MAX);
        let frames_max = (audio_bytes / FRAME_BYTES).max(1);
        Self { root: options.root, frames_max, backlog, to_finish, open: BTreeMap::new(), bytes: Vec::new() }
    }

    pub(crate) fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Begin { key, layout } => self.begin(key, layout),
                Job::Frames { key, lost_before, samples } => {
                    self.frames(key, lost_before, &samples);
                    self.backlog.chunks.fetch_sub(1, Ordering::Relaxed);
                }
                Job::End { key, lost_before } => self.end(key, lost_before),
                Job::Confirm { tenant, marker } => self.confirm(&tenant, &marker),
                Job::Stop => break,
            }
        }
        let left: Vec<u64> = self.open.keys().copied().collect();
        left.into_iter().for_each(|key| self.end(key, 0));
        drop(self.to_finish);
    }

    fn begin(&mut self, key: u64, layout: Layout) {
        let mut track = Track::new(layout);
        if let Err(error) = track.make_file(&self.root) {
            track.lost.note(&self.root, &error);
        }
        self.open.insert(key, track);
    }

    fn frames(&mut self, key: u64, lost_before: u64, samples: &[i16]) {
        let Some(track) = self.open.get_mut(&key) else { return };
        track.lose(lost_before, "the disk is too slow");
        let frames = samples.len() as u64 / 2;
        if track.frames > 0 && track.frames + frames > self.frames_max {
            let next = Track::new(track.layout.next_part());
            let full = std::mem::replace(track, next);
            finish(&self.to_finish, &self.root, full);
        }
        self.bytes.clear();
        self.bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        if let Err(error) = track.write(&self.root, &self.bytes, frames) {
            track.lost.note(&self.root, &error);
            track.lose(frames, "");
        }
    }

    fn end(&mut self, key: u64, lost_before: u64) {
        if let Some(mut track) = self.open.remove(&key) {
            track.lose(lost_before, "the disk is too slow");
            finish(&self.to_finish, &self.root, track);
        }
    }

    fn confirm(&self, tenant: &str, marker: &str) {
        fail_point("recording.confirm");
        let path = marker_path(&self.root, tenant, marker);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove a marker: the recording is told again");
        }
    }
}

fn finish(to_finish: &mpsc::Sender<Ended>, root: &Path, track: Track) {
    fail_point("recording.finish.before");
    let Track { layout, file, frames, lost } = track;
    // The finisher lives until this sender is gone.
    let _ = to_finish.send(Ended { root: root.to_owned(), layout, file, frames, lost });
}

impl Track {
    fn new(layout: Layout) -> Self {
        Self { layout, file: None, frames: 0, lost: Lost::default() }
    }

    /// The marker first: a file without one would never be found after a crash.
    fn make_file(&mut self, root: &Path) -> io::Result<&File> {
        let marker = marker_path(root, &self.layout.tenant, &self.layout.marker());
        let path = root.join(self.layout.path());
        for folder in [marker.parent(), path.parent()].into_iter().flatten() {
            fs::create_dir_all(folder)?;
        }
        fail_point_io("recording.make")?;
        OpenOptions::new().write(true).create(true).truncate(false).mode(PRIVATE).open(&marker)?;
        fail_point("recording.marked");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(PRIVATE).open(&path)?;
        fail_point("recording.made");
        file.write_all_at(&header(self.layout.rate_hz, 0), 0)?;
        Ok(self.file.insert(file))
    }

    fn write(&mut self, root: &Path, bytes: &[u8], frames: u64) -> io::Result<()> {
        let (at, rate_hz) = (HEADER_BYTES + self.frames * FRAME_BYTES, self.layout.rate_hz);
        let counted = header(rate_hz, self.frames + frames);
        let file = match &self.file {
            Some(file) => file,
            None => self.make_file(root)?,
        };
        fail_point_io("recording.write")?;
        file.write_all_at(bytes, at)?;
        fail_point("recording.written");
        file.write_all_at(&counted, 0)?;
        fail_point("recording.counted");
        self.frames += frames;
        Ok(())
    }

    fn lose(&mut self, frames: u64, reason: &str) {
        if frames == 0 {
            return;
        }
        self.lost.reason.get_or_insert_with(|| reason.to_owned());
        self.lost.frames += frames;
        match self.lost.gaps.last_mut() {
            Some((at, length)) if *at + *length == self.frames => *length += frames,
            Some(_) | None => {
                if self.lost.gaps.len() < Gap::KEPT_MAX {
                    self.lost.gaps.push((self.frames, frames));
                }
            }
        }
        self.frames += frames;
    }
}

impl Lost {
    /// The first reason stays: what follows follows from it.
    fn note(&mut self, root: &Path, error: &io::Error) {
        if self.reason.is_none() {
            tracing::error!(root = %root.display(), %error, "a recording loses audio");
            self.reason = Some(error.to_string());
        }
    }
}

/// For the owner of the process alone: recordings are personal data.
const PRIVATE: u32 = 0o600;
