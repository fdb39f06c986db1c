//! Known callers (IVR-05): who goes first in a queue, and whose customer he is.

use crate::number::{AgentNumber, Dialled};
use crate::number_map::{Full, NumberMap, NumberPattern, forms};

/// The known callers of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownCallers {
    numbers: NumberMap<KnownCaller>,
}

/// What is known of a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownCaller {
    /// In queues, higher goes first: 0 to [`PRIORITY_MAX`].
    pub priority: u8,
    /// Whose customer he is: that agent is rung first.
    pub owner: Option<AgentNumber>,
}

/// The highest priority of a known caller.
pub const PRIORITY_MAX: u8 = 9;

impl KnownCallers {
    /// Adds an entry, or changes the one of the same pattern.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, pattern: NumberPattern, caller: KnownCaller) -> Result<(), Full> {
        self.numbers.insert(pattern, caller)
    }

    /// What is known of a number as it comes from a trunk, in whatever form: the whole number first, then the longest prefix.
    #[must_use]
    pub fn find(&self, number: &str) -> Option<&KnownCaller> {
        if self.numbers.is_empty() {
            return None;
        }
        let whole = forms(number).find_map(|form| self.numbers.whole(&form));
        whole.or_else(|| forms(number).find_map(|form| self.numbers.matching(&form).next()))
    }
}

/// A caller's number by which he is known again: E.164 where it is one. `None` where it is withheld.
#[must_use]
pub fn remembered(number: &str) -> Option<Dialled> {
    Dialled::clean(number).ok().map(|number| crate::number_map::normal(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_number_goes_before_the_prefix_in_whatever_form_it_comes() {
        let mut callers = KnownCallers::default();
        let known = |priority| KnownCaller { priority, owner: None };
        assert_eq!(callers.find("13800138000"), None);
        callers.insert(NumberPattern::Prefix("138".parse().unwrap()), known(3)).unwrap();
        callers.insert(NumberPattern::Exact("+8613800138000".parse().unwrap()), known(9)).unwrap();
        let priority = |number: &str| callers.find(number).map(|caller| caller.priority);
        assert_eq!((priority("13800138000"), priority("+8613800138000")), (Some(9), Some(9)));
        assert_eq!((priority("+8613800138001"), priority("13900138000"), priority("")), (Some(3), None, None));
    }

    #[test]
    fn a_caller_is_known_again_by_any_form_of_his_number() {
        let same = ["13800138000", "+8613800138000", "008613800138000"].map(|number| remembered(number).unwrap());
        assert!(same.iter().all(|number| number.as_str() == "+8613800138000"), "{same:?}");
        assert_eq!((remembered(""), remembered("anonymous")), (None, None));
    }
}
