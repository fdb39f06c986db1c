//! What is told of surveys.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, RecordingId};

/// Of what and whom somebody is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveySubject {
    /// The call.
    pub call: CallId,
    /// The survey.
    pub survey: String,
    /// The employee number of the agent with whom he talked last.
    pub agent: Option<String>,
    /// The queue that he came by last.
    pub queue: Option<String>,
}

/// What began a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurveyStart {
    /// The agent asked for it (CALL-25).
    Agent,
    /// The agent hung up first, and the queue asks then.
    HangUp,
    /// A flow.
    Flow,
}

/// See [`super::Event::SurveyInvited`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyInvited {
    /// Of what.
    #[serde(flatten)]
    pub subject: SurveySubject,
    /// What began it.
    pub start: SurveyStart,
}

/// What was answered. The label is kept as it was (SURVEY-05).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyAnswer {
    /// The key that was pressed.
    pub key: String,
    /// What it stood for.
    pub label: String,
}

/// See [`super::Event::SurveyCompleted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyCompleted {
    /// Of what.
    #[serde(flatten)]
    pub subject: SurveySubject,
    /// The answer; none: not rated (未评价).
    pub answer: Option<SurveyAnswer>,
    /// The answer to the second question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SurveyAnswer>,
    /// What he said, a recording of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<RecordingId>,
}
