//! Hands the short messages that wait to the gateway, one after the other. None is handed over twice: what a process that was stopped had in
//! hand counts as failed, since it may have arrived.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hooks::plugin::Host;
use hooks::sms::{Message, NotSent};

use crate::store::sms_messages::{MessageState, SmsMessage};
use crate::store::{CrmStore, StoreError};

/// How often it is looked whether something waits that nobody told of (a database that was away).
const LOOK: Duration = Duration::from_secs(5);
/// How long a database that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Where the sender waits for work.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<Rung>,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    work: bool,
    stop: bool,
}

impl Bell {
    /// Something waits.
    pub(crate) fn ring(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).work = true;
        self.heard.notify_all();
    }

    fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.heard.notify_all();
    }

    /// Waits for work, or a while; whether to go on.
    fn wait(&self, at_most: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.heard.wait_timeout_while(state, at_most, |rung| !rung.work && !rung.stop);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        rung.work = false;
        !rung.stop
    }

    fn stopped(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stop
    }
}

/// Stops the sender when it goes, also in a panic.
struct Stop<'b>(&'b Bell);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs `work` with a sender beside it.
pub(crate) fn beside<T>(store: &Arc<CrmStore>, host: &dyn Host, bell: &Bell, work: impl FnOnce() -> T) -> T {
    bell.state.lock().unwrap_or_else(PoisonError::into_inner).stop = false;
    std::thread::scope(|scope| {
        scope.spawn(|| send_all(store, host, bell));
        let _stop = Stop(bell);
        work()
    })
}

fn send_all(store: &CrmStore, host: &dyn Host, bell: &Bell) {
    let mut given_up = false;
    loop {
        if !given_up {
            let reason = "the server was stopped while it was sent: it may have arrived";
            given_up = store.give_up_sms(reason, host.now_ms()).is_ok();
        }
        let sent = if given_up { send_waiting(store, host, || bell.stopped()) } else { Ok(()) };
        let pause = if sent.is_ok() && given_up { LOOK } else { PAUSE };
        if !bell.wait(pause) {
            return;
        }
    }
}

/// Sends what waits, until nothing does or `stopped` says so.
pub(crate) fn send_waiting(store: &CrmStore, host: &dyn Host, stopped: impl Fn() -> bool) -> Result<(), StoreError> {
    while !stopped() {
        let Some(message) = store.next_sms()? else { return Ok(()) };
        let (state, reason) = match host.send_sms(&wire(&message)) {
            Ok(()) => (MessageState::Sent, String::new()),
            Err(NotSent::NoGateway(reason) | NotSent::Failed(reason)) => (MessageState::Failed, reason),
        };
        store.sms_done(&message, state, &reason, host.now_ms())?;
    }
    Ok(())
}

fn wire(message: &SmsMessage) -> Message {
    let what = &message.what;
    Message {
        to: what.number_normal.clone(),
        text: what.content.clone(),
        signature: what.signature.clone(),
        template: what.gateway.clone(),
        parameters: what.parameters.clone(),
    }
}
