//! A whole database copied into another one, of either kind: how a tenant moves from SQLite to PostgreSQL, and how PostgreSQL
//! gets into a backup. It knows no table by name: what the schema has is copied, so none can be forgotten.
//!
//! One snapshot is read, one transaction is written, and every table is read back and compared before that is committed.

use aws_lc_rs::digest::{SHA256, digest};

use super::sql::{Arg, Conn, Pool, Row, args, places};
use super::{Store, StoreError};

/// Rows read at once.
const PAGE_ROWS: usize = 500;
/// Values of one INSERT: SQLite takes 32,766, PostgreSQL 65,535.
const VALUES_MAX: usize = 30_000;
/// sqlx keeps here which steps of the schema were taken; each database has its own.
const STEPS_TABLE: &str = "_sqlx_migrations";

/// A table that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub table: String,
    /// What is in it.
    pub sum: Sum,
}

/// What is in a table, whatever the order of its rows: their number, and the sum of a digest of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    /// Of each row the first 16 bytes of its SHA-256, added up.
    pub digest: u128,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// One of the databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target is in use already.
    #[error("the target is not empty, its table {table} has rows: name an empty database")]
    NotEmpty {
        /// Which table.
        table: String,
    },
    /// The two do not have the same schema.
    #[error("the target has no {what}: use the same version of switchboard for both")]
    Schema {
        /// What is missing.
        what: String,
    },
    /// Our bug: a table with something that is neither a number nor text, or without a key.
    #[error("table {table} cannot be copied, report this: {what}")]
    Unsupported {
        /// Which table.
        table: String,
        /// What is odd about it.
        what: String,
    },
    /// What was written does not read as what was read.
    #[error("table {table} is not the same in the target ({read:?} read, {written:?} written): nothing was changed")]
    Differs {
        /// Which table.
        table: String,
        /// What was read.
        read: Sum,
        /// What was written.
        written: Sum,
    },
}

/// A table as a database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    name: String,
    columns: Vec<Column>,
    key: Vec<String>,
    /// The tables that its rows refer to.
    parents: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
}

impl Store {
    /// Copies every row of every table into `target`, which has the same schema and no rows. All of them or none.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn copy_all(&self, target: &Self) -> Result<Vec<Copied>, TransferError> {
        let mut from = self.pool.snapshot().await?;
        let mut to = target.pool.write().await?;
        let tables = tables(&mut from).await?;
        let theirs = self::tables(&mut to).await?;
        for table in &tables {
            check(&mut to, table, &theirs).await?;
        }
        let mut copied = Vec::new();
        for table in &tables {
            let read = copy(&mut from, &mut to, table).await?;
            let written = sum(&mut to, table).await?;
            if read != written {
                return Err(TransferError::Differs { table: table.name.clone(), read, written });
            }
            copied.push(Copied { table: table.name.clone(), sum: read });
        }
        to.commit().await?;
        Ok(copied)
    }

    /// What is in each table, by name.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn sums(&self) -> Result<Vec<Copied>, TransferError> {
        let mut conn = self.pool.snapshot().await?;
        let mut sums = Vec::new();
        for table in tables(&mut conn).await? {
            sums.push(Copied { sum: sum(&mut conn, &table).await?, table: table.name });
        }
        Ok(sums)
    }
}

/// The target has this table with these columns, and no rows in it.
async fn check(to: &mut Conn, table: &Table, theirs: &[Table]) -> Result<(), TransferError> {
    let Some(same) = theirs.iter().find(|other| other.name == table.name) else {
        return Err(TransferError::Schema { what: format!("table {}", table.name) });
    };
    if let Some(column) = table.columns.iter().find(|column| !same.columns.contains(column)) {
        return Err(TransferError::Schema { what: format!("column {}.{} of that type", table.name, column.name) });
    }
    if to.first(format!("SELECT 1 AS one FROM {} LIMIT 1", table.name), Vec::new()).await?.is_some() {
        return Err(TransferError::NotEmpty { table: table.name.clone() });
    }
    Ok(())
}

