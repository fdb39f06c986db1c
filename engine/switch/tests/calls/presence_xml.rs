//! An XML reader of our own for `application/dialog-info+xml`: well-formedness (XML 1.0) and what the schema of RFC 4235 §4.4 demands.
//! It shares nothing with the writer.

/// An element.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// Of the element itself, entities resolved, trimmed.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads a document and holds it against the schema.
pub(crate) fn dialog_info(body: &str) -> Element {
    let root = document(body);
    assert_eq!(root.name, "dialog-info");
    let known = ["xmlns", "version", "state", "entity"];
    assert!(root.attributes.iter().all(|(name, _)| known.contains(&name.as_str())), "{root:?}");
    assert_eq!(root.attribute("xmlns"), Some("urn:ietf:params:xml:ns:dialog-info"));
    root.attribute("version").unwrap().parse::<u32>().unwrap();
    assert!(["full", "partial"].contains(&root.attribute("state").unwrap()));
    assert!(root.attribute("entity").unwrap().starts_with("sip:"));
    let mut ids: Vec<&str> = root.children.iter().map(|dialog| dialog.attribute("id").unwrap()).collect();
    root.children.iter().for_each(check_dialog);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), root.children.len(), "an id twice");
    root
}

fn check_dialog(dialog: &Element) {
    assert_eq!(dialog.name, "dialog");
    let known = ["id", "call-id", "local-tag", "remote-tag", "direction"];
    assert!(dialog.attributes.iter().all(|(name, value)| known.contains(&name.as_str()) && !value.is_empty()));
    assert!(["initiator", "recipient"].contains(&dialog.attribute("direction").unwrap()));
    // A sequence: the order counts.
    let order: Vec<&str> = dialog.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(order, ["state", "local", "remote"]);
    let state = dialog.child("state").unwrap();
    assert!(["trying", "proceeding", "early", "confirmed", "terminated"].contains(&state.text.as_str()));
    for side in ["local", "remote"] {
        let side = dialog.child(side).unwrap();
        let order: Vec<&str> = side.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(order, ["identity", "target"]);
        assert!(side.child("identity").unwrap().text.starts_with("sip:"));
        assert!(side.child("target").unwrap().attribute("uri").unwrap().starts_with("sip:"));
    }
}

/// Reads a document of elements, attributes, text and the five entities.
pub(crate) fn document(body: &str) -> Element {
    let rest = body.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("a declaration").trim_start();
    assert!(
        !body.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t'),
        "a control character: {body:?}"
    );
    let (root, rest) = element(rest);
    assert_eq!(rest.trim(), "", "more than one root");
    root
}

fn element(text: &str) -> (Element, &str) {
    let text = text.strip_prefix('<').unwrap_or_else(|| panic!("no element: {text}"));
    let (tag, mut rest) = text.split_once('>').expect("the end of a tag");
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut found = Element {
        name: name.to_owned(),
        attributes: self::attributes(attributes),
        children: Vec::new(),
        text: String::new(),
    };
    if is_empty {
        return (found, rest);
    }
    loop {
        let (before, _) = rest.split_once('<').expect("an end tag");
        found.text.push_str(&unescaped(before));
        rest = &rest[before.len()..];
        if let Some(after) = rest.strip_prefix(&format!("</{name}>")) {
            found.text = found.text.trim().to_owned();
            return (found, after);
        }
        let (child, after) = element(rest);
        found.children.push(child);
        rest = after;
    }
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no attribute: {rest}"));
        let (value, after) = after.split_once('"').expect("a closing quote");
        assert!(!found.iter().any(|(known, _)| known == name), "{name} twice");
        assert!(after.is_empty() || after.starts_with(' '), "no space after {name}");
        found.push((name.to_owned(), unescaped(value)));
        rest = after.trim_start();
    }
    found
}

fn unescaped(text: &str) -> String {
    assert!(!text.contains('<'), "a bare <: {text}");
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let bare = entities.iter().fold(text.to_owned(), |text, (entity, _)| text.replace(entity, ""));
    assert!(!bare.contains('&'), "a bare &: {text}");
    entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}
