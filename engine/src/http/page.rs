//! Lists: `?limit=&cursor=` in, `{"items": [...], "next_cursor": ...}` out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::{IntoParams, ToSchema};

use super::problem::{FieldError, Problem};
use crate::store::setting::{Page, PageAsk};

/// Where nothing is asked for.
pub const LIMIT_DEFAULT: u32 = 50;
/// No list is longer; more is had by its cursor.
pub const LIMIT_MAX: u32 = 200;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Send it as `cursor` for what follows; null at the end.
    pub next_cursor: Option<String>,
}

impl PageQuery {
    /// How many are wanted.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT_DEFAULT) as usize
    }

    /// As the store asks for it.
    ///
    /// # Errors
    /// When the cursor is none of ours.
    pub fn ask(&self) -> Result<PageAsk, Problem> {
        Ok(PageAsk { limit: self.limit.unwrap_or(LIMIT_DEFAULT), after: self.after()? })
    }

    /// The key after which to go on.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn after(&self) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(open_cursor).transpose()
    }
}

impl<T> Listed<T> {
    /// A page as the store gives it.
    #[must_use]
    pub fn from_store<R>(page: Page<R>, show: impl Fn(R) -> T) -> Self {
        let next_cursor = page.next.as_deref().map(close_cursor);
        Self { items: page.items.into_iter().map(show).collect(), next_cursor }
    }

    /// A page out of up to one row more than `limit`; `key` names a row.
    #[must_use]
    pub fn cut<R>(mut rows: Vec<R>, limit: usize, key: impl Fn(&R) -> String, show: impl Fn(R) -> T) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| close_cursor(&key(last)));
        Self { items: rows.into_iter().map(show).collect(), next_cursor }
    }
}

/// A key as it travels: nobody shall build one.
#[must_use]
pub fn close_cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// A key that came back.
///
/// # Errors
/// When it is none of ours.
pub fn open_cursor(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad_cursor)
}

/// The cursor is none of ours.
#[must_use]
pub fn bad_cursor() -> Problem {
    Problem::invalid(vec![FieldError::new("cursor", "send next_cursor of the page before as it came")])
}

/// Reads a limit within its bounds. Queries are texts, so numbers are parsed here.
///
/// # Errors
/// When it is no number or out of bounds.
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match text.parse() {
        Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(Some(limit)),
        Ok(_) | Err(_) => Err(de::Error::custom(format_args!("limit is a number from 1 to {LIMIT_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_when_there_is_one() {
        let page = Listed::cut(vec![1, 2, 3], 2, ToString::to_string, |n| n);
        assert_eq!(page.items, [1, 2]);
        let query = PageQuery { limit: None, cursor: page.next_cursor };
        assert_eq!(query.after().unwrap(), Some("2".to_owned()));
        assert_eq!(Listed::cut(vec![1, 2], 2, ToString::to_string, |n| n).next_cursor, None);
        assert!(PageQuery { limit: None, cursor: Some("%".into()) }.after().is_err());
    }
}
