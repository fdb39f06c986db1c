//! The page of events: every type with its members, read off the types in `engine/hooks`, so that it cannot say anything else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Where the types stand.
const FACTS: &str = "engine/hooks/src/fact";
/// The enum of all events.
const EVENT: &str = "Event";
/// What envelopes and the log are made of, and is no part of an event's data.
const OUTSIDE: [&str; 3] = [EVENT, "Fact", "CloudEvent"];

const HEAD: &str = "# Events\n\n\
    Every type of event with the members of its `data`. Written by `cargo xtask events` off the types of the program. [hooks.md](hooks.md) says how events come, \
    and what stands around them.\n\n\
    Members may be added to an event, and words to a list of words: read over what you do not know. Nothing is taken away, renamed or given another \
    meaning; what would need that becomes a new type of event. A member that is *optional* is missing or null where there is nothing to say. \
    Members that end in `_ms` are in ms; those that name a moment, since the Unix epoch.\n";

/// A struct or an enum.
#[derive(Debug, Default)]
struct Item {
    is_enum: bool,
    doc: String,
    parts: Vec<Part>,
}

/// A member of a struct, or a variant of an enum.
#[derive(Debug)]
struct Part {
    name: String,
    /// The type of a member, or what a variant holds.
    kind: Option<String>,
    doc: String,
    is_flat: bool,
}

/// The page.
///
/// # Errors
/// Where a source cannot be read, or holds no events.
pub fn page(root: &Path) -> anyhow::Result<String> {
    let mut items = BTreeMap::new();
    read(&fs::read_to_string(root.join(format!("{FACTS}.rs")))?, &mut items);
    for entry in fs::read_dir(root.join(FACTS))? {
        read(&fs::read_to_string(entry?.path())?, &mut items);
    }
    let event = items.get(EVENT).context("there is no enum of events")?;
    let mut page = HEAD.to_owned();
    for part in &event.parts {
        write!(page, "\n## {}\n\n{}\n\n", part.name, part.doc)?;
        let held = part.kind.as_deref().and_then(|kind| items.get(kind)).context("an event without members")?;
        members(&mut page, &items, held)?;
    }
    page.push_str("\n# What stands in members\n");
    for (name, item) in &items {
        let is_data = event.parts.iter().any(|part| part.kind.as_deref() == Some(name));
        let is_inlined = items
            .values()
            .flat_map(|other| &other.parts)
            .any(|part| part.is_flat && part.kind.as_deref() == Some(name));
        if is_data || is_inlined || OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        write!(page, "\n## {name}\n\n{}\n\n", item.doc)?;
        if item.is_enum { words(&mut page, &items, item)? } else { members(&mut page, &items, item)? }
    }
    Ok(page)
}

fn members(page: &mut String, items: &BTreeMap<String, Item>, item: &Item) -> anyhow::Result<()> {
    page.push_str("| member | | |\n|---|---|---|\n");
    member_rows(page, items, item)
}

fn member_rows(page: &mut String, items: &BTreeMap<String, Item>, item: &Item) -> anyhow::Result<()> {
    for part in &item.parts {
        let kind = part.kind.as_deref().unwrap_or_default();
        match items.get(kind).filter(|_| part.is_flat) {
            Some(inner) => member_rows(page, items, inner)?,
            None => writeln!(page, "| `{}` | {} | {} |", part.name, shown(kind, items), part.doc)?,
        }
    }
    Ok(())
}

fn words(page: &mut String, items: &BTreeMap<String, Item>, item: &Item) -> anyhow::Result<()> {
    page.push_str("| word | |\n|---|---|\n");
    for part in &item.parts {
        match &part.kind {
            None => writeln!(page, "| `{}` | {} |", part.name, part.doc)?,
            Some(kind) => writeln!(page, "| `{{\"{}\": ...}}`: {} | {} |", part.name, shown(kind, items), part.doc)?,
        }
    }
    Ok(())
}

/// A type as JSON has it.
fn shown(kind: &str, items: &BTreeMap<String, Item>) -> String {
    let inner = |outer: &str| kind.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>');
    if let Some(kind) = inner("Option") {
        return format!("{}, optional", shown(kind, items));
    }
    if let Some(kind) = inner("Vec") {
        return format!("list of {}", shown(kind, items));
    }
    match kind {
        "String" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "i32" => "number".to_owned(),
        _ if items.contains_key(kind) => format!("[{kind}](#{})", kind.to_lowercase()),
        _ => "ULID".to_owned(),
    }
}

