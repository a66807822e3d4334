//! What an identity provider asks by SCIM 2.0 (RFC 7644), and is answered.

use audit::Attribution;
use identity::Principal;
use scim::ScimError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request of the identity provider. Whether it may has been asked before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Provision {
    /// With whose key.
    pub who: Principal,
    /// By what it came.
    pub by: Attribution,
    /// The URL above `/Users`.
    pub base: String,
    /// About what.
    pub about: About,
    /// The parameters of the request's query, decoded.
    pub parameters: Vec<(String, String)>,
    /// `If-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// What.
    pub asked: Asked,
}

/// What can be provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// People.
    Users,
    /// Groups of people.
    Groups,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Which there are, by the query's parameters.
    List,
    /// The same, by a body.
    Search {
        /// A `SearchRequest`.
        body: Value,
    },
    /// One of them.
    Get {
        /// Which.
        id: String,
    },
    /// A new one.
    Create {
        /// The id that it gets.
        id: String,
        /// What it shall be.
        body: Value,
    },
    /// Everything of one anew.
    Replace {
        /// Which.
        id: String,
        /// What it shall be.
        body: Value,
    },
    /// Something of one.
    Patch {
        /// Which.
        id: String,
        /// A `PatchOp`.
        body: Value,
    },
    /// It is no more.
    Remove {
        /// Which.
        id: String,
    },
}

/// An answer as the protocol has it, refusals included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// HTTP status.
    pub status: u16,
    /// What is answered.
    pub body: Option<Value>,
    /// The resource's entity tag.
    pub version: Option<String>,
    /// Where the resource is.
    pub location: Option<String>,
}

impl Provisioned {
    /// A refusal.
    #[must_use]
    pub fn refused(error: &ScimError) -> Self {
        Self { status: error.kind().status(), body: Some(error.body()), version: None, location: None }
    }
}
