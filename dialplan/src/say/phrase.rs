//! Sentences with a number in them, since languages put it in different places.

use super::{Language, Part, PromptName, defaults};

/// "You are number three in line": `position` counts from 1. 您排在第三位.
#[must_use]
pub fn position(position: u64) -> Vec<Part> {
    match position {
        0 | 1 => vec![Part::Prompt(defaults::YOU_ARE_NEXT)],
        // An ordinal in Mandarin, so a 2 is 二.
        _ => vec![Part::Prompt(defaults::YOU_ARE), Part::Number(position), Part::Prompt(defaults::IN_LINE)],
    }
}

/// "The expected wait is five minutes". Below a minute that is said instead.
#[must_use]
pub fn wait(language: Language, minutes: u64) -> Vec<Part> {
    if minutes == 0 {
        return vec![Part::Prompt(defaults::WAIT_UNDER_A_MINUTE)];
    }
    let unit = match (language, minutes) {
        (Language::En, 1) => defaults::MINUTE,
        (Language::ZhCn | Language::En, _) => defaults::MINUTES,
    };
    vec![Part::Prompt(defaults::EXPECTED_WAIT), count(language, minutes), Part::Prompt(unit)]
}

/// "There are three people in this conference": two or more.
#[must_use]
pub fn people(language: Language, people: u64) -> Vec<Part> {
    let there = [defaults::CONFERENCE_THERE_ARE, defaults::CONFERENCE_PEOPLE].map(Part::Prompt);
    let [before, after] = there;
    vec![before, count(language, people), after]
}

/// "You have three new messages".
#[must_use]
pub fn messages(language: Language, new: u64) -> Vec<Part> {
    let unit = match new {
        0 => return vec![Part::Prompt(defaults::VOICEMAIL_NO_MESSAGES)],
        1 => defaults::VOICEMAIL_MESSAGE,
        _ => defaults::VOICEMAIL_MESSAGES,
    };
    vec![Part::Prompt(defaults::VOICEMAIL_YOU_HAVE), count(language, new), Part::Prompt(unit)]
}

/// So many of something: two of something is 两, not 二.
fn count(language: Language, number: u64) -> Part {
    match (language, number) {
        (Language::ZhCn, 2) => Part::Prompt(PromptName::known("number_liang")),
        (Language::ZhCn | Language::En, _) => Part::Number(number),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Piece, pieces};
    use super::*;

    fn said(language: Language, parts: &[Part]) -> String {
        let names = pieces(language, parts).into_iter().map(|piece| match piece {
            Piece::Prompt(name) => name.to_string(),
            other => panic!("{other:?}"),
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_place_in_line_is_told_and_the_first_is_next() {
        for language in Language::ALL {
            assert_eq!(said(language, &position(1)), "you_are_next");
            assert_eq!(said(language, &position(2)), "you_are number_2 in_line");
            assert_eq!(said(language, &position(12)).split(' ').next_back(), Some("in_line"));
        }
    }

    #[test]
    fn people_are_counted() {
        let both = |number| Language::ALL.map(|language| said(language, &people(language, number)));
        let told = |number: &str| format!("conference_there_are {number} conference_people");
        assert_eq!(both(2), [told("number_liang"), told("number_2")]);
        assert_eq!(both(21)[1], told("number_20 number_1"));
    }

    #[test]
    fn messages_are_counted_and_one_is_one_message() {
        let both = |new| Language::ALL.map(|language| said(language, &messages(language, new)));
        assert_eq!(both(0), ["voicemail_no_messages"; 2]);
        assert_eq!(both(1), ["voicemail_you_have number_1 voicemail_message"; 2]);
        let told = |number: &str| format!("voicemail_you_have {number} voicemail_messages");
        assert_eq!(both(2), [told("number_liang"), told("number_2")]);
    }

    #[test]
    fn a_wait_is_told_in_minutes() {
        let both = |minutes| Language::ALL.map(|language| said(language, &wait(language, minutes)));
        assert_eq!(both(0), ["wait_under_a_minute"; 2]);
        assert_eq!(both(1), ["expected_wait number_1 minutes", "expected_wait number_1 minute"]);
        assert_eq!(both(2), ["expected_wait number_liang minutes", "expected_wait number_2 minutes"]);
        assert_eq!(both(15), ["expected_wait number_10 number_5 minutes", "expected_wait number_15 minutes"]);
    }
}
