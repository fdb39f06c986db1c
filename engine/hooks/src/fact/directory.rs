//! Facts of who works here.

use serde::{Deserialize, Serialize};

use super::{Event, SettingsChanged};

/// A part of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryPart {
    /// An employee, by his number: his name, department, role, mobile, or whether he has left.
    Employee,
    /// A department, by its id: its name, place or managers.
    Department,
    /// A role, by its id: what it may do and see.
    Role,
    /// An extension, by its number.
    Extension,
}

/// See [`super::Event::DirectoryChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryChanged {
    /// What part.
    pub part: DirectoryPart,
    /// Which one of it.
    pub id: String,
    /// `created`, `updated` or `deleted`.
    pub action: String,
}

impl DirectoryChanged {
    /// What a change of a setting means for the directory; `None` where that is nothing.
    #[must_use]
    pub fn of(changed: &SettingsChanged) -> Option<Self> {
        let part = match changed.resource.as_str() {
            "employee" => DirectoryPart::Employee,
            "department" => DirectoryPart::Department,
            "role" => DirectoryPart::Role,
            "extension" => DirectoryPart::Extension,
            _ => return None,
        };
        Some(Self { part, id: changed.id.clone(), action: changed.action.clone() })
    }
}

impl Event {
    /// What is told of a change of a setting: that, and what it means for the directory.
    pub fn of_settings(changed: SettingsChanged) -> impl Iterator<Item = Self> {
        let directory = DirectoryChanged::of(&changed).map(Self::DirectoryChanged);
        [Self::SettingsChanged(changed)].into_iter().chain(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_people_is_told_as_one_of_the_directory_too() {
        let told = |resource: &str| {
            let (by, id, action) = ("admin".to_owned(), "7".to_owned(), "updated".to_owned());
            let events = Event::of_settings(SettingsChanged { by, resource: resource.to_owned(), id, action });
            events.map(|event| serde_json::to_value(event).unwrap()).collect::<Vec<_>>()
        };
        let employee = told("employee");
        assert_eq!((employee.len(), &employee[0]["type"]), (2, &"settings.changed".into()));
        let expected = serde_json::json!({"type": "tenant.directory_changed",
            "data": {"part": "employee", "id": "7", "action": "updated"}});
        assert_eq!(employee[1], expected);
        assert_eq!(["department", "role", "extension"].map(|resource| told(resource).len()), [2, 2, 2]);
        assert_eq!(["trunk", "queue"].map(|resource| told(resource).len()), [1, 1]);
    }
}
