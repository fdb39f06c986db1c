//! Parts of a file by `Range` (RFC 9110 §14): one range of bytes. Several ranges, other units and what cannot be read are
//! ignored, as the RFC allows: the whole file is the answer.

use axum::http::{HeaderMap, HeaderValue, header};

/// What of a file is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: 200.
    Whole,
    /// From `first` to `last`, both included: 206.
    Range {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// None of it lies in the range: 416.
    None,
}

/// What `headers` ask of a file of `length` bytes whose strong `ETag` is `etag`.
#[must_use]
pub fn asked(headers: &HeaderMap, length: u64, etag: &HeaderValue) -> Part {
    let Some(range) = headers.get(header::RANGE) else { return Part::Whole };
    // RFC 9110 §13.1.5: where If-Range does not match by strong comparison, Range is ignored. A date is never strong here.
    if headers.get(header::IF_RANGE).is_some_and(|validator| validator != etag) {
        return Part::Whole;
    }
    range.to_str().ok().and_then(|range| parse(range, length)).unwrap_or(Part::Whole)
}

fn parse(range: &str, length: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    let (first, last) = spec.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return None;
    }
    let (first, last) = (number(first)?, number(last)?);
    Some(match (first, last) {
        // RFC 9110 §14.1.2: the last N bytes; a suffix of zero bytes cannot be satisfied.
        (None, Some(suffix)) if suffix == 0 || length == 0 => Part::None,
        (None, Some(suffix)) => Part::Range { first: length.saturating_sub(suffix), last: length - 1 },
        (Some(first), last) => {
            if last.is_some_and(|last| last < first) {
                return None;
            }
            if first >= length {
                return Some(Part::None);
            }
            Part::Range { first, last: last.map_or(length - 1, |last| last.min(length - 1)) }
        }
        (None, None) => return None,
    })
}

/// `Some(None)` for an empty text, `None` for one that is no number.
#[allow(clippy::option_option, reason = "an empty end means something else than an unreadable one")]
fn number(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: &'static str) -> Part {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        asked(&headers, 1_000, &HeaderValue::from_static("\"x\""))
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        assert_eq!(part("bytes=0-499"), Part::Range { first: 0, last: 499 });
        assert_eq!(part("bytes=500-"), Part::Range { first: 500, last: 999 });
        assert_eq!(part("bytes=-1"), Part::Range { first: 999, last: 999 });
        assert_eq!(part("bytes=-5000"), Part::Range { first: 0, last: 999 });
        assert_eq!(part("bytes=900-5000"), Part::Range { first: 900, last: 999 });
        assert_eq!(part("bytes=1000-"), Part::None);
        assert_eq!(part("bytes=-0"), Part::None);
        assert_eq!(part("bytes=99999999999999999999-"), Part::None);
        for ignored in ["bytes=5-4", "bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes=-", "bytes"] {
            assert_eq!(part(ignored), Part::Whole, "{ignored}");
        }
    }

    #[test]
    fn another_version_of_the_file_is_sent_whole() {
        let etag = HeaderValue::from_static("\"x\"");
        let headers = |validator| {
            HeaderMap::from_iter([
                (header::RANGE, HeaderValue::from_static("bytes=0-1")),
                (header::IF_RANGE, HeaderValue::from_static(validator)),
            ])
        };
        assert_eq!(asked(&headers("\"x\""), 1_000, &etag), Part::Range { first: 0, last: 1 });
        assert_eq!(asked(&headers("\"y\""), 1_000, &etag), Part::Whole);
        assert_eq!(asked(&headers("W/\"x\""), 1_000, &etag), Part::Whole);
    }
}
