//! Number rules of a trunk: how a number is written on its way in or out. Rules are applied one after the other, each to what
//! the one before made of it; one that does not match, or would make something that is no number, changes nothing.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::country::Country;
use crate::number::Dialled;

/// One rule, as people write it:
///
/// - `prefix 00 -> +`: a number that begins so begins otherwise; either side may be empty.
/// - `regex ^0(\d+)$ -> +86$1`: what matches is replaced; `$1` is the first group.
/// - `e164 cn`: as E.164 with a leading `+`, read as the country's people dial it (GEN-06).
/// - `national cn`: an E.164 number of that country as its people dial it.
#[derive(Clone, Debug)]
pub struct NumberRule {
    text: String,
    rewrite: Rewrite,
}

#[derive(Clone, Debug)]
enum Rewrite {
    Prefix { from: String, to: String },
    Pattern { pattern: Regex, to: String },
    E164(Country),
    National(Country),
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// None of the kinds.
    #[error("a rule is written `prefix 00 -> +`, `regex ^0(\\d+)$ -> $1`, `e164 cn` or `national cn`")]
    Kind,
    /// A prefix that is no part of a number.
    #[error("`{0}` is no part of a number: at most 24 of 0-9, * and #, optionally after a +")]
    Prefix(String),
    /// A pattern that does not compile.
    #[error("`{0}` is no pattern: {1}")]
    Pattern(String, String),
    /// A pattern or replacement that is too long.
    #[error("a pattern and its replacement have at most 256 characters each")]
    TooLong,
    /// A country that is not in the table.
    #[error("`{0}` is no country we know the numbers of; there are {1}")]
    Country(String, String),
}

impl NumberRule {
    /// What the rule makes of a number; `None` where it changes nothing.
    #[must_use]
    pub fn apply(&self, number: &str) -> Option<String> {
        let made = match &self.rewrite {
            Rewrite::Prefix { from, to } => format!("{to}{}", number.strip_prefix(from.as_str())?),
            Rewrite::Pattern { pattern, to } => {
                let found = pattern.captures(number)?;
                let whole = found.get(0)?;
                let mut middle = String::new();
                found.expand(to, &mut middle);
                format!("{}{middle}{}", &number[..whole.start()], &number[whole.end()..])
            }
            Rewrite::E164(country) => country.international(number)?,
            Rewrite::National(country) => country.national(number)?,
        };
        is_number(&made).then_some(made)
    }
}

/// Applies rules one after the other.
#[must_use]
pub fn rewrite(rules: &[NumberRule], number: &str) -> String {
    rules.iter().fold(number.to_owned(), |number, rule| rule.apply(&number).unwrap_or(number))
}

impl FromStr for NumberRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rewrite = match kind {
            "prefix" => prefix(rest)?,
            "regex" => pattern(rest)?,
            "e164" => Rewrite::E164(country(rest)?),
            "national" => Rewrite::National(country(rest)?),
            _ => return Err(RuleError::Kind),
        };
        Ok(Self { text: text.to_owned(), rewrite })
    }
}

fn arrow(text: &str) -> Result<(&str, &str), RuleError> {
    // The last arrow divides: a pattern may hold one.
    let (from, to) = text.rsplit_once("->").ok_or(RuleError::Kind)?;
    Ok((from.trim(), to.trim()))
}

fn prefix(text: &str) -> Result<Rewrite, RuleError> {
    let (from, to) = arrow(text)?;
    match [from, to].into_iter().find(|part| !part.is_empty() && *part != "+" && !is_number(part)) {
        Some(wrong) => Err(RuleError::Prefix(wrong.to_owned())),
        None => Ok(Rewrite::Prefix { from: from.to_owned(), to: to.to_owned() }),
    }
}

fn pattern(text: &str) -> Result<Rewrite, RuleError> {
    let (from, to) = arrow(text)?;
    if from.len() > PATTERN_MAX || to.len() > PATTERN_MAX {
        return Err(RuleError::TooLong);
    }
    // The engine is linear in the number's length whatever the pattern; its size is bounded when it is compiled.
    let compiled = RegexBuilder::new(from).size_limit(COMPILED_MAX).dfa_size_limit(COMPILED_MAX).build();
    let pattern = compiled.map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        RuleError::Pattern(from.to_owned(), last)
    })?;
    Ok(Rewrite::Pattern { pattern, to: to.to_owned() })
}

