//! How numbers are dialled in a country: enough to write what people dial as E.164 and back (GEN-06). It knows prefixes and
//! lengths, not which numbers are in use.

use std::str::FromStr;

/// A country of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(&'static Dialling);

/// The dialling of a country.
#[derive(Debug, PartialEq, Eq)]
struct Dialling {
    /// ISO 3166-1 alpha-2, lower case.
    name: &'static str,
    /// The country calling code (ITU-T E.164).
    code: &'static str,
    /// Dialled before numbers abroad.
    abroad: &'static str,
    /// Dialled before national numbers; empty where they are dialled as they are.
    trunk: &'static str,
    /// Digits of a national significant number, trunk prefix not counted.
    length: (usize, usize),
    /// National significant numbers that are dialled without the trunk prefix begin so (mobile numbers in China).
    bare: &'static [&'static str],
}

/// A country that is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCountry;

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        TABLE.iter().find(|country| country.name.eq_ignore_ascii_case(text)).map(Self).ok_or(UnknownCountry)
    }
}

impl Country {
    /// The names of all countries of the table.
    #[must_use]
    pub fn all() -> String {
        let names: Vec<&str> = TABLE.iter().map(|country| country.name).collect();
        names.join(", ")
    }

    /// A number as E.164 with a leading `+`, read as the people of this country dial it: `00` and `+` go abroad, the trunk
    /// prefix stands before national numbers. `None` for short numbers, service numbers and what fits no length.
    #[must_use]
    pub fn international(self, number: &str) -> Option<String> {
        let Dialling { code, abroad, trunk, .. } = *self.0;
        if !number.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if let Some(rest) = number.strip_prefix('+').or_else(|| number.strip_prefix(abroad)) {
            // E.164 §6.1: at most 15 digits; one that begins with 0 has no country code.
            return ((7..=15).contains(&rest.len()) && !rest.starts_with('0')).then(|| format!("+{rest}"));
        }
        if let Some(national) = number.strip_prefix(trunk).filter(|_| !trunk.is_empty())
            && self.is_national(national)
        {
            return Some(format!("+{code}{national}"));
        }
        let dialled_bare = self.0.trunk.is_empty() || self.0.bare.iter().any(|bare| number.starts_with(bare));
        if dialled_bare && self.is_national(number) {
            return Some(format!("+{code}{number}"));
        }
        // The country code without a +: `86138...`.
        number.strip_prefix(code).filter(|rest| self.is_national(rest)).map(|rest| format!("+{code}{rest}"))
    }

    /// An E.164 number of this country as its people dial it; `None` for any other.
    #[must_use]
    pub fn national(self, number: &str) -> Option<String> {
        let national = number.strip_prefix('+')?.strip_prefix(self.0.code).filter(|rest| self.is_national(rest))?;
        let bare = self.0.bare.iter().any(|bare| national.starts_with(bare));
        Some(if bare { national.to_owned() } else { format!("{}{national}", self.0.trunk) })
    }

    fn is_national(self, number: &str) -> bool {
        let (least, most) = self.0.length;
        let fits = (least..=most).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        // Beijing is 10 8 digits, mobile numbers are 1[3-9] and 9 digits: what begins with 1 has a length of its own.
        let mobile = self.0.bare.iter().any(|bare| number.starts_with(bare));
        fits && !(self.0.code == "86"
            && (mobile != (number.len() == 11 && number.starts_with('1')) || is_service(number)))
    }
}

/// GEN-06: 400 and 800 numbers, 95xxx and 1xxxx stay as they are.
fn is_service(number: &str) -> bool {
    number.len() == 10 && (number.starts_with("400") || number.starts_with("800"))
        || number.len() <= 8 && (number.starts_with("95") || number.starts_with("96") || number.starts_with('1'))
}

const fn country(
    name: &'static str,
    code: &'static str,
    abroad: &'static str,
    trunk: &'static str,
    length: (usize, usize),
) -> Dialling {
    Dialling { name, code, abroad, trunk, length, bare: &[] }
}

