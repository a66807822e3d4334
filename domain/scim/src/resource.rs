//! What users and groups have in common: how they are made, replaced,
//! changed, shown and versioned.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::canonical::{canonical, member, object};
use crate::error::{ErrorKind, ScimError, invalid_value, mutability};
use crate::patch::Patch;
use crate::schema::ResourceType;

/// What the server knows about a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// `User`, `Group`.
    pub resource_type: String,
    /// When it was made (RFC 3339).
    pub created: String,
    /// When it last changed (RFC 3339).
    pub last_modified: String,
    /// Its URL.
    pub location: String,
    /// Its weak entity tag.
    pub version: String,
}

/// A resource after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<R> {
    /// What it is now.
    pub resource: R,
    /// Whether this is something else than before.
    pub changed: bool,
}

/// A user or a group. Their serde forms are what a store keeps; what is
/// answered is [`Resource::to_json`].
pub trait Resource: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Its type.
    const TYPE: &'static ResourceType;

    /// The server's name of it.
    fn id(&self) -> &str;

    /// What the server knows about it.
    fn meta_mut(&mut self) -> &mut Option<Meta>;

    /// Refuses a resource that cannot be.
    ///
    /// # Errors
    /// `invalidValue`.
    fn validate(&self) -> Result<(), ScimError>;

    /// Makes a resource of a POST's body. What the body says of attributes
    /// that are the server's, and of unknown ones, is ignored.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidValue`.
    fn create(id: &str, body: &Value) -> Result<Self, ScimError> {
        let mut json = canonical(Self::TYPE, body)?;
        json.insert("id".into(), id.into());
        typed(json)
    }

    /// What a PUT's body makes of the resource: what the body leaves out is
    /// cleared. The server's own attributes stay, and so does `active`: who
    /// was shut out does not come in again because somebody's name changed.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidValue`; `mutability` for another `id`.
    fn replace(&self, body: &Value) -> Result<Outcome<Self>, ScimError> {
        same_id(self.id(), member(object(body)?, "id"))?;
        let mut json = canonical(Self::TYPE, body)?;
        let mut before = plain(self)?;
        for kept in ["id", "groups", "meta", "active"] {
            if let Some(value) = before.remove(kept) {
                json.entry(kept).or_insert(value);
            }
        }
        outcome(self, json)
    }

    /// What a PATCH makes of the resource; all of its operations or none.
    ///
    /// # Errors
    /// `mutability`, `invalidPath`, `noTarget`, `invalidFilter`, `invalidValue`.
    fn patch(&self, patch: &Patch) -> Result<Outcome<Self>, ScimError> {
        let mut json = plain(self)?;
        patch.apply(Self::TYPE, &mut json)?;
        outcome(self, json)
    }

    /// The resource as it is answered, in full.
    ///
    /// # Errors
    /// None that a resource can cause.
    fn to_json(&self) -> Result<Value, ScimError> {
        let mut json = plain(self)?;
        let extended = Self::TYPE.extensions.iter().map(|schema| schema.urn).filter(|urn| json.contains_key(*urn));
        let schemas: Vec<_> = std::iter::once(Self::TYPE.core.urn).chain(extended).collect();
        json.insert("schemas".into(), schemas.into());
        Ok(Value::Object(json))
    }

    /// The weak entity tag: a digest of all that the resource has, besides
    /// what the server knows about it.
    ///
    /// # Errors
    /// None that a resource can cause.
    fn version(&self) -> Result<String, ScimError> {
        let mut bare = self.clone();
        *bare.meta_mut() = None;
        let bytes = serde_json::to_vec(&bare).map_err(internal)?;
        // 128 bits: two versions of one resource do not meet by chance.
        let digest = Sha256::digest(&bytes);
        let tag = URL_SAFE_NO_PAD.encode(digest.split_at(16).0);
        Ok(format!("W/\"{tag}\""))
    }

    /// The resource with its `meta`, to be answered under `base`, the URL
    /// above `/Users`.
    ///
    /// # Errors
    /// None that a resource can cause.
    fn stamped(mut self, created: &str, last_modified: &str, base: &str) -> Result<Self, ScimError> {
        let meta = Meta {
            resource_type: Self::TYPE.name.into(),
            created: created.into(),
            last_modified: last_modified.into(),
            location: format!("{}{}/{}", base.trim_end_matches('/'), Self::TYPE.endpoint, self.id()),
            version: self.version()?,
        };
        *self.meta_mut() = Some(meta);
        Ok(self)
    }
}

/// Whether `If-Match` or `If-None-Match` names this version. Tags are compared
/// weakly: `W/` does not count.
#[must_use]
pub fn is_version(header: &str, version: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    header.trim() == "*" || header.split(',').any(|tag| bare(tag) == bare(version))
}

/// Refuses another `id` than the resource's own.
pub(crate) fn same_id(id: &str, said: Option<&Value>) -> Result<(), ScimError> {
    match said {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(said)) if said == id => Ok(()),
        Some(_) => Err(mutability(format!("`id` cannot be changed: it is `{id}`; leave it out"))),
    }
}

/// The resource's JSON without `schemas`.
fn plain(resource: &impl Resource) -> Result<Map<String, Value>, ScimError> {
    match serde_json::to_value(resource).map_err(internal)? {
        Value::Object(members) => Ok(members),
        _ => Err(internal("it is no object")),
    }
}

fn outcome<R: Resource>(before: &R, json: Map<String, Value>) -> Result<Outcome<R>, ScimError> {
    let resource = typed(json)?;
    let changed = resource != *before;
    Ok(Outcome { resource, changed })
}

fn typed<R: Resource>(json: Map<String, Value>) -> Result<R, ScimError> {
    let resource: R = serde_json::from_value(Value::Object(json)).map_err(invalid_value)?;
    resource.validate()?;
    Ok(resource)
}

fn internal(error: impl std::fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::Internal, format!("the resource could not be written: {error}"))
}
