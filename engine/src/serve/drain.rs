//! No new calls, and time for those that run.

use std::time::Duration;

use switch::input::Admission;
use tokio::time::{Instant, sleep, sleep_until};

use super::signals::{Asked, Signals};
use crate::live::Live;
use crate::writer::Inbox;

/// How often it is looked whether calls still run.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until no call runs any more, or `at_most`, or until somebody asks again. Who calls meanwhile gets 503.
pub(super) async fn drain(inbox: &Inbox, live: &Live, at_most: Duration, signals: &mut Signals) {
    let until = Instant::now() + at_most;
    inbox.admission(Admission::Draining).await;
    // Comes back once the writer has taken the line above: no call is on its way in that is not published.
    if inbox.facts(Vec::new()).await.is_err() {
        return;
    }
    loop {
        let calls = live.counts().calls;
        if calls == 0 {
            return;
        }
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = sleep_until(until) => {
                tracing::warn!(calls, "drain_s has passed: the calls that still run are ended");
                return;
            }
            asked = signals.next() => match asked {
                Asked::Reload => tracing::warn!("the process is stopping: the configuration is not read again"),
                Asked::Drain | Asked::Stop => {
                    tracing::warn!(calls, "asked to stop again: the calls that still run are ended");
                    return;
                }
            },
        }
    }
}
