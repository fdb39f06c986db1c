//! Block lists (GEN-19): callers who do not get in, and numbers that are not called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::number::Dialled;

/// One list of a tenant: of callers, or of callees.
///
/// Two ordered maps, of whole numbers and of prefixes. A look-up is one search in the first and one in the second for each
/// length that a prefix has (at most 24): with 100,000 entries some hundred comparisons, whatever the list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList {
    exact: BTreeMap<String, Block>,
    prefix: BTreeMap<String, Block>,
    /// How many prefixes there are of each length, so that only those lengths are looked up.
    lengths: BTreeMap<usize, usize>,
}

/// A tenant's two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockLists {
    /// Who is not let in.
    pub callers: BlockList,
    /// Who is not called.
    pub callees: BlockList,
}

/// Which numbers an entry blocks; both in the normal form of numbers (GEN-06).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockPattern {
    /// This number.
    Exact(Dialled),
    /// Numbers that begin so.
    Prefix(Dialled),
}

/// How long a number is blocked and what becomes of its calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What its calls get.
    #[serde(default)]
    pub treatment: Treatment,
    /// Milliseconds since 1970; from then on it blocks nothing. Without one it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// What a blocked call gets. Each is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Busy (486).
    #[default]
    Busy,
    /// A prompt, then the end.
    Prompt,
    /// Refused at once (603).
    HangUp,
}

/// Why an entry is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block list is full: it holds {ENTRIES_MAX} entries; take old ones out, or block a prefix")]
pub struct Full;

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

/// Entries of one list.
pub const ENTRIES_MAX: usize = 100_000;