/// Reads the public structs and enums of a source that `cargo fmt` has put in form.
fn read(text: &str, items: &mut BTreeMap<String, Item>) {
    let (mut docs, mut attributes) = (Vec::new(), String::new());
    let mut open: Option<(String, Item)> = None;
    for line in text.lines() {
        let code = line.trim();
        if let Some(doc) = code.strip_prefix("///") {
            docs.push(plain(doc.trim()));
            continue;
        }
        if code.starts_with("#[") {
            attributes.push_str(code);
            continue;
        }
        let doc = docs.join(" ");
        match &mut open {
            None => {
                let begun = [("pub struct ", false), ("pub enum ", true)]
                    .into_iter()
                    .find_map(|(word, is_enum)| Some((code.strip_prefix(word)?.strip_suffix(" {")?, is_enum)));
                open = begun.map(|(name, is_enum)| (name.to_owned(), Item { is_enum, doc, parts: Vec::new() }));
            }
            Some(_) if line == "}" => items.extend(open.take()),
            Some((_, item)) => item.parts.extend(part(code, item.is_enum, doc, &attributes)),
        }
        docs.clear();
        attributes.clear();
    }
}

fn part(code: &str, is_enum: bool, doc: String, attributes: &str) -> Option<Part> {
    let code = code.strip_suffix(',')?;
    let is_flat = attributes.contains("flatten");
    if !is_enum {
        let (name, kind) = code.strip_prefix("pub ")?.split_once(": ")?;
        return Some(Part { name: name.to_owned(), kind: Some(kind.to_owned()), doc, is_flat });
    }
    let (name, kind) = match code.split_once('(') {
        Some((name, kind)) => (name, Some(kind.strip_suffix(')')?.to_owned())),
        None => (code, None),
    };
    let renamed = attributes.split_once("rename = \"").and_then(|(_, rest)| rest.split_once('"'));
    let name = renamed.map_or_else(|| snake_case(name), |(name, _)| name.to_owned());
    Some(Part { name, kind, doc, is_flat })
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// A comment without its links into the program; what leads to an event names it on this page already.
fn plain(doc: &str) -> String {
    let doc = doc.replace("[`", "`").replace("`]", "`").replace('|', "\\|");
    if doc.starts_with("See `") { String::new() } else { doc }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::workspace_root;

    #[test]
    fn the_page_of_events_is_what_the_types_say() {
        let root = workspace_root().unwrap();
        let committed = fs::read_to_string(root.join("docs/events.md")).unwrap_or_default();
        assert!(committed == page(&root).unwrap(), "run `cargo xtask events > docs/events.md`");
    }

    #[test]
    fn members_words_and_what_is_inlined_are_read() {
        let mut items = BTreeMap::new();
        let source = "/// All.\npub enum Event {\n    /// It is over.\n    #[serde(rename = \"call.ended\")]\n    CallEnded(Ended),\n}\n\n\
             /// See [`Event::CallEnded`].\n#[derive(Clone)]\npub struct Ended {\n    #[serde(flatten)]\n    pub of: Of,\n    /// Who,\n    \
             /// perhaps.\n    pub by: Option<EndedBy>,\n    /// When.\n    pub at_ms: Vec<u64>,\n}\n\n/// Of what.\npub struct Of {\n    /// The call.\n    \
             pub call: CallId,\n}\n\n/// Who.\npub enum EndedBy {\n    /// The [`Of`].\n    FarEnd,\n    /// Us.\n    We(Of),\n}\n";
        read(source, &mut items);
        let mut text = String::new();
        members(&mut text, &items, &items["Ended"]).unwrap();
        words(&mut text, &items, &items["EndedBy"]).unwrap();
        let expected = "| member | | |\n|---|---|---|\n| `call` | ULID | The call. |\n| `by` | [EndedBy](#endedby), optional | Who, perhaps. |\n\
             | `at_ms` | list of number | When. |\n| word | |\n|---|---|\n| `far_end` | The `Of`. |\n| `{\"we\": ...}`: [Of](#of) | Us. |\n";
        assert_eq!(text, expected);
        assert_eq!((items["Event"].parts[0].name.as_str(), items["Ended"].doc.as_str()), ("call.ended", ""));
    }
}
