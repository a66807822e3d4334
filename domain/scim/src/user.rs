//! People (RFC 7643 §4.1, §4.3).

use serde::{Deserialize, Serialize};

use crate::canonical::{MAX_TEXT_BYTES, MAX_VALUES};
use crate::error::{ScimError, invalid_value};
use crate::resource::{Meta, Resource};
use crate::schema::{ResourceType, USER};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The server's name of the person.
    pub id: String,
    /// The identity provider's name of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name by which the person signs in; unique, whatever its case.
    pub user_name: String,
    /// The parts of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the person may use the service; true if nothing was said.
    #[serde(default = "yes")]
    pub active: bool,
    /// The person's addresses; at most one is the primary one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Email>,
    /// The groups that the person is in: whoever answers fills them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupReference>,
    /// What the company says of the person.
    #[serde(
        rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub enterprise: Option<Enterprise>,
    /// What the server knows about the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

/// The parts of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// The whole name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
}

/// An e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    pub value: String,
    /// The address, to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// What it is used for.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the one to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

/// A group that a person is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GroupReference {
    /// The group's id.
    pub value: String,
    /// The group's URL.
    #[serde(rename = "$ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The group's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// How the person belongs to it.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// What the company says of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enterprise {
    /// The number that the company gave the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The department's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The person's manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
}

/// Somebody's manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// The manager's id, in the provider's words: it may be one that the
    /// server does not know (yet).
    pub value: String,
}

const fn yes() -> bool {
    true
}

impl User {
    /// The address to write to: the primary one, or else the first.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let primary = self.emails.iter().find(|email| email.primary == Some(true));
        primary.or_else(|| self.emails.first()).map(|email| email.value.as_str())
    }
}

impl Resource for User {
    const TYPE: &'static ResourceType = &USER;

    fn id(&self) -> &str {
        &self.id
    }

    fn meta_mut(&mut self) -> &mut Option<Meta> {
        &mut self.meta
    }

    fn validate(&self) -> Result<(), ScimError> {
        named("userName", &self.user_name)?;
        if self.emails.len() > MAX_VALUES {
            return Err(invalid_value(format!("`emails` has too many values: at most {MAX_VALUES} are kept")));
        }
        if self.emails.iter().any(|email| email.value.is_empty()) {
            return Err(invalid_value("each of `emails` must have a `value`"));
        }
        if self.emails.iter().filter(|email| email.primary == Some(true)).count() > 1 {
            return Err(invalid_value("`emails` has two that are primary: at most one may be"));
        }
        Ok(())
    }
}

/// Refuses a name that is blank or too long.
pub(crate) fn named(attribute: &str, name: &str) -> Result<(), ScimError> {
    if name.trim().is_empty() {
        return Err(invalid_value(format!("`{attribute}` is required and must not be blank")));
    }
    if name.len() > MAX_TEXT_BYTES {
        return Err(invalid_value(format!("`{attribute}` is too long: at most {MAX_TEXT_BYTES} bytes are kept")));
    }
    Ok(())
}