async fn copy(from: &mut Conn, to: &mut Conn, table: &Table) -> Result<Sum, TransferError> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let insert = format!("INSERT INTO {} ({}) VALUES ", table.name, quoted(&names));
    let at_once = (VALUES_MAX / names.len()).max(1);
    let (mut total, mut after) = (Sum::default(), None);
    loop {
        let rows = page(from, table, after.as_deref()).await?;
        for chunk in rows.chunks(at_once) {
            let groups = (0..chunk.len()).map(|row| format!("({})", places(row * names.len() + 1, names.len())));
            let sql = format!("{insert}{}", groups.collect::<Vec<_>>().join(", "));
            to.execute(sql, chunk.concat()).await?;
        }
        rows.iter().for_each(|row| total.add(row));
        match rows.last() {
            Some(last) if rows.len() == PAGE_ROWS => after = Some(key_of(table, last)),
            Some(_) | None => return Ok(total),
        }
    }
}

async fn sum(conn: &mut Conn, table: &Table) -> Result<Sum, TransferError> {
    let (mut total, mut after) = (Sum::default(), None);
    loop {
        let rows = page(conn, table, after.as_deref()).await?;
        rows.iter().for_each(|row| total.add(row));
        match rows.last() {
            Some(last) if rows.len() == PAGE_ROWS => after = Some(key_of(table, last)),
            Some(_) | None => return Ok(total),
        }
    }
}

/// The rows after a key, in its order.
async fn page(conn: &mut Conn, table: &Table, after: Option<&[Arg]>) -> Result<Vec<Vec<Arg>>, TransferError> {
    let columns: Vec<String> = table.columns.iter().map(Column::read).collect();
    let key = quoted(&table.key.iter().map(String::as_str).collect::<Vec<_>>());
    let place = match after {
        Some(after) => format!(" WHERE ({key}) > ({})", places(1, after.len())),
        None => String::new(),
    };
    let sql = format!("SELECT {} FROM {}{place} ORDER BY {key} LIMIT {PAGE_ROWS}", columns.join(", "), table.name);
    let rows = conn.all(sql, after.map(<[Arg]>::to_vec).unwrap_or_default()).await?;
    Ok(rows.iter().map(|row| values(row, table)).collect::<Result<_, _>>()?)
}

fn values(row: &Row, table: &Table) -> Result<Vec<Arg>, StoreError> {
    let value = |column: &Column| match column.kind {
        Kind::Int => row.opt_int(&column.name).map(Arg::Int),
        Kind::Text => row.opt_text(&column.name).map(Arg::Text),
    };
    table.columns.iter().map(value).collect()
}

fn key_of(table: &Table, row: &[Arg]) -> Vec<Arg> {
    let place = |name: &String| table.columns.iter().position(|column| column.name == *name);
    table.key.iter().filter_map(place).map(|at| row[at].clone()).collect()
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

impl Column {
    /// INTEGER of PostgreSQL has four bytes; what is read has eight.
    fn read(&self) -> String {
        match self.kind {
            Kind::Int => format!("CAST(\"{0}\" AS BIGINT) AS \"{0}\"", self.name),
            Kind::Text => format!("\"{}\"", self.name),
        }
    }
}

impl Sum {
    fn add(&mut self, row: &[Arg]) {
        let mut bytes = Vec::new();
        for value in row {
            match value {
                Arg::Int(None) | Arg::Text(None) => bytes.push(0),
                Arg::Int(Some(number)) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&number.to_be_bytes());
                }
                Arg::Text(Some(text)) => {
                    bytes.push(2);
                    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
        }
        let hash = digest(&SHA256, &bytes);
        let first = hash.as_ref().first_chunk::<16>().expect("SHA-256 has 32 bytes");
        self.rows += 1;
        self.digest = self.digest.wrapping_add(u128::from_be_bytes(*first));
    }
}

/// The tables of our own, those that others refer to first; by name among themselves.
async fn tables(conn: &mut Conn) -> Result<Vec<Table>, TransferError> {
    let words = conn.schema_words();
    let names = conn.all(words.tables, Vec::new()).await?;
    let mut waiting = Vec::new();
    for name in names {
        let name = name.text("name")?;
        if name != STEPS_TABLE {
            waiting.push(table(conn, name).await?);
        }
    }
    in_order(waiting)
}

fn in_order(mut waiting: Vec<Table>) -> Result<Vec<Table>, TransferError> {
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |table: &Table| {
            table.parents.iter().all(|parent| *parent == table.name || ordered.iter().any(|done| done.name == *parent))
        };
        let Some(next) = waiting.iter().position(is_ready) else {
            let table = waiting.swap_remove(0).name;
            return Err(TransferError::Unsupported {
                table,
                what: "tables refer to each other in a circle".to_owned(),
            });
        };
        let next = waiting.remove(next);
        ordered.push(next);
    }
    Ok(ordered)
}

