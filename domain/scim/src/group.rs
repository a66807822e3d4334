//! Groups of people (RFC 7643 §4.2).

use serde::{Deserialize, Serialize};

use crate::canonical::MAX_MEMBERS;
use crate::error::{ScimError, invalid_value};
use crate::resource::{Meta, Resource};
use crate::schema::{GROUP, ResourceType};
use crate::user::named;

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The server's name of the group.
    pub id: String,
    /// The identity provider's name of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The group's name.
    pub display_name: String,
    /// Who is in it. Whether they exist is the store's to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// What the server knows about the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Member {
    /// The member's id.
    pub value: String,
    /// The member's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `User` or `Group`; a user if nothing was said.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The member's URL: whoever answers fills it in.
    #[serde(rename = "$ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl Resource for Group {
    const TYPE: &'static ResourceType = &GROUP;

    fn id(&self) -> &str {
        &self.id
    }

    fn meta_mut(&mut self) -> &mut Option<Meta> {
        &mut self.meta
    }

    fn validate(&self) -> Result<(), ScimError> {
        named("displayName", &self.display_name)?;
        if self.members.len() > MAX_MEMBERS {
            return Err(invalid_value(format!("`members` has too many values: at most {MAX_MEMBERS} are kept")));
        }
        if self.members.iter().any(|member| member.value.is_empty()) {
            return Err(invalid_value("each of `members` must have a `value`"));
        }
        Ok(())
    }
}
