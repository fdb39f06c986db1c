//! The nearest known name, for messages to people who mistyped one.

/// `, did you mean ...?` with the most similar name; nothing where none is similar.
pub(crate) fn among<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let scored = names.into_iter().map(|name| (strsim::normalized_damerau_levenshtein(word, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > SIMILAR);
    best.map_or_else(String::new, |(_, name)| format!(", did you mean `{name}`?"))
}

/// A name is worth suggesting when fewer than half of its letters would have to change.
const SIMILAR: f64 = 0.5;