impl BlockList {
    /// Adds an entry, or changes the one of the same pattern.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, pattern: BlockPattern, block: Block) -> Result<(), Full> {
        let (map, number) = match &pattern {
            BlockPattern::Exact(number) => (&self.exact, number),
            BlockPattern::Prefix(number) => (&self.prefix, number),
        };
        if !map.contains_key(number.as_str()) && self.len() >= ENTRIES_MAX {
            return Err(Full);
        }
        match pattern {
            BlockPattern::Exact(number) => drop(self.exact.insert(number.as_str().to_owned(), block)),
            BlockPattern::Prefix(number) => {
                let length = number.as_str().len();
                if self.prefix.insert(number.as_str().to_owned(), block).is_none() {
                    *self.lengths.entry(length).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes an entry out.
    pub fn remove(&mut self, pattern: &BlockPattern) -> Option<Block> {
        match pattern {
            BlockPattern::Exact(number) => self.exact.remove(number.as_str()),
            BlockPattern::Prefix(number) => {
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

    /// The entry that blocks a number now: the whole number first, then the longest prefix. What has expired blocks nothing,
    /// and a shorter prefix that has not still does. A withheld number is no number and matches nothing (CALL-32).
    #[must_use]
    pub fn blocks(&self, number: &str, now_ms: i64) -> Option<&Block> {
        let live = |block: &&Block| block.expires_ms.is_none_or(|end| now_ms < end);
        let prefixes = self.lengths.keys().rev().filter_map(|length| self.prefix.get(number.get(..*length)?));
        self.exact.get(number).into_iter().chain(prefixes).find(live)
    }

    /// As [`Self::blocks`], for a number as it comes from a trunk or a phone: it is looked for as it came, as E.164 and as people dial it
    /// (GEN-06), so that `138` blocks `+86138...`.
    #[must_use]
    pub fn blocks_any_form(&self, number: &str, now_ms: i64) -> Option<&Block> {
        if self.is_empty() {
            return None;
        }
        let country = country();
        let international = country.international(number);
        let national = international.as_deref().and_then(|number| country.national(number));
        let forms = [Some(number.to_owned()), international, national];
        forms.iter().flatten().find_map(|form| self.blocks(form, now_ms))
    }

    /// Takes out what has expired; says how many.
    pub fn sweep(&mut self, now_ms: i64) -> usize {
        let before = self.len();
        let live = |block: &Block| block.expires_ms.is_none_or(|end| now_ms < end);
        self.exact.retain(|_, block| live(block));
        self.prefix.retain(|_, block| live(block));
        self.lengths.clear();
        for prefix in self.prefix.keys() {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        before - self.len()
    }

    /// How many entries there are, expired ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefix.len()
    }

    /// True when nothing is blocked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(number: &str) -> BlockPattern {
        BlockPattern::Exact(number.parse().unwrap())
    }

    fn prefix(number: &str) -> BlockPattern {
        BlockPattern::Prefix(number.parse().unwrap())
    }

    fn block(treatment: Treatment, expires_ms: Option<i64>) -> Block {
        Block { treatment, expires_ms }
    }

    #[test]
    fn the_whole_number_goes_before_the_longest_prefix_that_has_not_expired() {
        let mut list = BlockList::default();
        list.insert(prefix("+86"), block(Treatment::HangUp, None)).unwrap();
        list.insert(prefix("+861012"), block(Treatment::Prompt, Some(100))).unwrap();
        list.insert(exact("+861012345678"), block(Treatment::Busy, Some(50))).unwrap();
        let treatment = |number: &str, now| list.blocks(number, now).map(|block| block.treatment);
        assert_eq!(treatment("+861012345678", 49), Some(Treatment::Busy));
        assert_eq!(treatment("+861012345678", 50), Some(Treatment::Prompt));
        assert_eq!(treatment("+861012345678", 100), Some(Treatment::HangUp));
        assert_eq!(treatment("+861012345679", 0), Some(Treatment::Prompt));
        assert_eq!(treatment("+1202", 0), None);
        for none in ["anonymous", "", "+8", "八六"] {
            assert_eq!(treatment(none, 0), None, "{none}");
        }
    }

    #[test]
    fn a_full_list_takes_changes_but_no_more_entries() {
        let mut list = BlockList::default();
        for number in 0..ENTRIES_MAX {
            list.insert(exact(&format!("{number:06}")), block(Treatment::Busy, None)).unwrap();
        }
        assert_eq!(list.insert(prefix("9"), block(Treatment::Busy, None)), Err(Full));
        list.insert(exact("000000"), block(Treatment::Prompt, Some(7))).unwrap();
        assert_eq!(list.blocks("000000", 0).map(|block| block.treatment), Some(Treatment::Prompt));
        assert_eq!(list.sweep(7), 1);
        assert_eq!(list.len(), ENTRIES_MAX - 1);
        list.insert(prefix("9"), block(Treatment::Busy, None)).unwrap();
    }

    #[test]
    fn a_number_is_found_in_whatever_form_it_comes() {
        let mut list = BlockList::default();
        list.insert(BlockPattern::Exact(normal(&"01012345678".parse().unwrap())), block(Treatment::Busy, None))
            .unwrap();
        list.insert(prefix("138"), block(Treatment::Prompt, None)).unwrap();
        let treatment = |number: &str| list.blocks_any_form(number, 0).map(|block| block.treatment);
        for number in ["+861012345678", "01012345678", "00861012345678", "861012345678"] {
            assert_eq!(treatment(number), Some(Treatment::Busy), "{number}");
        }
        for number in ["13800138000", "+8613800138000", "013800138000", "138"] {
            assert_eq!(treatment(number), Some(Treatment::Prompt), "{number}");
        }
        for number in ["12345678", "", "anonymous", "13900138000", "+13800138000"] {
            assert_eq!(treatment(number), None, "{number}");
        }
    }

    proptest! {
        /// Compared with a list that is read from end to end.
        #[test]
        fn a_look_up_finds_what_a_walk_finds(
            entries in prop::collection::vec((any::<bool>(), "[0-3]{1,4}", 0..3_usize, prop::option::of(0..20_i64)), 0..40),
            taken in prop::collection::vec((any::<bool>(), "[0-3]{1,4}"), 0..10),
            number in "[0-3]{1,6}",
            now in 0..20_i64,
        ) {
            let pattern = |whole: bool, number: &str| if whole { exact(number) } else { prefix(number) };
            let treatments = [Treatment::Busy, Treatment::Prompt, Treatment::HangUp];
            let (mut list, mut plain) = (BlockList::default(), Vec::<(BlockPattern, Block)>::new());
            for (whole, number, treatment, expires) in &entries {
                let block = block(treatments[*treatment], *expires);
                list.insert(pattern(*whole, number), block.clone()).unwrap();
                plain.retain(|(old, _)| *old != pattern(*whole, number));
                plain.push((pattern(*whole, number), block));
            }
            for (whole, number) in &taken {
                list.remove(&pattern(*whole, number));
                plain.retain(|(old, _)| *old != pattern(*whole, number));
            }
            let weight = |pattern: &BlockPattern| match pattern {
                BlockPattern::Exact(own) => (own.as_str() == number).then_some(usize::MAX),
                BlockPattern::Prefix(own) => number.starts_with(own.as_str()).then_some(own.as_str().len()),
            };
            let walked = plain
                .iter()
                .filter(|(_, block)| block.expires_ms.is_none_or(|end| end > now))
                .filter_map(|(pattern, block)| weight(pattern).map(|weight| (weight, block)))
                .max_by_key(|(weight, _)| *weight)
                .map(|(_, block)| block);
            prop_assert_eq!(list.blocks(&number, now), walked);
        }
    }
}
