//! Block lists (GEN-19): callers who do not get in, and numbers that are not called.

use serde::{Deserialize, Serialize};

use crate::number_map::{Full, NumberMap, NumberPattern, forms};

/// One list of a tenant: of callers, or of callees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList {
    numbers: NumberMap<Block>,
}

/// A tenant's two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockLists {
    /// Who is not let in.
    pub callers: BlockList,
    /// Who is not called.
    pub callees: BlockList,
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

impl BlockList {
    /// Adds an entry, or changes the one of the same pattern.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, pattern: NumberPattern, block: Block) -> Result<(), Full> {
        self.numbers.insert(pattern, block)
    }

    /// Takes an entry out.
    pub fn remove(&mut self, pattern: &NumberPattern) -> Option<Block> {
        self.numbers.remove(pattern)
    }

    /// The entry that blocks a number now: the whole number first, then the longest prefix. What has expired blocks nothing,
    /// and a shorter prefix that has not still does. A withheld number is no number and matches nothing (CALL-32).
    #[must_use]
    pub fn blocks(&self, number: &str, now_ms: i64) -> Option<&Block> {
        self.numbers.matching(number).find(|block| block.expires_ms.is_none_or(|end| now_ms < end))
    }

    /// As [`Self::blocks`], for a number as it comes from a trunk or a phone: it is looked for as it came, as E.164 and as people dial it
    /// (GEN-06), so that `138` blocks `+86138...`.
    #[must_use]
    pub fn blocks_any_form(&self, number: &str, now_ms: i64) -> Option<&Block> {
        if self.is_empty() {
            return None;
        }
        forms(number).find_map(|form| self.blocks(&form, now_ms))
    }

    /// Takes out what has expired; says how many.
    pub fn sweep(&mut self, now_ms: i64) -> usize {
        self.numbers.retain(|block| block.expires_ms.is_none_or(|end| now_ms < end))
    }

    /// How many entries there are, expired ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
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
    use crate::number_map::{ENTRIES_MAX, normal};

    fn exact(number: &str) -> NumberPattern {
        NumberPattern::Exact(number.parse().unwrap())
    }

    fn prefix(number: &str) -> NumberPattern {
        NumberPattern::Prefix(number.parse().unwrap())
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
        list.insert(NumberPattern::Exact(normal(&"01012345678".parse().unwrap())), block(Treatment::Busy, None))
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
            let (mut list, mut plain) = (BlockList::default(), Vec::<(NumberPattern, Block)>::new());
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
            let weight = |pattern: &NumberPattern| match pattern {
                NumberPattern::Exact(own) => (own.as_str() == number).then_some(usize::MAX),
                NumberPattern::Prefix(own) => number.starts_with(own.as_str()).then_some(own.as_str().len()),
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