async fn table(conn: &mut Conn, name: String) -> Result<Table, TransferError> {
    let words = conn.schema_words();
    let mut columns = Vec::new();
    for row in conn.all(words.columns, args![name.as_str()]).await? {
        let kind = match row.text("type")?.to_lowercase().as_str() {
            "bigint" | "integer" => Kind::Int,
            "text" => Kind::Text,
            other => {
                let what = format!("column {} is of type {other}", row.text("name")?);
                return Err(TransferError::Unsupported { table: name, what });
            }
        };
        columns.push(Column { name: row.text("name")?, kind });
    }
    let key: Vec<String> = conn
        .all(words.key, args![name.as_str()])
        .await?
        .iter()
        .map(|row| row.text("name"))
        .collect::<Result<_, _>>()?;
    if key.is_empty() {
        return Err(TransferError::Unsupported { table: name, what: "it has no primary key".to_owned() });
    }
    let parents = conn.all(words.parents, args![name.as_str()]).await?;
    let parents = parents.iter().map(|row| row.text("name")).collect::<Result<_, _>>()?;
    Ok(Table { name, columns, key, parents })
}

/// How a database is asked about its tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct SchemaWords {
    tables: &'static str,
    columns: &'static str,
    key: &'static str,
    parents: &'static str,
}

pub(super) const SQLITE: SchemaWords = SchemaWords {
    tables: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    columns: "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
    key: "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
    parents: "SELECT DISTINCT \"table\" AS name FROM pragma_foreign_key_list($1)",
};

pub(super) const POSTGRES: SchemaWords = SchemaWords {
    tables: "SELECT table_name::text AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1",
    columns: "SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns \
              WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    key: "SELECT attname::text AS name FROM pg_index JOIN pg_class ON pg_class.oid = indrelid \
          JOIN pg_namespace ON pg_namespace.oid = relnamespace \
          JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = ANY(indkey) \
          WHERE indisprimary AND nspname = current_schema() AND relname = $1 \
          ORDER BY array_position(indkey::int2[], attnum)",
    parents: "SELECT DISTINCT parent.relname::text AS name FROM pg_constraint \
              JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid \
              JOIN pg_namespace ON pg_namespace.oid = child.relnamespace \
              WHERE contype = 'f' AND nspname = current_schema() AND child.relname = $1",
};

impl Pool {
    /// A transaction that reads everything as it stands at its first statement.
    async fn snapshot(&self) -> Result<Conn, StoreError> {
        match self {
            Self::Sqlite { .. } => self.read_tx().await,
            Self::Postgres(_) => {
                let mut conn = self.read_tx().await?;
                conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", Vec::new()).await?;
                Ok(conn)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_after_those_that_they_refer_to() {
        let table = |name: &str, parents: &[&str]| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            key: Vec::new(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        };
        let given = vec![table("a", &["c"]), table("b", &["b"]), table("c", &["b"])];
        let ordered = in_order(given).unwrap().into_iter().map(|table| table.name).collect::<Vec<_>>();
        assert_eq!(ordered, ["b", "c", "a"]);
        assert!(in_order(vec![table("a", &["b"]), table("b", &["a"])]).is_err());
    }

    #[test]
    fn a_sum_tells_rows_apart_but_not_their_order() {
        let sum = |rows: &[Vec<Arg>]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row));
            sum
        };
        let (one, two) = (args!["ab", "c"], args!["a", "bc"]);
        assert_eq!(sum(&[one.clone(), two.clone()]), sum(&[two.clone(), one.clone()]));
        assert_ne!(sum(std::slice::from_ref(&one)), sum(&[two]));
        assert_ne!(sum(&[args![Option::<String>::None]]), sum(&[args![""]]));
        assert_ne!(sum(std::slice::from_ref(&one)), sum(&[one.clone(), one]));
    }
}