/// Trunk and international prefixes by ITU-T's list of dialling procedures (Operational Bulletin, E.164 annex); lengths are the
/// shortest and longest national significant numbers.
static TABLE: [Dialling; 17] = [
    Dialling {
        name: "cn",
        code: "86",
        abroad: "00",
        trunk: "0",
        length: (9, 11),
        bare: &["13", "14", "15", "16", "17", "18", "19"],
    },
    country("hk", "852", "001", "", (8, 8)),
    country("mo", "853", "00", "", (8, 8)),
    country("tw", "886", "002", "0", (8, 9)),
    country("sg", "65", "001", "", (8, 8)),
    country("jp", "81", "010", "0", (9, 10)),
    country("kr", "82", "001", "0", (8, 10)),
    country("us", "1", "011", "1", (10, 10)),
    country("ca", "1", "011", "1", (10, 10)),
    country("gb", "44", "00", "0", (9, 10)),
    country("de", "49", "00", "0", (6, 11)),
    country("fr", "33", "00", "0", (9, 9)),
    country("it", "39", "00", "", (6, 11)),
    country("es", "34", "00", "", (9, 9)),
    country("nl", "31", "00", "0", (9, 9)),
    country("au", "61", "0011", "0", (9, 9)),
    country("in", "91", "00", "0", (10, 10)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn international(country: &str, number: &str) -> Option<String> {
        country.parse::<Country>().unwrap().international(number)
    }

    /// Proves GEN-06 for numbers on their way by a trunk.
    #[test]
    fn the_ways_of_writing_a_number_are_one() {
        for text in ["13800000000", "013800000000", "+8613800000000", "008613800000000", "8613800000000"] {
            assert_eq!(international("cn", text).as_deref(), Some("+8613800000000"), "{text}");
        }
        assert_eq!(international("cn", "01012345678").as_deref(), Some("+861012345678"));
        assert_eq!(international("cn", "057188888888").as_deref(), Some("+8657188888888"));
        assert_eq!(international("cn", "+4930123456").as_deref(), Some("+4930123456"));
    }

    #[test]
    fn service_numbers_and_extensions_stay_as_they_are() {
        for text in ["4008001234", "8008101234", "95588", "10086", "12345", "1001", "110", "*98", "12#4", "+", "00"] {
            assert_eq!(international("cn", text), None, "{text}");
        }
    }

    #[test]
    fn each_country_dials_in_its_own_way() {
        for (country, dialled, e164) in [
            ("us", "2125550100", None),
            ("us", "12125550100", Some("+12125550100")),
            ("us", "011442079460000", Some("+442079460000")),
            ("gb", "02079460000", Some("+442079460000")),
            ("gb", "2079460000", None),
            ("de", "030123456", Some("+4930123456")),
            ("it", "0612345678", Some("+390612345678")),
            ("hk", "21234567", Some("+85221234567")),
            ("fr", "0033142000000", None),
        ] {
            let made = international(country, dialled);
            // Abroad prefixes are of the country that dials.
            let wanted = if dialled == "0033142000000" { Some("+33142000000") } else { e164 };
            assert_eq!(made.as_deref(), wanted, "{country} {dialled}");
        }
    }

    #[test]
    fn a_national_number_is_dialled_as_at_home_and_comes_back() {
        for (country, e164, home) in [
            ("cn", "+8613800000000", "13800000000"),
            ("cn", "+861012345678", "01012345678"),
            ("gb", "+442079460000", "02079460000"),
            ("it", "+390612345678", "0612345678"),
            ("us", "+12125550100", "12125550100"),
        ] {
            let country: Country = country.parse().unwrap();
            assert_eq!(country.national(e164).as_deref(), Some(home));
            assert_eq!(country.international(home).as_deref(), Some(e164));
        }
        assert_eq!("cn".parse::<Country>().unwrap().national("+4930123456"), None);
    }
}
