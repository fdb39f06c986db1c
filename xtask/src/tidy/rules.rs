//! Rules on single files: caps, names, and what must not stand in a line.

use super::Finding;
use super::source::Source;

/// Lines of a file without its tests.
const PRODUCT_LINES_MAX: usize = 700;
/// Lines of a file that is nothing but tests.
const TEST_LINES_MAX: usize = 1_000;
/// Names that say nothing about what is inside.
const NAMES_BANNED: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "part2"];
/// Folders that may use the tools beside the project; everything else must stand alone.
const MAY_POINT_OUTSIDE: &[&str] = &["tests/", ".ci/", "xtask/"];

/// What a pure crate must not name, and what to do instead.
const BANNED_IN_PURE: &[(&str, &str)] = &[
    ("Instant::now", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("UdpSocket", "sockets belong to the shell"),
    ("TcpStream", "sockets belong to the shell"),
    ("TcpListener", "sockets belong to the shell"),
    ("HashMap", "its order is not deterministic: use BTreeMap or IndexMap"),
    ("HashSet", "its order is not deterministic: use BTreeSet or IndexSet"),
    ("tokio::", "async belongs to the shell"),
    ("async fn", "async belongs to the shell"),
    ("thread_rng", "randomness is an argument"),
    ("rand::rng", "randomness is an argument"),
    ("OsRng", "randomness is an argument"),
    ("getrandom", "randomness is an argument"),
    ("std::fs", "files belong to the shell"),
    ("std::env", "the environment belongs to the shell"),
    ("std::thread", "threads belong to the shell"),
    ("std::process", "processes belong to the shell"),
    ("Arc<Mutex", "a pure crate has one owner: pass &mut"),
];

/// Rules for every text file.
#[must_use]
pub fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    let folder_banned = path.split('/').rev().skip(1).find(|part| NAMES_BANNED.contains(part));
    if let Some(name) = folder_banned.or_else(|| NAMES_BANNED.iter().find(|name| **name == stem).copied()) {
        findings.push(finding(path, 0, format!("`{name}` says nothing: name it after its concept")));
    }
    if !MAY_POINT_OUTSIDE.iter().any(|folder| path.starts_with(folder)) {
        let outside = format!("..{}shared", '/');
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&outside));
        findings.extend(lines.map(|(n, _)| {
            finding(path, n + 1, format!("points outside the project ({outside}): copy what is needed"))
        }));
    }
    findings
}

/// Rules for Rust files; `pure` when the file belongs to a pure crate.
#[must_use]
pub fn check_rust(source: &Source, pure: bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = cap(source).into_iter().collect();
    for (index, code) in source.code.iter().enumerate() {
        let line = index + 1;
        let report = |what: String| finding(&source.path, line, what);
        findings.extend(left_behind(code).map(report));
        if pure && source.is_product(line) {
            let banned = BANNED_IN_PURE.iter().filter(|(name, _)| code.contains(name));
            findings.extend(banned.map(|(name, instead)| report(format!("`{name}` in a pure crate: {instead}"))));
        }
    }
    if !source.path.split('/').any(|part| part == "store" || part == "store.rs") {
        let sql = source.strings.iter().filter(|(line, text)| source.is_product(*line) && is_sql(text));
        findings.extend(
            sql.map(|(line, _)| finding(&source.path, *line, "SQL outside a store module: move it there".into())),
        );
    }
    findings
}

fn cap(source: &Source) -> Option<Finding> {
    let (lines, max) = match source.is_test_file() {
        true => (source.code.len(), TEST_LINES_MAX),
        false => (source.lines_without_tests(), PRODUCT_LINES_MAX),
    };
    (lines > max).then(|| finding(&source.path, 0, format!("{lines} lines (limit {max}): split it by concept")))
}

