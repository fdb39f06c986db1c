//! Uploaded prompts. Their sound is not in the database: `file` names it in the prompts' folder.

use dialplan::say::{Language, PromptName};
use serde::Serialize;

use super::StoreError;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args};

/// An uploaded prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredPrompt {
    /// In which language it speaks.
    #[serde(serialize_with = "as_text")]
    pub language: Language,
    /// Its name; that of a default prompt takes the default's place.
    #[serde(serialize_with = "as_text")]
    pub name: PromptName,
    /// For people.
    pub description: String,
    /// A ULID that names the files of its sound; another for each upload.
    pub file: String,
    /// How long it is.
    pub duration_ms: u64,
}

impl Setting for StoredPrompt {
    const RESOURCE: &'static str = "prompt";
    const TABLE: &'static str = "prompts";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["language", "name", "description", "file", "duration_ms"];
    /// Every default prompt in both languages, and as many again.
    const MAX: u64 = 500;

    fn key(&self) -> String {
        format!("{}.{}", self.language, self.name)
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.language.as_str(),
            self.name.as_str(),
            self.description.as_str(),
            self.file.as_str(),
            self.duration_ms,
        ]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            language: row.parsed("language")?,
            name: row.parsed("name")?,
            description: row.text("description")?,
            file: row.text("file")?,
            duration_ms: row.unsigned("duration_ms")?,
        })
    }
}
