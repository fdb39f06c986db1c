//! Makes `engine/data/locations.txt` from the prefixes of libphonenumber (`resources/geocoding/zh/86.txt`), which lie in the package of
//! `phonenumber`, too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;

/// Stands before every prefix of the source and before none of ours.
const COUNTRY: &str = "86";

/// The compact form: a line for each place and length of prefixes, `PLACE TAB LENGTH TAB STEPS`. A step is how far the next prefix is
/// from the last one (from 0 at first), and `:N` after it says that so many follow one another.
///
/// # Errors
/// When a line is not `PREFIX|PLACE` or the prefix is not of China.
pub fn compact(source: &str) -> anyhow::Result<String> {
    let mut places: BTreeMap<(&str, usize), Vec<u32>> = BTreeMap::new();
    let lines = source.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let (prefix, place) = line.split_once('|').with_context(|| format!("no PREFIX|PLACE: {line}"))?;
        let national = prefix.strip_prefix(COUNTRY).with_context(|| format!("no prefix of China: {line}"))?;
        let number = national.parse().with_context(|| format!("no number: {line}"))?;
        places.entry((place.trim(), national.len())).or_default().push(number);
    }
    let mut text = String::from(HEADER);
    for ((place, length), mut prefixes) in places {
        prefixes.sort_unstable();
        write!(text, "{place}\t{length}\t{}", steps(&prefixes))?;
        text.push('\n');
    }
    Ok(text)
}

const HEADER: &str = "\
# Where numbers of China are at home: made by `cargo xtask locations` from libphonenumber's geocoding/zh/86.txt.
# Copyright (C) 2011 The Libphonenumber Authors. Licensed under the Apache License, Version 2.0.
";

fn steps(prefixes: &[u32]) -> String {
    let mut steps: Vec<String> = Vec::new();
    let mut last = 0;
    let mut rest = prefixes;
    while let Some(first) = rest.first() {
        let run = rest.iter().zip(*first..).take_while(|(prefix, expected)| *prefix == expected).count();
        let step = first - last;
        steps.push(if run == 1 { step.to_string() } else { format!("{step}:{run}") });
        last = rest[run - 1];
        rest = &rest[run..];
    }
    steps.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_become_steps() {
        let source = "# a comment\n8610|北京市\n861300011|北京市\n861300012|北京市\n861300020|北京市\n";
        let text = compact(source).unwrap();
        assert!(text.ends_with("\n北京市\t2\t10\n北京市\t7\t1300011:2 8\n"), "{text}");
        assert!(compact("8610").is_err() && compact("8510|x").is_err());
    }
}
