//! What becomes of an extension's calls where it does not take them (AGT-18): one shape for the database, the API and the
//! configuration file.

use dialplan::number::Dialled;
use dialplan::say::PromptName;
use serde::{Deserialize, Serialize};
use switch::config;
use utoipa::ToSchema;

use crate::mail::check_address;

/// What becomes of an extension's calls where it does not take them. What is left out has its default: it rings, and nothing
/// goes elsewhere. A call goes on by the tenant's own routes, at most five times, and never to an emergency number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallHandling {
    /// It rings while it has a call; without, a further call finds it busy.
    pub call_waiting: bool,
    /// Every call finds it busy.
    pub do_not_disturb: bool,
    /// Every call goes to this number; it never rings.
    #[schema(example = "1002")]
    #[schema(extensions(("x-field" = json!("extensions.forward"))))]
    pub forward_always: Option<String>,
    /// Calls that find it busy, or that it rejects, go to this number.
    #[schema(extensions(("x-field" = json!("extensions.forward"))))]
    pub forward_busy: Option<String>,
    /// Calls that it does not answer in its ring time, or that reach no phone of it, go to this number.
    #[schema(extensions(("x-field" = json!("extensions.forward"))))]
    pub forward_no_answer: Option<String>,
    /// Who finds it busy or gets no answer, and is sent nowhere else, may leave a message.
    pub voicemail: bool,
    /// A prompt that he hears before, in the place of the usual words.
    #[schema(example = "voicemail_greeting")]
    pub voicemail_greeting: Option<String>,
    /// Who is told by mail of a message that was left for it, where `[smtp]` is set.
    #[schema(example = "anna@example.com")]
    pub voicemail_email: Option<String>,
}

impl Default for CallHandling {
    fn default() -> Self {
        Self {
            call_waiting: true,
            do_not_disturb: false,
            forward_always: None,
            forward_busy: None,
            forward_no_answer: None,
            voicemail: false,
            voicemail_greeting: None,
            voicemail_email: None,
        }
    }
}

impl CallHandling {
    /// What is wrong with it, by field.
    #[must_use]
    pub fn faults(&self, own: &str) -> Vec<(&'static str, String)> {
        let fields = [
            ("forward_always", &self.forward_always),
            ("forward_busy", &self.forward_busy),
            ("forward_no_answer", &self.forward_no_answer),
        ];
        let wrong = |number: &str| match number.parse::<Dialled>() {
            Ok(dialled) if dialled.as_str() == own => Some("an extension cannot forward to itself".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let greeting = self.voicemail_greeting.as_deref().and_then(|name| name.parse::<PromptName>().err());
        let email = self.voicemail_email.as_deref().and_then(|text| check_address(text).err());
        let numbers = fields.into_iter().filter_map(|(field, number)| Some((field, wrong(number.as_deref()?)?)));
        numbers
            .chain(greeting.map(|error| ("voicemail_greeting", error.to_string())))
            .chain(email.map(|error| ("voicemail_email", error)))
            .collect()
    }

    /// As the switch wants it. A number that is none was refused when it was set, and is left out here.
    #[must_use]
    pub fn for_switch(&self) -> config::CallHandling {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        config::CallHandling {
            call_waiting: self.call_waiting,
            do_not_disturb: self.do_not_disturb,
            forward_always: number(&self.forward_always),
            forward_busy: number(&self.forward_busy),
            forward_no_answer: number(&self.forward_no_answer),
            voicemail: self.voicemail,
            voicemail_greeting: self.voicemail_greeting.as_deref().and_then(|name| name.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_is_a_number_and_not_ones_own() {
        let to = |number: &str| CallHandling { forward_busy: Some(number.to_owned()), ..CallHandling::default() };
        assert_eq!(to("+8613800000000").faults("1001"), []);
        assert_eq!(to("1001").faults("1001"), [("forward_busy", "an extension cannot forward to itself".to_owned())]);
        assert_eq!(to("bob").faults("1001").len(), 1);
        assert_eq!(to("13800000000").for_switch().forward_busy, Some("13800000000".parse().unwrap()));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(serde_json::from_str::<CallHandling>("{}").unwrap(), CallHandling::default());
        assert!(CallHandling::default().for_switch() == config::CallHandling::default());
        assert!(serde_json::from_str::<CallHandling>("{\"dnd\": true}").is_err());
    }
}
