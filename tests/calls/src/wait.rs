//! Waiting for something that can be seen, with a deadline: never for time to pass.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until `look` returns a value, or fails after `at_most` naming `what`.
///
/// # Errors
/// When the deadline passes, or as soon as `look` itself fails.
pub fn until<T>(what: &str, at_most: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("waited {at_most:?} in vain for {what}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_seen_and_a_deadline_is_kept() {
        let mut looks = 0;
        let third = |looks: &mut i32| {
            *looks += 1;
            Ok((*looks == 3).then_some(*looks))
        };
        assert_eq!(until("three", Duration::from_secs(5), || third(&mut looks)).unwrap(), 3);
        let never = until::<()>("rain", Duration::from_millis(1), || Ok(None)).unwrap_err();
        assert!(never.to_string().contains("rain"));
    }
}
