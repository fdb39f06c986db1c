//! How numbers are shown to those who may not see them whole.

/// Characters that stay at the beginning and at the end of a masked number, and below which length only [`SHORT_KEPT`] stay.
const HEAD_KEPT: usize = 3;
const TAIL_KEPT: usize = 4;
const SHORT_BELOW: usize = 8;
const SHORT_KEPT: usize = 2;
/// Stands for what is not shown, however long that is.
const MASK: &str = "****";

/// A number as it is shown masked (GEN-07): the first 3 and the last 4 characters with `****` between; of one shorter than 8 only the
/// last 2. A withheld number, the empty text, stays what it is.
#[must_use]
pub fn masked(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let text = |part: &[char]| part.iter().collect::<String>();
    match characters.len() {
        0 => String::new(),
        // A number of one or two characters would be shown whole.
        length if length <= SHORT_KEPT => MASK.to_owned(),
        length if length < SHORT_BELOW => format!("{MASK}{}", text(&characters[length - SHORT_KEPT..])),
        length => format!("{}{MASK}{}", text(&characters[..HEAD_KEPT]), text(&characters[length - TAIL_KEPT..])),
    }
}

/// A text that may hold a number as it is shown masked: one without a digit is a name, and stays what it is.
#[must_use]
pub fn masked_text(text: &str) -> String {
    if text.chars().any(|character| character.is_ascii_digit()) { masked(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves GEN-07 (how a masked number looks).
    #[test]
    fn a_masked_number_shows_its_ends_and_a_short_one_two_characters() {
        let shown = [
            ("13800138000", "138****8000"),
            ("+8613800138000", "+86****8000"),
            ("01012345678", "010****5678"),
            ("12345678", "123****5678"),
            ("1234567", "****67"),
            ("10086", "****86"),
            ("12", "****"),
            ("", ""),
            ("一二三四五六七八九", "一二三****六七八九"),
        ];
        for (number, expected) in shown {
            assert_eq!(masked(number), expected, "{number}");
        }
        assert_eq!((masked_text("王芳").as_str(), masked_text("13800138000").as_str()), ("王芳", "138****8000"));
    }
}
