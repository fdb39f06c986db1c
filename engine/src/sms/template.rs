//! Texts of the configuration with placeholders, from which a request to a gateway is made.

use std::collections::BTreeMap;

/// What may stand in braces.
pub const NAMES: [&str; 12] = [
    "to",
    "to_digits",
    "to_national",
    "text",
    "signature",
    "template",
    "parameters",
    "code",
    "id",
    "user",
    "secret",
    "basic",
];

/// What stands for each name; one that is missing is empty.
pub type Values = BTreeMap<&'static str, String>;

/// How a value is written so that nothing in it ends the place where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    Plain,
    /// Within a JSON string.
    Json,
    /// In a URL or a form (RFC 3986 §2.1).
    Percent,
}

/// A text with places for values: `{to}`. Braces around anything but a word in small letters stay, so that JSON can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(&'static str),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// When it names a value that there is not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find('{') {
            let (before, after) = rest.split_at(at);
            let word = after[1..].split('}').next().unwrap_or_default();
            let is_closed = after.len() > word.len() + 1;
            let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let piece = if is_closed && is_name {
                let name = NAMES.into_iter().find(|name| *name == word);
                let name = name.ok_or_else(|| format!("there is no {{{word}}}, only {{{}}}", NAMES.join("}, {")))?;
                rest = &after[word.len() + 2..];
                Piece::Value(name)
            } else {
                rest = &after[1..];
                Piece::Text("{".to_owned())
            };
            pieces.extend([Piece::Text(before.to_owned()), piece]);
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The text with the values in it.
    #[must_use]
    pub fn fill(&self, values: &Values, escape: Escape) -> String {
        let filled = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(name) => escape.write(values.get(name).map_or("", String::as_str)),
        });
        filled.collect()
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(*name),
            Piece::Text(_) => None,
        })
    }
}

impl Escape {
    fn write(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Percent => dialplan::flow::template::url_escaped(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places_and_end_none() {
        let values = Values::from([("text", "say \"hi\"\n & 你好".to_owned()), ("to", "+8613800138000".to_owned())]);
        let json = Template::parse(r#"{"to": "{to}", "more": {"text": "{text}"}, "x": {}}"#).unwrap();
        let filled = json.fill(&values, Escape::Json);
        let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
        assert_eq!(read["more"]["text"], "say \"hi\"\n & 你好");
        assert_eq!(read["to"], "+8613800138000");
        let form = Template::parse("m={to}&c={text}&t={template}").unwrap();
        assert_eq!(
            form.fill(&values, Escape::Percent),
            "m=%2B8613800138000&c=say%20%22hi%22%0A%20%26%20%E4%BD%A0%E5%A5%BD&t="
        );
        assert_eq!(form.names().collect::<Vec<_>>(), ["to", "text", "template"]);
    }

    #[test]
    fn a_name_that_there_is_not_is_told() {
        assert!(Template::parse("{mobile}").unwrap_err().starts_with("there is no {mobile}, only {to}, {to_digits}"));
        for literal in ["{", "{}", "{ to }", "a{b", "{\"to\"}", "{to"] {
            assert_eq!(Template::parse(literal).unwrap().fill(&Values::new(), Escape::Plain), literal);
        }
    }
}
