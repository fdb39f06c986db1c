//! Versions of a flow: one draft that changes, and published ones that never do.

use std::sync::Arc;

use super::Flow;
use super::check::{Known, Problem, check};

/// A flow through its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    draft: Option<Flow>,
    /// In order; the number of one is its place from 1.
    published: Vec<Published>,
}

/// A version that calls walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// From 1.
    pub number: u32,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// The flow.
    pub flow: Arc<Flow>,
}

/// Why a draft is not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is none.
    #[error("there is no draft to publish, save one first")]
    NoDraft,
    /// It is the same as the last version.
    #[error("the draft is version {0}, nothing has changed")]
    Unchanged(u32),
    /// It is wrong.
    #[error("the draft has {} problems", .0.len())]
    Problems(Vec<Problem>),
}

impl Versions {
    /// Keeps a draft in place of the one before; says what still hinders its publication.
    pub fn save(&mut self, flow: Flow, known: &Known) -> Vec<Problem> {
        let problems = check(&flow, known);
        self.draft = Some(flow);
        problems
    }

    /// Makes the draft the version that new calls walk. Calls that walk an older one go on with that.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing changes.
    pub fn publish(&mut self, known: &Known, now_ms: i64) -> Result<u32, PublishError> {
        let draft = self.draft.as_ref().ok_or(PublishError::NoDraft)?;
        if let Some(last) = self.published.last().filter(|last| *last.flow == *draft) {
            return Err(PublishError::Unchanged(last.number));
        }
        let problems = check(draft, known);
        if !problems.is_empty() {
            return Err(PublishError::Problems(problems));
        }
        let number = self.published.last().map_or(1, |last| last.number + 1);
        self.published.push(Published { number, at_ms: now_ms, flow: Arc::new(draft.clone()) });
        self.draft = None;
        Ok(number)
    }

    /// The draft.
    #[must_use]
    pub fn draft(&self) -> Option<&Flow> {
        self.draft.as_ref()
    }

    /// The version that new calls walk.
    #[must_use]
    pub fn current(&self) -> Option<&Published> {
        self.published.last()
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Published> {
        self.published.iter().find(|version| version.number == number)
    }
}
