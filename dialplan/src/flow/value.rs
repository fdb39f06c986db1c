//! Values: how they compare, and how they come out of a server's answer.

use super::node::{Comparison, Lookup};
use super::template::Variables;

impl Comparison {
    pub(super) fn of(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::AtLeast => order.is_ge(),
            Self::AtMost => order.is_le(),
        }
    }

    /// As numbers where both are whole numbers, else as texts.
    pub(super) fn of_texts(self, left: &str, right: &str) -> bool {
        match (left.parse::<i64>(), right.parse::<i64>()) {
            (Ok(left), Ok(right)) => self.of(left.cmp(&right)),
            _texts => self.of(left.cmp(right)),
        }
    }
}

impl Lookup {
    /// The fields of an answer; without one, or where a field is none of text, number and truth value, the defaults.
    #[must_use]
    pub fn values(&self, answer: Option<&serde_json::Value>) -> Variables {
        let value = |pointer: &str| match answer?.pointer(pointer)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        };
        let fields = self.fields.iter();
        fields
            .map(|(name, field)| (name.clone(), value(&field.pointer).unwrap_or_else(|| field.default.clone())))
            .collect()
    }
}
