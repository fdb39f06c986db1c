//! Satisfaction surveys (满意度): kept as the document that people write.

use dialplan::flow::name::SurveyName;
use dialplan::flow::template::Spoken;
use dialplan::say::defaults;
use dialplan::survey::{Question, Survey};
use serde::Serialize;

use super::StoreError;
use super::setting::Setting;
use super::sql::{Arg, Row, args, json};

/// A survey as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredSurvey(pub Survey);

/// What every enterprise begins with (SURVEY-02).
#[must_use]
pub fn usual_question() -> Question {
    Question { prompt: vec![Spoken::Prompt(defaults::SURVEY_INVITE)], options: Survey::default_options() }
}

/// Said at the end where nothing else is set.
#[must_use]
pub fn usual_thanks() -> Vec<Spoken> {
    vec![Spoken::Prompt(defaults::SURVEY_THANKS)]
}

impl StoredSurvey {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SurveyName {
        &self.0.name
    }
}

impl Setting for StoredSurvey {
    const RESOURCE: &'static str = "survey";
    const TABLE: &'static str = "surveys";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &["definition"];
    /// The switch holds all of them.
    const MAX: u64 = 200;

    fn key(&self) -> String {
        self.0.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![json(&self.0)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.json("definition")?))
    }
}