fn left_behind(code: &str) -> impl Iterator<Item = String> {
    let dense: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let unfinished = ["todo!(", "unimplemented!("].into_iter().filter(|name| has_word(&dense, name));
    let unfinished =
        unfinished.map(|name| format!("`{name}...)` left behind: write it or leave it out")).collect::<Vec<_>>();
    let ignored = dense.contains("#[ignore").then(|| "an ignored test proves nothing: mend or delete it".to_owned());
    let capped =
        dense.contains("clippy::too_many_lines").then(|| "the function cap is waived: split the function".to_owned());
    unfinished.into_iter().chain(ignored).chain(capped)
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// True when a string literal is an SQL statement. `UPDATE` alone is a SIP method.
fn is_sql(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let third = words.next().unwrap_or_default();
    match first {
        "SELECT" | "WITH" => !second.is_empty() && text.contains(" FROM ") || first == "SELECT" && !second.is_empty(),
        "INSERT" => matches!(second, "INTO" | "OR"),
        "UPDATE" => third == "SET",
        "DELETE" => second == "FROM",
        "CREATE" | "ALTER" | "DROP" => matches!(second, "TABLE" | "INDEX" | "UNIQUE"),
        _ => false,
    }
}

fn finding(path: &str, line: usize, what: String) -> Finding {
    Finding { path: path.to_owned(), line, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str, pure: bool) -> Vec<String> {
        check_rust(&Source::read(path, text), pure).into_iter().map(|f| format!("{}: {}", f.line, f.what)).collect()
    }

    #[test]
    fn clock_sockets_and_hash_maps_are_found_in_pure_crates_only() {
        for line in
            ["let t = Instant::now();", "use std::collections::HashMap;", "UdpSocket::bind(a)", "std::fs::read(p)"]
        {
            assert_eq!(found("media/src/a.rs", line, true).len(), 1, "{line}");
            assert!(found("engine/src/a.rs", line, false).is_empty(), "{line}");
        }
        let test = "#[cfg(test)]\nmod tests {\n use std::collections::HashMap;\n}";
        assert!(found("media/src/a.rs", test, true).is_empty());
        assert!(found("media/src/a.rs", "/// Never a HashMap.\nlet s = \"SystemTime\";", true).is_empty());
    }

    #[test]
    fn unfinished_and_ignored_work_is_found() {
        assert_eq!(
            found("a/src/a.rs", "fn a() {\n    todo!()\n}", false),
            ["2: `todo!(...)` left behind: write it or leave it out"]
        );
        assert_eq!(found("a/src/a.rs", "#[ignore = \"slow\"]", false).len(), 1);
        assert_eq!(found("a/src/a.rs", "#[allow(clippy::too_many_lines)]", false).len(), 1);
        assert!(found("a/src/a.rs", "// todo!()\nnot_todo!(x)", false).is_empty());
    }

    #[test]
    fn sql_stands_in_store_modules_only() {
        let select = "q(\"SELECT id FROM calls\")";
        assert_eq!(found("engine/src/http/calls.rs", select, false).len(), 1);
        assert!(found("engine/src/store/calls.rs", select, false).is_empty());
        assert!(found("crm-plugin/src/store.rs", select, false).is_empty());
        assert_eq!(found("engine/src/a.rs", "\"\\\n  UPDATE calls SET a = 1\"", false).len(), 1);
        assert!(found("engine/sip/src/method.rs", "\"UPDATE\"", true).is_empty());
        assert!(found("engine/src/a.rs", "\"UPDATE sip:a SIP/2.0\"", false).is_empty());
    }

    #[test]
    fn long_files_are_found() {
        let line = "let a = 1;\n";
        assert!(found("a/src/a.rs", &line.repeat(700), false).is_empty());
        assert_eq!(found("a/src/a.rs", &line.repeat(701), false).len(), 1);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(900));
        assert!(found("a/src/a.rs", &tests, false).is_empty());
        assert_eq!(found("a/tests/a.rs", &line.repeat(1_001), false).len(), 1);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        assert_eq!(check_text("engine/src/utils.rs", "").len(), 1);
        assert_eq!(check_text("engine/src/common/mod.rs", "").len(), 1);
        assert!(check_text("engine/src/commonplace.rs", "").is_empty());
    }

    #[test]
    fn pointers_outside_the_project_are_found() {
        let text = format!("see ..{}shared/design", '/');
        assert_eq!(check_text("docs/guide.md", &text).len(), 1);
        assert!(check_text("tests/load/run.sh", &text).is_empty());
    }
}
