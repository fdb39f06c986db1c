//! Numbers and digits in the clips that they are spoken with.
//!
//! Mandarin: 零 once for any run of zeros between two digits; 十 at the beginning of a number without 一; 两 for a 2 that begins a
//! number and stands before 百, 千, 万 or 亿, 二 anywhere else. English: as in the United States, without "and".

use super::{Language, PromptName};

/// The clips of a number. One of [`SPOKEN_MAX`] or above is spoken digit by digit.
#[must_use]
pub fn number(language: Language, number: u64) -> Vec<PromptName> {
    if number >= SPOKEN_MAX {
        return digits_plain(&number.to_string());
    }
    match language {
        Language::ZhCn => mandarin(number),
        Language::En => english(number),
    }
}

/// The clips of digits one by one; what is none of `0`-`9`, `*`, `#` and `+` is left out. In Mandarin a 1 is 幺, as in telephone and
/// room numbers: 一 and 七 are easily mistaken on the telephone.
#[must_use]
pub fn digits(language: Language, text: &str) -> Vec<PromptName> {
    let clip = |digit: char| match (digit, language) {
        ('1', Language::ZhCn) => Some(named("digit_yao")),
        ('*', _) => Some(named("digit_star")),
        ('#', _) => Some(named("digit_hash")),
        ('+', _) => Some(named("digit_plus")),
        (digit, _) => digit.to_digit(10).map(|digit| clip(u64::from(digit))),
    };
    text.chars().filter_map(clip).collect()
}

fn digits_plain(text: &str) -> Vec<PromptName> {
    text.bytes().map(|digit| clip(u64::from(digit - b'0'))).collect()
}

fn mandarin(number: u64) -> Vec<PromptName> {
    let mut said = Vec::new();
    mandarin_into(number, &mut said);
    if number == 0 {
        said.push(clip(0));
    }
    // 十二, not 一十二.
    if (10..20).contains(&leading(number)) {
        said.remove(0);
    }
    if said.len() > 1 && said[0] == clip(2) && said[1] != clip(10) {
        said[0] = named("number_liang");
    }
    said
}

/// The digits before the last 万 or 亿 that is said first: what a number begins with.
fn leading(number: u64) -> u64 {
    let mut leading = number;
    for unit in [100_000_000, 10_000] {
        if leading >= unit {
            leading /= unit;
        }
    }
    leading
}

/// 0 is nothing.
fn mandarin_into(number: u64, said: &mut Vec<PromptName>) {
    for unit in [100_000_000, 10_000, 1_000, 100, 10] {
        if number >= unit {
            mandarin_into(number / unit, said);
            said.push(clip(unit));
            let rest = number % unit;
            if rest > 0 && rest < unit / 10 {
                said.push(clip(0));
            }
            return mandarin_into(rest, said);
        }
    }
    if number > 0 {
        said.push(clip(number));
    }
}

fn english(number: u64) -> Vec<PromptName> {
    let mut said = Vec::new();
    english_into(number, &mut said);
    if number == 0 {
        said.push(clip(0));
    }
    said
}

/// 0 is nothing.
fn english_into(number: u64, said: &mut Vec<PromptName>) {
    for unit in [1_000_000_000_000, 1_000_000_000, 1_000_000, 1_000, 100] {
        if number >= unit {
            english_into(number / unit, said);
            said.push(clip(unit));
            return english_into(number % unit, said);
        }
    }
    match number {
        0 => {}
        1..=20 => said.push(clip(number)),
        21..=99 => {
            said.push(clip(number / 10 * 10));
            english_into(number % 10, said);
        }
        _ => unreachable!("less than a hundred is left"),
    }
}

fn clip(value: u64) -> PromptName {
    named(match value {
        0 => "number_0",
        1 => "number_1",
        2 => "number_2",
        3 => "number_3",
        4 => "number_4",
        5 => "number_5",
        6 => "number_6",
        7 => "number_7",
        8 => "number_8",
        9 => "number_9",
        10 => "number_10",
        11 => "number_11",
        12 => "number_12",
        13 => "number_13",
        14 => "number_14",
        15 => "number_15",
        16 => "number_16",
        17 => "number_17",
        18 => "number_18",
        19 => "number_19",
        20 => "number_20",
        30 => "number_30",
        40 => "number_40",
        50 => "number_50",
        60 => "number_60",
        70 => "number_70",
        80 => "number_80",
        90 => "number_90",
        100 => "number_hundred",
        1_000 => "number_thousand",
        10_000 => "number_wan",
        1_000_000 => "number_million",
        100_000_000 => "number_yi",
        1_000_000_000 => "number_billion",
        1_000_000_000_000 => "number_trillion",
        _ => unreachable!("every number is made of these"),
    })
}

fn named(name: &'static str) -> PromptName {
    PromptName::known(name)
}

/// From here on a number is spoken digit by digit: a million 亿, or a thousand trillion.
pub const SPOKEN_MAX: u64 = 1_000_000_000_000_000;
