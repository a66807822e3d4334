//! What a server says of itself (RFC 7643 §5, §6, §7; RFC 7644 §4), made of
//! the same tables by which it works.

use serde_json::{Value, json};

use crate::attribute::{Attribute, Kind, Mutability, Returned};
use crate::query::{MAX_RESULTS, list_response};
use crate::schema::{COMMON, GROUP, ResourceType, Schema, USER};

const TYPES: [&ResourceType; 2] = [&USER, &GROUP];

/// The `ServiceProviderConfig` of a server at `base`, the URL above `/Users`;
/// `help` is the URL of a page for people.
#[must_use]
pub fn service_provider_config(base: &str, help: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": help,
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A token of the organization's, in the header `Authorization: Bearer …`.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": at(base, "/ServiceProviderConfig") },
    })
}

/// All types of resources, as `/ResourceTypes` lists them.
#[must_use]
pub fn resource_types(base: &str) -> Value {
    let all: Vec<_> = TYPES.iter().map(|of| describe_type(of, base)).collect();
    list_response(all.len(), 1, all)
}

/// One of them, by its name.
#[must_use]
pub fn resource_type(base: &str, name: &str) -> Option<Value> {
    TYPES.iter().find(|of| of.name.eq_ignore_ascii_case(name)).map(|of| describe_type(of, base))
}

/// All schemas, as `/Schemas` lists them.
#[must_use]
pub fn schemas(base: &str) -> Value {
    let all: Vec<_> = known().map(|schema| describe_schema(schema, base)).collect();
    list_response(all.len(), 1, all)
}

/// One of them, by its URN.
#[must_use]
pub fn schema(base: &str, urn: &str) -> Option<Value> {
    known().find(|schema| schema.urn.eq_ignore_ascii_case(urn)).map(|schema| describe_schema(schema, base))
}

fn known() -> impl Iterator<Item = &'static Schema> {
    TYPES.iter().flat_map(|of| std::iter::once(of.core).chain(of.extensions.iter().copied()))
}

fn at(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

fn describe_type(of: &ResourceType, base: &str) -> Value {
    let extensions: Vec<_> =
        of.extensions.iter().map(|schema| json!({ "schema": schema.urn, "required": false })).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": of.name,
        "name": of.name,
        "description": of.description,
        "endpoint": of.endpoint,
        "schema": of.core.urn,
        "schemaExtensions": extensions,
        "meta": { "resourceType": "ResourceType", "location": at(base, &format!("/ResourceTypes/{}", of.name)) },
    })
}

fn describe_schema(schema: &Schema, base: &str) -> Value {
    // `externalId` is every resource's, but providers look for it here.
    let is_core = TYPES.iter().any(|of| of.core.urn == schema.urn);
    let common = COMMON.iter().filter(|attribute| is_core && attribute.name == "externalId");
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": common.chain(schema.attributes).map(describe).collect::<Vec<_>>(),
        "meta": { "resourceType": "Schema", "location": at(base, &format!("/Schemas/{}", schema.urn)) },
    })
}

fn describe(attribute: &Attribute) -> Value {
    let mut json = json!({
        "name": attribute.name,
        "type": kind(attribute.kind),
        "multiValued": attribute.multi,
        "description": attribute.description,
        "required": attribute.required,
        "caseExact": attribute.case_exact,
        "mutability": match attribute.mutability {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
            Mutability::Immutable => "immutable",
        },
        "returned": match attribute.returned {
            Returned::Always => "always",
            Returned::Default => "default",
        },
        "uniqueness": if attribute.unique { "server" } else { "none" },
    });
    if let Some(json) = json.as_object_mut() {
        match attribute.kind {
            Kind::Complex(subs) => {
                json.insert("subAttributes".into(), subs.iter().map(describe).collect());
            }
            Kind::Reference(types) => {
                json.insert("referenceTypes".into(), types.into());
            }
            Kind::Text | Kind::Boolean | Kind::DateTime => {}
        }
        if !attribute.usual.is_empty() {
            json.insert("canonicalValues".into(), attribute.usual.into());
        }
    }
    json
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Boolean => "boolean",
        Kind::DateTime => "dateTime",
        Kind::Reference(_) => "reference",
        Kind::Complex(_) => "complex",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://x/scim/v2";

    #[test]
    fn what_the_server_says_of_itself() {
        let config = service_provider_config(BASE, "https://x/help");
        for (feature, supported) in [
            ("patch", true),
            ("bulk", false),
            ("filter", true),
            ("changePassword", false),
            ("sort", true),
            ("etag", true),
        ] {
            assert_eq!(config[feature]["supported"], supported, "{feature}");
        }
        assert_eq!(config["filter"]["maxResults"], 200);
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
        assert_eq!(config["meta"]["location"], "https://x/scim/v2/ServiceProviderConfig");
    }

    #[test]
    fn types_and_their_schemas() {
        let types = resource_types("https://x/scim/v2/");
        assert_eq!(types["totalResults"], 2);
        for of in types["Resources"].as_array().unwrap() {
            assert_eq!(resource_type(BASE, of["name"].as_str().unwrap()).as_ref(), Some(of));
            let extensions = of["schemaExtensions"].as_array().unwrap().iter().map(|extension| &extension["schema"]);
            for urn in extensions.chain([&of["schema"]]) {
                assert_eq!(schema(BASE, urn.as_str().unwrap()).unwrap()["id"], *urn);
            }
        }
        assert_eq!(schemas(BASE)["totalResults"], 3);
        assert_eq!(resource_type(BASE, "Device"), None);
        assert_eq!(schema(BASE, "urn:example:none"), None);
    }

    /// RFC 7643 §8.7.1 says the same of these attributes.
    #[test]
    fn attributes_are_what_the_rfc_says() {
        let schema = schema(BASE, "URN:ietf:params:scim:schemas:core:2.0:Group").unwrap();
        let attributes = schema["attributes"].as_array().unwrap();
        let members = attributes.iter().find(|attribute| attribute["name"] == "members").unwrap();
        assert_eq!(
            members["subAttributes"][0],
            json!({
                "name": "value",
                "type": "string",
                "multiValued": false,
                "description": "The member's id.",
                "required": true,
                "caseExact": true,
                "mutability": "immutable",
                "returned": "default",
                "uniqueness": "none",
            })
        );
        assert_eq!(members["subAttributes"][1]["referenceTypes"], json!(["User", "Group"]));
        assert_eq!(members["subAttributes"][3]["canonicalValues"], json!(["User", "Group"]));
        let names: Vec<_> = attributes.iter().map(|attribute| attribute["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["externalId", "displayName", "members"]);
    }
}
