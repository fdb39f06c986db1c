//! A Rust file split into what is code, what is a string and what is test: enough of a lexer that a rule never
//! stumbles over a comment or a literal.

/// A Rust source file, ready for the rules.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path relative to the workspace root.
    pub path: String,
    /// Its lines with comments and the insides of literals blanked out.
    pub code: Vec<String>,
    /// String literals: line they begin on (from 1) and their text as written.
    pub strings: Vec<(usize, String)>,
    /// For each line, true when it belongs to an item under `#[cfg(test)]`.
    pub in_test: Vec<bool>,
}

impl Source {
    /// Lexes `text`.
    #[must_use]
    pub fn read(path: &str, text: &str) -> Self {
        let mut lexer = Lexer { rest: text, code: String::with_capacity(text.len()), strings: Vec::new() };
        while lexer.step() {}
        let in_test = test_lines(&lexer.code);
        let code = lexer.code.split('\n').map(str::to_owned).collect();
        Self { path: path.to_owned(), code, strings: lexer.strings, in_test }
    }

    /// True when the whole file is test, bench or build script by its place.
    #[must_use]
    pub fn is_test_file(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "examples" | "tests.rs" | "build.rs"))
    }

    /// True when the file lies under `folder` (relative to the root; empty means the root package's own `src/`).
    #[must_use]
    pub fn is_in(&self, folder: &str) -> bool {
        let source = if folder.is_empty() { "src/".to_owned() } else { format!("{folder}/src/") };
        self.path.starts_with(&source)
    }

    /// True when line `line` (from 1) is compiled into the product.
    #[must_use]
    pub fn is_product(&self, line: usize) -> bool {
        !self.is_test_file() && !self.in_test.get(line.saturating_sub(1)).copied().unwrap_or(false)
    }

    /// Lines that count against the cap: those outside `#[cfg(test)]`, without a trailing empty one.
    #[must_use]
    pub fn lines_without_tests(&self) -> usize {
        let last_is_empty = self.code.last().is_some_and(String::is_empty);
        let outside = self.in_test.iter().filter(|test| !**test).count();
        outside - usize::from(last_is_empty && self.in_test.last() == Some(&false))
    }
}

struct Lexer<'a> {
    rest: &'a str,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Lexer<'_> {
    /// Moves one token on; false at the end of the file.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment_len(self.rest));
        } else if let Some(hashes) = raw_string_hashes(self.rest) {
            self.raw_string(hashes);
        } else if first == '"' {
            self.string();
        } else if first == '\'' {
            self.char_or_lifetime();
        } else if first.is_alphabetic() || first == '_' {
            let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
            self.keep(self.rest.find(|c| !part_of_word(c)).unwrap_or(self.rest.len()));
        } else {
            self.keep(first.len_utf8());
        }
        true
    }

    fn keep(&mut self, len: usize) {
        let (kept, rest) = self.rest.split_at(len);
        self.code.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, len: usize) {
        let (dropped, rest) = self.rest.split_at(len);
        self.code.extend(dropped.chars().filter(|c| *c == '\n'));
        self.rest = rest;
    }

    fn literal(&mut self, len: usize) {
        let line = 1 + self.code.matches('\n').count();
        self.strings.push((line, self.rest[..len].to_owned()));
        self.blank(len);
    }

    fn string(&mut self) {
        self.keep(1);
        let mut escaped = false;
        let end = self.rest.find(|c| match (escaped, c) {
            (true, _) => {
                escaped = false;
                false
            }
            (false, '\\') => {
                escaped = true;
                false
            }
            (false, c) => c == '"',
        });
        self.literal(end.unwrap_or(self.rest.len()));
        self.keep(usize::from(!self.rest.is_empty()));
    }

    fn raw_string(&mut self, hashes: usize) {
        self.blank(self.rest.find('"').map_or(self.rest.len(), |at| at + 1));
        let close = format!("\"{}", "#".repeat(hashes));
        self.literal(self.rest.find(&close).unwrap_or(self.rest.len()));
        self.blank(close.len().min(self.rest.len()));
    }

    fn char_or_lifetime(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        let (first, second) = (chars.next(), chars.next());
        match (first, second) {
            (Some((_, '\\')), Some((at, escaped))) => {
                let body = at + escaped.len_utf8();
                self.blank(self.rest[body..].find('\'').map_or(self.rest.len(), |end| body + end + 1));
            }
            (Some(_), Some((at, '\''))) => self.blank(at + 1),
            _ => self.keep(1),
        }
    }
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `r"`, `r#"`, `br##"`, `cr"`: the number of hashes, if a raw string begins here.
fn raw_string_hashes(text: &str) -> Option<usize> {
    let after = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Marks the lines of each item that stands under `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn test_lines(code: &str) -> Vec<bool> {
    let mut marked = vec![false; code.split('\n').count()];
    for start in ["#[cfg(test)]", "#[cfg(all(test"].iter().flat_map(|mark| code.match_indices(mark)) {
        let from = start.0;
        let to = from + item_len(&code[from..]);
        let first = code[..from].matches('\n').count();
        let last = code[..to].matches('\n').count();
        marked[first..=last].fill(true);
    }
    marked
}

/// Length of the attribute and the item behind it: up to its `;` or its closing brace.
fn item_len(code: &str) -> usize {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            ';' if depth == 0 && brackets == 0 => return at,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::read("a/src/b.rs", text).code.join("\n")
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(code("let a = 1; // todo!()"), "let a = 1; ");
        assert_eq!(code("a /* x /* y */\n z */ b"), "a \n b");
        assert_eq!(code(r#"f("HashMap \" // no", b)"#), r#"f("", b)"#);
        assert_eq!(code("r#\"HashMap \" x\"#; b"), "; b");
        assert_eq!(code("'\"' 'a '\\'' x"), " 'a  x");
        assert_eq!(code("for<'a> &'a str; '{'"), "for<'a> &'a str; ");
    }

    #[test]
    fn strings_keep_their_line() {
        let source = Source::read("a.rs", "x\n\"SELECT 1\"\nr\"UPDATE\"");
        assert_eq!(source.strings, [(2, "SELECT 1".to_owned()), (3, "UPDATE".to_owned())]);
    }

    #[test]
    fn tests_do_not_count_against_the_cap() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n";
        let source = Source::read("a/src/b.rs", text);
        assert_eq!(source.lines_without_tests(), 2);
        assert!(source.is_product(1) && !source.is_product(4) && source.is_product(6));
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_ends_at_its_semicolon() {
        let source = Source::read("a/src/b.rs", "#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(!source.is_product(2) && source.is_product(3));
    }

    #[test]
    fn place_tells_what_is_test() {
        assert!(Source::read("tests/calls/src/lib.rs", "").is_test_file());
        assert!(Source::read("engine/sip/src/dialog/tests.rs", "").is_test_file());
        assert!(!Source::read("engine/sip/src/dialog.rs", "").is_test_file());
        assert!(Source::read("media/src/rtp.rs", "").is_in("media"));
        assert!(!Source::read("media/io/src/lib.rs", "").is_in("media"));
    }
}