fn country(text: &str) -> Result<Country, RuleError> {
    text.trim().parse().map_err(|_| RuleError::Country(text.trim().to_owned(), Country::all()))
}

fn is_number(text: &str) -> bool {
    text.parse::<Dialled>().is_ok()
}

impl fmt::Display for NumberRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for NumberRule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NumberRule {}

/// Characters of a pattern, and of its replacement.
const PATTERN_MAX: usize = 256;
/// Bytes of a compiled pattern, and of the cache it may use while it matches.
const COMPILED_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(rules: &[&str], number: &str) -> String {
        let rules: Vec<NumberRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        rewrite(&rules, number)
    }

    #[test]
    fn a_prefix_is_replaced_and_only_where_it_stands() {
        assert_eq!(made(&["prefix 00 -> +"], "008613800000000"), "+8613800000000");
        assert_eq!(made(&["prefix 00 -> +"], "13800000000"), "13800000000");
        assert_eq!(made(&["prefix 9 ->"], "913800000000"), "13800000000");
        assert_eq!(made(&["prefix -> 0"], "1380"), "01380");
    }

    #[test]
    fn a_pattern_rewrites_with_its_groups() {
        assert_eq!(made(&[r"regex ^0086(1\d{10})$ -> 0$1"], "008613800000000"), "013800000000");
        assert_eq!(made(&[r"regex ^0(\d{2})(\d+)$ -> +86${1}9$2"], "01012345"), "+8610912345");
    }

    #[test]
    fn rules_go_on_with_what_the_one_before_made() {
        assert_eq!(made(&["prefix 9 ->", "e164 cn", "prefix + -> 00"], "913800000000"), "008613800000000");
    }

    #[test]
    fn what_would_be_no_number_is_left_as_it_was() {
        assert_eq!(made(&[r"regex ^\d+$ -> sip:evil@x"], "123"), "123");
        assert_eq!(made(&["prefix 123 ->"], "123"), "123", "nothing would be left");
        assert_eq!(made(&["prefix -> 123456789012345678901234"], "1"), "1", "it would be too long");
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said() {
        let wrong = |text: &str| text.parse::<NumberRule>().unwrap_err().to_string();
        assert!(wrong("suffix 1 -> 2").contains("a rule is written"));
        assert!(wrong("prefix 1").contains("a rule is written"));
        assert_eq!(
            wrong("prefix 1a -> 2"),
            "`1a` is no part of a number: at most 24 of 0-9, * and #, optionally after a +"
        );
        assert!(wrong("regex ( -> 2").starts_with("`(` is no pattern: unclosed group"), "{}", wrong("regex ( -> 2"));
        assert!(wrong(&format!("regex {} -> 1", "1".repeat(300))).contains("256"));
        assert!(wrong(r"regex \d{1000}{1000} -> 1").contains("size limit"), "{}", wrong(r"regex \d{1000}{1000} -> 1"));
        assert!(wrong("e164 xx").starts_with("`xx` is no country we know the numbers of; there are "));
    }

    #[test]
    fn a_rule_is_written_as_it_was_read() {
        for text in ["prefix 00 -> +", r"regex ^(\d+)$ -> 0$1", "e164 cn", "national de"] {
            assert_eq!(text.parse::<NumberRule>().unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn rules_never_panic_and_always_leave_a_number(
            rule in r"(prefix [0-9+*#a]{0,4} -> [0-9+*#]{0,4}|regex [\\d0-9+*()\[\]^$.|?]{0,12} -> [$0-9{}+a]{0,8}|e164 (cn|us|de|it)|national (cn|us|de|it))",
            number in r"\+?[0-9*#]{1,20}",
        ) {
            if let Ok(rule) = rule.parse::<NumberRule>() {
                let made = rewrite(&[rule], &number);
                prop_assert!(made.parse::<Dialled>().is_ok(), "{made}");
            }
        }
    }
}
