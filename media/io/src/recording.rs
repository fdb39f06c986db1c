//! The thread that makes recordings. Behind by seconds, it would delay those, never a call.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use media::recorder::Recorder;
use media::relay::Pause;
use media::{Channels, EndpointId, Event, Now, RecordSink, RecorderId, StartRecorder};

use crate::OnEvent;
use crate::clock::Clock;
use crate::taps::{TapBuffer, Taps};

/// Work from the relay thread.
pub(crate) enum Job {
    Start { now: Now, start: StartRecorder },
    From { now: Now, recorder: RecorderId, channels: Channels },
    Pause { now: Now, recorder: RecorderId, pause: Pause },
    Stop { now: Now, recorder: RecorderId },
}

/// The recording thread.
pub(crate) struct Recording {
    clock: Clock,
    taps: Arc<Taps>,
    on_event: OnEvent,
    running: BTreeMap<RecorderId, Running>,
    /// Who records an endpoint.
    recorders_of: BTreeMap<EndpointId, Vec<RecorderId>>,
    /// Last swapped out; empty but for its room.
    packets: TapBuffer,
    frames: Vec<i16>,
    overflowed: u64,
}

struct Running {
    recorder: Recorder,
    sink: Output,
    /// Whose packets it is given.
    parties: Vec<EndpointId>,
    advanced_us: u64,
}

/// Where frames go.
enum Output {
    Sink(Box<dyn RecordSink>),
    /// The sink has panicked: its recording is over, the others go on.
    Broken,
}

struct Stop {
    now: Now,
    recorder: RecorderId,
}

impl Recording {
    pub(crate) fn new(clock: Clock, taps: Arc<Taps>, on_event: OnEvent) -> Self {
        Self {
            clock,
            taps,
            on_event,
            running: BTreeMap::new(),
            recorders_of: BTreeMap::new(),
            packets: TapBuffer::default(),
            frames: Vec::new(),
            overflowed: 0,
        }
    }

