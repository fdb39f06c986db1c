//! What the queries of all lists have in common: whose rows, which time, which page.

use hooks::scope::Scope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::StoreError;

/// A query that is being put together.
pub(crate) type Query = QueryBuilder<Sqlite>;

/// A part of a list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageAsk {
    /// How many rows at most.
    pub(crate) limit: usize,
    /// After this row: its time and id.
    pub(crate) after: Option<(u64, String)>,
}

/// Rows of a list, and the last one's place where more follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<(u64, String)>,
}

/// Whose rows: those of the query's view (GEN-08).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// My data (我的数据): those of this employee.
    Mine(String),
    /// All data (全部数据): what this scope holds (GEN-09).
    All(Scope),
}

/// From when to when; the end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
}

impl Span {
    /// Whenever it was.
    pub(crate) const EVER: Self = Self { from_ms: 0, to_ms: u64::MAX };
}

pub(crate) fn select(table: &str, tenant: &str) -> Query {
    let mut query = Query::new(format!("SELECT * FROM {table} WHERE tenant = "));
    query.push_bind(tenant.to_owned());
    query
}

pub(crate) fn within(query: &mut Query, span: Span) {
    query.push(" AND at_ms >= ").push_bind(number(span.from_ms));
    query.push(" AND at_ms < ").push_bind(number(span.to_ms));
}

/// A column is this text, where one is asked for.
pub(crate) fn is(query: &mut Query, column: &str, text: Option<&String>) {
    if let Some(text) = text {
        query.push(format!(" AND {column} = ")).push_bind(text.clone());
    }
}

pub(crate) fn talked(query: &mut Query, least_ms: Option<u64>, most_ms: Option<u64>) {
    if let Some(least_ms) = least_ms {
        query.push(" AND talk_ms >= ").push_bind(number(least_ms));
    }
    if let Some(most_ms) = most_ms {
        query.push(" AND talk_ms <= ").push_bind(number(most_ms));
    }
}

/// The rows of a view by the columns `agent` and `department`. As [`Scope::holds`], which says it in words.
pub(crate) fn seen(query: &mut Query, view: &View) {
    match view {
        View::Mine(agent) => _ = query.push(" AND agent = ").push_bind(agent.clone()),
        View::All(Scope::Tenant) => {}
        View::All(Scope::Some { own, departments }) => {
            query.push(" AND (agent = ").push_bind(own.clone());
            if !departments.is_empty() {
                query.push(" OR department IN (");
                let mut list = query.separated(", ");
                for department in departments {
                    list.push_bind(department.to_string());
                }
                query.push(")");
            }
            query.push(")");
        }
    }
}

/// Newest first, from where the page before ended.
pub(crate) fn page(query: &mut Query, ask: &PageAsk) {
    if let Some((at_ms, id)) = &ask.after {
        query.push(" AND (at_ms, id) < (").push_bind(number(*at_ms)).push(", ").push_bind(id.clone()).push(")");
    }
    let rows = i64::try_from(ask.limit).unwrap_or(i64::MAX).saturating_add(1);
    query.push(" ORDER BY at_ms DESC, id DESC LIMIT ").push_bind(rows);
}

/// A page out of up to one row more than was asked for.
pub(crate) fn cut<T>(mut rows: Vec<T>, ask: &PageAsk, place: impl Fn(&T) -> (u64, String)) -> Page<T> {
    let more = rows.len() > ask.limit;
    rows.truncate(ask.limit);
    let next = rows.last().filter(|_| more).map(place);
    Page { rows, next }
}

/// Numbers beyond `i64::MAX` become that: no time of ours comes near.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// An enum's word, as facts and JSON have it.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    let word = serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned));
    word.expect("a plain enum is a word")
}

pub(crate) fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    Ok(row.try_get::<i64, _>(column)?.cast_unsigned())
}

pub(crate) fn opt_unsigned(row: &SqliteRow, column: &str) -> Result<Option<u64>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(i64::cast_unsigned))
}

pub(crate) fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

pub(crate) fn opt_text(row: &SqliteRow, column: &str) -> Result<Option<String>, StoreError> {
    Ok(row.try_get(column)?)
}

pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let text = text(row, column)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("{column}: {error}")))
}
