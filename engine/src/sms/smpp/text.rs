//! What a text becomes on the air: in the alphabet of 3GPP TS 23.038 where all of it is in there, else in UCS-2, and in parts where it is long.

/// `data_coding` of the alphabet that every phone knows (SMPP 3.4 §5.2.19).
pub(super) const GSM: u8 = 0;
/// `data_coding` of UCS-2. Letters beyond it are written as UTF-16, which phones show.
pub(super) const UCS2: u8 = 8;
/// Parts of a message; a longer one is refused. 255 could be numbered, but nobody means to pay for them.
pub(super) const PARTS_MAX: usize = 10;

/// 3GPP TS 23.038 §6.2.1: each letter at its number. The escape leads to [`EXTENDED`].
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// §6.2.1.1: two septets each.
const EXTENDED: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];
const ESCAPE: u8 = 0x1b;

/// A text in its coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coded {
    /// `data_coding`.
    pub(super) coding: u8,
    /// What must not be parted, in order: letters.
    letters: Vec<Vec<u8>>,
}

impl Coded {
    pub(super) fn of(text: &str) -> Self {
        match text.chars().map(gsm).collect::<Option<Vec<_>>>() {
            Some(letters) => Self { coding: GSM, letters },
            None => Self { coding: UCS2, letters: text.chars().map(utf16).collect() },
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Vec<u8> {
        self.letters.concat()
    }

    /// In parts that fit into a message on the air: 140 octets, which are 160 septets; of several, each has a header of 6 octets, with
    /// which 153 septets or 134 octets are left (3GPP TS 23.040 §9.2.3.24). Septets are an octet each here: it is the centre that packs them.
    pub(super) fn parts(&self) -> Vec<Vec<u8>> {
        let (alone, of_several) = if self.coding == GSM { (160, 153) } else { (140, 134) };
        let whole = self.whole();
        if whole.len() <= alone {
            return vec![whole];
        }
        let (mut parts, mut part) = (Vec::new(), Vec::new());
        for letter in &self.letters {
            if part.len() + letter.len() > of_several {
                parts.push(std::mem::take(&mut part));
            }
            part.extend_from_slice(letter);
        }
        parts.push(part);
        parts
    }
}

/// The header that tells phones to put parts together (3GPP TS 23.040 §9.2.3.24.1); `part` counts from 1.
pub(super) fn concatenation(reference: u8, parts: u8, part: u8) -> [u8; 6] {
    [5, 0, 3, reference, parts, part]
}

fn gsm(letter: char) -> Option<Vec<u8>> {
    let basic = BASIC.chars().position(|own| own == letter && own != char::from(ESCAPE));
    if let Some(at) = basic.and_then(|at| u8::try_from(at).ok()) {
        return Some(vec![at]);
    }
    let found = EXTENDED.iter().find(|(own, _)| *own == letter);
    found.map(|(_, septet)| vec![ESCAPE, *septet])
}

fn utf16(letter: char) -> Vec<u8> {
    letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_that_of_the_standard() {
        assert_eq!(BASIC.chars().count(), 128);
        // 3GPP TS 23.038 §6.2.1, some of each column.
        let known = [
            ('@', 0x00),
            ('Ç', 0x09),
            ('Δ', 0x10),
            ('Ξ', 0x1a),
            ('É', 0x1f),
            (' ', 0x20),
            ('¤', 0x24),
            ('0', 0x30),
            ('¡', 0x40),
            ('A', 0x41),
            ('Z', 0x5a),
            ('Ä', 0x5b),
            ('§', 0x5f),
            ('¿', 0x60),
            ('a', 0x61),
            ('z', 0x7a),
            ('ä', 0x7b),
            ('à', 0x7f),
        ];
        for (letter, septet) in known {
            assert_eq!(gsm(letter), Some(vec![septet]), "{letter}");
        }
        assert_eq!(Coded::of("1{€}").whole(), [0x31, 0x1b, 0x28, 0x1b, 0x65, 0x1b, 0x29]);
        assert_eq!(gsm('\u{1b}'), None);
    }

    #[test]
    fn a_letter_that_is_not_in_it_makes_the_whole_text_ucs_2() {
        assert_eq!(Coded::of("plain").coding, GSM);
        let coded = Coded::of("码 1");
        assert_eq!((coded.coding, coded.whole()), (UCS2, vec![0x78, 0x01, 0x00, 0x20, 0x00, 0x31]));
    }

    #[test]
    fn long_texts_are_parted_between_letters() {
        let lengths = |text: &str| Coded::of(text).parts().iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(""), [0]);
        assert_eq!(lengths(&"a".repeat(160)), [160]);
        assert_eq!(lengths(&"a".repeat(161)), [153, 8]);
        assert_eq!(lengths(&"码".repeat(70)), [140]);
        assert_eq!(lengths(&"码".repeat(71)), [134, 8]);
        // An escape and its letter stay together, as do the halves of what lies beyond UCS-2.
        assert_eq!(lengths(&format!("{}€{}", "a".repeat(152), "a".repeat(20))), [152, 22]);
        assert_eq!(lengths(&format!("{}😀{}", "码".repeat(66), "码".repeat(10))), [132, 24]);
    }
}