    /// Until the relay thread has gone; it stops every recorder first.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let mut stops = Vec::new();
            let job = if self.running.is_empty() {
                jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                jobs.recv_timeout(self.until_tick())
            };
            match job {
                Ok(job) => self.take(job, &mut stops),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.take_all(jobs, &mut stops);
            let due = self.until_tick().is_zero();
            if due || !stops.is_empty() {
                self.read_taps(jobs, &mut stops);
            }
            for stop in stops {
                self.stop(&stop);
            }
            if due {
                self.tick();
            }
        }
    }

    /// Time to the next tick: the recorder that was advanced longest ago says.
    fn until_tick(&self) -> Duration {
        let oldest = self.running.values().map(|running| running.advanced_us).min();
        let due = oldest.map_or(u64::MAX, |oldest| oldest + TICK_US);
        Duration::from_micros(due.saturating_sub(self.clock.now().mono_us))
    }

    fn take_all(&mut self, jobs: &Receiver<Job>, stops: &mut Vec<Stop>) {
        while let Ok(job) = jobs.try_recv() {
            self.take(job, stops);
        }
    }

    fn take(&mut self, job: Job, stops: &mut Vec<Stop>) {
        match job {
            Job::Start { now, start } => self.start(now, start),
            Job::From { now, recorder, channels } => {
                if let Some(running) = self.running.get_mut(&recorder) {
                    running.recorder.record_from(now, channels);
                }
                self.follow_parties(recorder);
            }
            Job::Pause { now, recorder, pause } => {
                let Some(running) = self.running.get_mut(&recorder) else { return };
                match pause {
                    Pause::Begins => running.recorder.pause(now),
                    Pause::Ends => running.recorder.resume(now),
                }
            }
            Job::Stop { now, recorder } => stops.push(Stop { now, recorder }),
        }
    }

    fn start(&mut self, now: Now, start: StartRecorder) {
        let StartRecorder { recorder: id, channels, rate, sink } = start;
        let (recorder, sink) = (Recorder::new(now, rate, channels), Output::Sink(sink));
        self.running.insert(id, Running { recorder, sink, parties: Vec::new(), advanced_us: now.mono_us });
        self.follow_parties(id);
    }

    /// Gives a recorder the packets that it wants now, and no others any more.
    fn follow_parties(&mut self, id: RecorderId) {
        let Some(running) = self.running.get_mut(&id) else { return };
        if running.recorder.parties().eq(running.parties.iter().copied()) {
            return;
        }
        let wanted: Vec<EndpointId> = running.recorder.parties().collect();
        let before = std::mem::replace(&mut running.parties, wanted.clone());
        self.unfollow(id, &before);
        for endpoint in wanted {
            self.recorders_of.entry(endpoint).or_default().push(id);
        }
    }

    fn unfollow(&mut self, id: RecorderId, parties: &[EndpointId]) {
        for endpoint in parties {
            if let Some(recorders) = self.recorders_of.get_mut(endpoint) {
                recorders.retain(|recorder| *recorder != id);
                if recorders.is_empty() {
                    self.recorders_of.remove(endpoint);
                }
            }
        }
    }

    fn give_taps(&mut self, packets: &TapBuffer) {
        for tap in packets.iter() {
            for id in self.recorders_of.get(&tap.endpoint).into_iter().flatten() {
                if let Some(running) = self.running.get_mut(id) {
                    running.recorder.receive(&tap);
                }
            }
        }
    }

    /// Gives tapped packets to their recorders. Packets tapped after a recorder was started may already be in the
    /// buffer while its job is still in the queue: that is read once more after the swap. A stop read now is for the
    /// packets of this buffer or the next, so it waits.
    fn read_taps(&mut self, jobs: &Receiver<Job>, stops: &mut Vec<Stop>) {
        let mut packets = std::mem::take(&mut self.packets);
        self.taps.swap(&mut packets);
        let mut later = Vec::new();
        self.take_all(jobs, &mut later);
        self.give_taps(&packets);
        self.overflowed += packets.overflowed();
        if !later.is_empty() {
            self.taps.swap(&mut packets);
            self.give_taps(&packets);
            stops.append(&mut later);
        }
        self.packets = packets;
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for running in self.running.values_mut() {
            running.advance(now.mono_us, &mut self.frames);
        }
        let moved = |running: &Running| !running.recorder.parties().eq(running.parties.iter().copied());
        let moved: Vec<RecorderId> =
            self.running.iter().filter(|(_, running)| moved(running)).map(|(id, _)| *id).collect();
        moved.into_iter().for_each(|id| self.follow_parties(id));
    }

    fn stop(&mut self, stop: &Stop) {
        let Some(mut running) = self.running.remove(&stop.recorder) else { return };
        self.unfollow(stop.recorder, &std::mem::take(&mut running.parties));
        running.finish(stop.now.mono_us, &mut self.frames);
        let Running { recorder, sink, .. } = running;
        drop(sink);
        (self.on_event)(Event::RecordingStopped {
            recorder: stop.recorder,
            frames: recorder.frames(),
            lost_packets: recorder.lost_packets(),
        });
    }
}

impl Running {
    /// In steps of a second at most, so that a thread that was away long does not need room for all of it.
    fn advance(&mut self, mono_us: u64, frames: &mut Vec<i16>) {
        while self.advanced_us < mono_us {
            self.advanced_us = mono_us.min(self.advanced_us + STEP_US);
            frames.clear();
            self.recorder.advance(self.advanced_us, frames);
            self.sink.give(frames);
        }
    }

    fn finish(&mut self, mono_us: u64, frames: &mut Vec<i16>) {
        self.advance(mono_us, frames);
        frames.clear();
        self.recorder.finish(mono_us, frames);
        self.sink.give(frames);
    }
}

impl Output {
    fn give(&mut self, frames: &[i16]) {
        let Self::Sink(sink) = self else { return };
        // The sink is dropped when it panics, so it is not seen in a broken state again.
        if !frames.is_empty() && catch_unwind(AssertUnwindSafe(|| sink.frames(frames))).is_err() {
            *self = Self::Broken;
        }
    }
}

/// How often recordings go forward.
const TICK_US: u64 = 100_000;
/// Longest piece given to a sink.
const STEP_US: u64 = 1_000_000;
