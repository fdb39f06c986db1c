//! Named places around every write that must survive a crash, where a test may stop the process or fail the write.
//!
//! Compiled to nothing without the feature `failpoints`. With it, the environment variable
//! `SWITCHBOARD_FAILPOINTS="journal.append.after_write=abort:17,recording.write=enospc:3"` arms places: the process aborts at
//! the 17th pass of the first; every pass from the third of the second reports a full disk. It stands in this crate because
//! the engine may depend on it and nothing lies below both.

/// What an armed place does when its turn has come.
#[cfg(feature = "failpoints")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// End the process at once, as `kill -9` would: nothing is flushed, nothing unwinds.
    Abort,
    /// From this pass on, report "no space left on device".
    DiskFull,
    /// Panic.
    Panic,
    /// From this pass on, take [`HANG`] for each.
    Hang,
}

/// How long a place takes that hangs: longer than any limit that a test looks at.
#[cfg(feature = "failpoints")]
const HANG: std::time::Duration = std::time::Duration::from_secs(20);

/// One armed place: acts at pass `at`, the first being 1.
#[cfg(feature = "failpoints")]
#[derive(Debug)]
struct Armed {
    name: String,
    action: Action,
    at: u64,
    passes: u64,
}

/// Stops the process here if a test armed `name` with `abort`.
#[inline]
pub fn fail_point(name: &str) {
    #[cfg(feature = "failpoints")]
    armed::pass(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// As [`fail_point`], and where a test armed `name` with `enospc` reports that instead of going on.
///
/// # Errors
/// "No space left on device", when armed so; never without the feature `failpoints`.
#[inline]
pub fn fail_point_io(name: &str) -> std::io::Result<()> {
    #[cfg(feature = "failpoints")]
    if armed::pass(name) == Some(Action::DiskFull) {
        return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    }
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
    Ok(())
}

/// True when a test armed `name`: lets a caller split a write in two to be stopped in its middle.
#[inline]
#[must_use]
pub fn is_armed(name: &str) -> bool {
    #[cfg(feature = "failpoints")]
    return armed::is_armed(name);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = name;
        false
    }
}

#[cfg(feature = "failpoints")]
pub use armed::with_fail_points;

#[cfg(feature = "failpoints")]
mod armed {
    use std::cell::RefCell;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use super::{Action, Armed};

    thread_local! {
        static OF_THIS_THREAD: RefCell<Vec<Armed>> = const { RefCell::new(Vec::new()) };
    }

    /// Arms places for the calling thread alone while `work` runs: for tests within one process. The text is that of the
    /// environment variable.
    ///
    /// # Panics
    /// Where the text is not `NAME=abort|enospc|panic|hang:PASS[,...]`: a test that arms nothing proves nothing.
    pub fn with_fail_points<T>(text: &str, work: impl FnOnce() -> T) -> T {
        OF_THIS_THREAD.with_borrow_mut(|armed| *armed = parse(text));
        let result = work();
        OF_THIS_THREAD.with_borrow_mut(Vec::clear);
        result
    }

    fn of_the_process() -> &'static Mutex<Vec<Armed>> {
        static ARMED: OnceLock<Mutex<Vec<Armed>>> = OnceLock::new();
        ARMED.get_or_init(|| {
            let text = std::env::var("SWITCHBOARD_FAILPOINTS").unwrap_or_default();
            Mutex::new(parse(&text))
        })
    }

    pub(super) fn pass(name: &str) -> Option<Action> {
        let action = OF_THIS_THREAD.with_borrow_mut(|armed| count(armed, name)).or_else(|| {
            let mut armed = of_the_process().lock().unwrap_or_else(PoisonError::into_inner);
            if armed.is_empty() { None } else { count(&mut armed, name) }
        });
        match action {
            Some(Action::Abort) => std::process::abort(),
            Some(Action::Panic) => panic!("armed to panic at {name}"),
            Some(Action::Hang) => std::thread::sleep(super::HANG),
            Some(Action::DiskFull) | None => {}
        }
        action
    }

    pub(super) fn is_armed(name: &str) -> bool {
        let has = |armed: &[Armed]| armed.iter().any(|point| point.name == name);
        OF_THIS_THREAD.with_borrow(|armed| has(armed))
            || has(&of_the_process().lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(armed: &mut [Armed], name: &str) -> Option<Action> {
        let point = armed.iter_mut().find(|point| point.name == name)?;
        point.passes += 1;
        let due = match point.action {
            Action::Abort | Action::Panic => point.passes == point.at,
            Action::DiskFull | Action::Hang => point.passes >= point.at,
        };
        due.then_some(point.action)
    }

    fn parse(text: &str) -> Vec<Armed> {
        text.split(',').filter(|part| !part.is_empty()).map(parse_one).collect()
    }

    fn parse_one(part: &str) -> Armed {
        let parsed = part.split_once('=').and_then(|(name, rest)| {
            let (action, at) = rest.split_once(':').unwrap_or((rest, "1"));
            let action = match action {
                "abort" => Action::Abort,
                "enospc" => Action::DiskFull,
                "panic" => Action::Panic,
                "hang" => Action::Hang,
                _ => return None,
            };
            Some(Armed { name: name.to_owned(), action, at: at.parse().ok()?, passes: 0 })
        });
        parsed.unwrap_or_else(|| panic!("a fail point is written NAME=abort|enospc|panic|hang:PASS, not `{part}`"))
    }
}

#[cfg(all(test, feature = "failpoints"))]
mod tests {
    use super::*;

    #[test]
    fn an_armed_place_fails_from_its_turn_on_and_no_other_does() {
        with_fail_points("recording.write=enospc:2", || {
            assert!(fail_point_io("recording.write").is_ok());
            assert!(fail_point_io("recording.finish").is_ok());
            let error = fail_point_io("recording.write").unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
            assert!(fail_point_io("recording.write").is_err());
            assert!(is_armed("recording.write"));
        });
        assert!(fail_point_io("recording.write").is_ok());
    }
}
