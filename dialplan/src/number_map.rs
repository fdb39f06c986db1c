//! What is known of numbers, whole or by how they begin: block lists, known callers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::number::Dialled;

/// Something for each of many numbers.
///
/// Two ordered maps, of whole numbers and of prefixes. A look-up is one search in the first and one in the second for each
/// length that a prefix has (at most 24): with 100,000 entries some hundred comparisons, whatever it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberMap<T> {
    exact: BTreeMap<String, T>,
    prefix: BTreeMap<String, T>,
    /// How many prefixes there are of each length, so that only those lengths are looked up.
    lengths: BTreeMap<usize, usize>,
}

/// Which numbers an entry is about; both in the normal form of numbers (GEN-06).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberPattern {
    /// This number.
    Exact(Dialled),
    /// Numbers that begin so.
    Prefix(Dialled),
}

/// Why an entry is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list is full: it holds {ENTRIES_MAX} entries; take old ones out, or write a prefix")]
pub struct Full;

/// Entries of one list.
pub const ENTRIES_MAX: usize = 100_000;

/// Tenants have no country of their own yet: the default of GEN-06.
fn country() -> Country {
    "cn".parse().expect("China is in the table")
}

/// A whole number as lists hold it: E.164 where it is one.
#[must_use]
pub fn normal(number: &Dialled) -> Dialled {
    let international = country().international(number.as_str());
    international.and_then(|number| number.parse().ok()).unwrap_or_else(|| number.clone())
}

/// A number as it came from a trunk or a phone, as E.164 and as people dial it (GEN-06).
pub fn forms(number: &str) -> impl Iterator<Item = String> {
    let country = country();
    let international = country.international(number);
    let national = international.as_deref().and_then(|number| country.national(number));
    [Some(number.to_owned()), international, national].into_iter().flatten()
}

impl<T> Default for NumberMap<T> {
    fn default() -> Self {
        Self { exact: BTreeMap::new(), prefix: BTreeMap::new(), lengths: BTreeMap::new() }
    }
}

impl<T> NumberMap<T> {
    /// Adds an entry, or changes the one of the same pattern.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, pattern: NumberPattern, value: T) -> Result<(), Full> {
        let (map, number) = match &pattern {
            NumberPattern::Exact(number) => (&self.exact, number),
            NumberPattern::Prefix(number) => (&self.prefix, number),
        };
        if !map.contains_key(number.as_str()) && self.len() >= ENTRIES_MAX {
            return Err(Full);
        }
        match pattern {
            NumberPattern::Exact(number) => drop(self.exact.insert(number.as_str().to_owned(), value)),
            NumberPattern::Prefix(number) => {
                let length = number.as_str().len();
                if self.prefix.insert(number.as_str().to_owned(), value).is_none() {
                    *self.lengths.entry(length).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes an entry out.
    pub fn remove(&mut self, pattern: &NumberPattern) -> Option<T> {
        match pattern {
            NumberPattern::Exact(number) => self.exact.remove(number.as_str()),
            NumberPattern::Prefix(number) => {
                let removed = self.prefix.remove(number.as_str())?;
                let length = number.as_str().len();
                if let Some(count) = self.lengths.get_mut(&length) {
                    *count -= 1;
                    if *count == 0 {
                        self.lengths.remove(&length);
                    }
                }
                Some(removed)
            }
        }
    }

    /// What is known of the whole number.
    #[must_use]
    pub fn whole(&self, number: &str) -> Option<&T> {
        self.exact.get(number)
    }

    /// What is known of a number: of the whole number first, then of the longest prefix. A withheld number is no number and matches
    /// nothing (CALL-32).
    pub fn matching(&self, number: &str) -> impl Iterator<Item = &T> {
        let prefixes = self.lengths.keys().rev().filter_map(|length| self.prefix.get(number.get(..*length)?));
        self.exact.get(number).into_iter().chain(prefixes)
    }

    /// Takes out what is not to be kept; says how many.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) -> usize {
        let before = self.len();
        self.exact.retain(|_, value| keep(value));
        self.prefix.retain(|_, value| keep(value));
        self.lengths.clear();
        for prefix in self.prefix.keys() {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        before - self.len()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefix.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
