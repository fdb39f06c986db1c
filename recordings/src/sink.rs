//! The end that media holds: takes frames, hands them over half a second at a time, never waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use crate::writer::Job;

/// The sink of one recording. Dropped, it hands over what is left and ends the recording.
#[derive(Debug)]
pub struct Recorder {
    key: u64,
    chunk_samples: usize,
    samples: Vec<i16>,
    /// Frames lost since the last chunk that was taken.
    lost: u64,
    jobs: mpsc::Sender<Job>,
    backlog: Arc<Backlog>,
}

/// How much waits for the disk, over all recordings.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pub(crate) chunks: AtomicUsize,
}

/// Beyond this many chunks (half a second of one recording each, 16 to 32 kB) audio is lost: ten seconds of 50 recordings.
pub(crate) const CHUNKS_MAX: usize = 1_024;

impl Recorder {
    pub(crate) fn new(key: u64, rate: media::RecordRate, jobs: mpsc::Sender<Job>, backlog: Arc<Backlog>) -> Self {
        // Two channels times half a second: a sample for each hertz.
        let chunk_samples = rate.hz() as usize;
        Self { key, chunk_samples, samples: Vec::new(), lost: 0, jobs, backlog }
    }

    fn hand_over(&mut self) {
        if self.samples.is_empty() {
            return;
        }
        let frames = self.samples.len() as u64 / 2;
        let waiting = self.backlog.chunks.fetch_add(1, Ordering::Relaxed);
        if waiting >= CHUNKS_MAX {
            self.backlog.chunks.fetch_sub(1, Ordering::Relaxed);
            if self.lost == 0 {
                tracing::warn!(waiting, "the disk is too slow: a recording loses audio");
            }
            self.lost += frames;
            self.samples.clear();
            return;
        }
        let samples = std::mem::take(&mut self.samples);
        let lost_before = std::mem::take(&mut self.lost);
        // Without a writer the process is stopping.
        let _ = self.jobs.send(Job::Frames { key: self.key, lost_before, samples });
    }
}

impl media::RecordSink for Recorder {
    fn frames(&mut self, interleaved: &[i16]) {
        debug_assert!(interleaved.len().is_multiple_of(2), "whole frames");
        if self.samples.capacity() == 0 {
            self.samples.reserve_exact(self.chunk_samples);
        }
        self.samples.extend_from_slice(interleaved);
        if self.samples.len() >= self.chunk_samples {
            self.hand_over();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.hand_over();
        let _ = self.jobs.send(Job::End { key: self.key, lost_before: self.lost });
    }
}
