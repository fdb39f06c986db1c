//! `number.mask`: numbers that a role shows in full, but a plugin keeps from this very person (GEN-07).

use std::collections::BTreeSet;

use super::principal::{Principal, Who};
use super::state::Api;

/// Asks for one person. Programs see everything.
#[derive(Clone)]
pub(super) struct Masker {
    api: Api,
    principal: Principal,
}

impl Masker {
    /// For an employee, where there is a plugin that answers.
    pub(super) fn of(api: &Api, principal: &Principal) -> Option<Self> {
        let asks = matches!(principal.who, Who::Employee { .. }) && api.hooks().mask_numbers();
        asks.then(|| Self { api: api.clone(), principal: principal.clone() })
    }

    /// Whether numbers of this field are asked about.
    pub(super) fn asks_of(&self, field: &str) -> bool {
        self.api.registry().is_phone(field)
    }

    /// Those that are masked for him; none where nobody says so in time.
    pub(super) async fn masked(&self, numbers: BTreeSet<String>) -> BTreeSet<String> {
        if numbers.is_empty() {
            return numbers;
        }
        self.api.hooks().masked(&self.principal.tenant, &self.principal.by(), numbers).await
    }
}
