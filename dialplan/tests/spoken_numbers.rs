//! Numbers as they are spoken, against two libraries of others: see `data/spoken_numbers.py`.

use std::fmt::Write as _;

use dialplan::say::{Language, SPOKEN_MAX, digits, number};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const FIXTURE: &str = include_str!("data/spoken_numbers.txt");

/// The word behind a clip.
fn word(language: Language, clip: &str) -> &'static str {
    const ENGLISH: [&str; 35] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "thousand",
        "million",
        "billion",
        "trillion",
        "-",
        "-",
    ];
    const CLIPS: [&str; 35] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
        "20", "30", "40", "50", "60", "70", "80", "90", "hundred", "thousand", "million", "billion", "trillion", "wan",
        "yi",
    ];
    const MANDARIN: [(&str, &str); 16] = [
        ("0", "零"),
        ("1", "一"),
        ("2", "二"),
        ("3", "三"),
        ("4", "四"),
        ("5", "五"),
        ("6", "六"),
        ("7", "七"),
        ("8", "八"),
        ("9", "九"),
        ("10", "十"),
        ("hundred", "百"),
        ("thousand", "千"),
        ("wan", "万"),
        ("yi", "亿"),
        ("liang", "两"),
    ];
    let clip = clip.strip_prefix("number_").expect("numbers are made of number clips");
    match language {
        Language::ZhCn => MANDARIN.iter().find(|(name, _)| *name == clip).expect("a Mandarin clip").1,
        Language::En => ENGLISH[CLIPS.iter().position(|name| *name == clip).expect("an English clip")],
    }
}

fn words(language: Language, n: u64) -> String {
    let gap = match language {
        Language::ZhCn => "",
        Language::En => " ",
    };
    let clips = number(language, n);
    clips.iter().map(|clip| word(language, clip.as_str())).collect::<Vec<_>>().join(gap)
}

fn digest(language: Language, numbers: std::ops::Range<u64>) -> String {
    let mut digest = Sha256::new();
    numbers.for_each(|n| digest.update(format!("{}\n", words(language, n))));
    digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[test]
fn numbers_are_called_what_others_call_them() {
    let mut read = 0;
    for line in FIXTURE.lines().filter(|line| line.contains('\t')) {
        let [n, zh, en] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let n: u64 = n.parse().unwrap();
        if zh != "-" {
            assert_eq!(words(Language::ZhCn, n), zh, "{n}");
        }
        assert_eq!(words(Language::En, n), en, "{n}");
        read += 1;
    }
    assert!(read > 2_000, "{read}");
}

#[test]
fn every_number_below_100000_is_called_what_others_call_it() {
    let mut read = 0;
    for line in FIXTURE.lines().filter_map(|line| line.strip_prefix("block ")) {
        let [block, zh, en] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let block: u64 = block.parse().unwrap();
        let numbers = block * 1_000..(block + 1) * 1_000;
        assert_eq!(digest(Language::ZhCn, numbers.clone()), zh, "{numbers:?}");
        assert_eq!(digest(Language::En, numbers.clone()), en, "{numbers:?}");
        read += 1;
    }
    assert_eq!(read, 100);
}

/// What Mandarin words are worth, read from the words alone.
fn value(mut words: &str) -> u64 {
    for (unit, worth) in [("亿", 100_000_000), ("万", 10_000), ("千", 1_000), ("百", 100), ("十", 10)] {
        // The last 亿 and 万 divide what comes before from what comes after.
        if let Some((before, after)) = words.rsplit_once(unit) {
            return value(before).max(1) * worth + value(after);
        }
    }
    words = words.trim_start_matches('零');
    if words.is_empty() { 0 } else { "一二三四五六七八九".find(words).map_or(2, |at| at as u64 / 3 + 1) }
}

proptest! {
    #[test]
    fn a_number_can_be_understood(n in prop_oneof![0..100_000u64, 0..SPOKEN_MAX]) {
        prop_assert_eq!(value(&words(Language::ZhCn, n)), n);
        let zh = words(Language::ZhCn, n);
        prop_assert!(!zh.contains("零零") && (n == 0 || !zh.ends_with('零')) && !zh[3..].contains('两'), "{}", zh);
        let clips = number(Language::En, n);
        prop_assert!(!clips.is_empty() && clips.len() < 32);
    }

    #[test]
    fn what_is_too_long_to_say_is_said_digit_by_digit(n in SPOKEN_MAX..=u64::MAX) {
        for language in Language::ALL {
            let said: String = number(language, n).iter().map(|clip| clip.as_str().replace("number_", "")).collect();
            prop_assert_eq!(said, n.to_string());
        }
    }

    #[test]
    fn digits_are_said_one_by_one(text in "[0-9*#+ ()-]{0,30}") {
        let known = text.chars().filter(|digit| digit.is_ascii_digit() || "*#+".contains(*digit)).count();
        for language in Language::ALL {
            prop_assert_eq!(digits(language, &text).len(), known);
        }
    }
}

#[test]
fn a_telephone_number_is_said_with_yao_in_mandarin() {
    let said = |language| digits(language, "110*#+").iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(said(Language::ZhCn), "digit_yao digit_yao number_0 digit_star digit_hash digit_plus");
    assert_eq!(said(Language::En), "number_1 number_1 number_0 digit_star digit_hash digit_plus");
}
