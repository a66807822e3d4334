//! The list of models, as `GET /v1/models` answers it.

use serde::Serialize;

/// A model in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Model<'a> {
    /// What clients call it.
    pub id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
}

impl<'a> Model<'a> {
    /// A model by its name, the time it was made (seconds since 1970) and
    /// whose it is.
    #[must_use]
    pub const fn new(id: &'a str, created: u64, owned_by: &'a str) -> Self {
        Self { id, object: "model", created, owned_by }
    }

    /// The body for this model alone.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The body for a list of models.
#[must_use]
pub fn list(models: &[Model<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: &'a [Model<'a>],
    }
    serde_json::to_vec(&List { object: "list", data: models }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_pinned() {
        // SDKs read exactly these four keys of a model.
        assert_eq!(
            String::from_utf8(list(&[Model::new("m", 7, "acme")])).unwrap(),
            r#"{"object":"list","data":[{"id":"m","object":"model","created":7,"owned_by":"acme"}]}"#
        );
    }
}
