//! What this crate knows of the API, held against its OpenAPI document.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use identity::{
    DepartmentId, GrantId, LimitId, MemberId, Networks, OrganizationId, PolicyId, ProviderId, ServiceAccountId,
    ServiceKeyId, TeamId,
};
use ledger::Millicredits;
use limits::{LimitAmount, PoolRules};
use pricing::{Override, Usd};
use serde_json::{Value, json};

use crate::api::Operation;
use crate::api::{Method, operations};
use crate::apply::state::{self, LimitSubject, PolicySource};
use crate::apply::words;
use crate::output::{Form, views};

pub(crate) struct Document(Value);

/// A type that can read what a schema describes.
pub(crate) trait Fits {
    fn fits(document: &Document, schema: &Value) -> bool;
}

macro_rules! named {
    ($($name:ty: $schema:literal),* $(,)?) => {$(
        impl Fits for $name {
            fn fits(document: &Document, schema: &Value) -> bool {
                document.is(schema, $schema)
            }
        }
    )*};
}

named! {
    OrganizationId: "OrganizationId", DepartmentId: "DepartmentId", TeamId: "TeamId", MemberId: "MemberId",
    LimitId: "LimitId", ProviderId: "ProviderId", ServiceAccountId: "ServiceAccountId", ServiceKeyId: "ServiceKeyId",
    GrantId: "GrantId", PolicyId: "PolicyId", Millicredits: "Credits", Usd: "Usd", LimitAmount: "LimitAmount",
    Override: "Override", LimitSubject: "LimitSubject", PolicySource: "PolicySource", PoolRules: "PoolRules",
}

macro_rules! typed {
    ($($name:ty: $word:literal),*) => {$(
        impl Fits for $name {
            fn fits(document: &Document, schema: &Value) -> bool {
                document.resolved(schema)["type"] == $word
            }
        }
    )*};
}

typed! { String: "string", bool: "boolean", u32: "integer" }

impl<T: Fits> Fits for Option<T> {
    fn fits(document: &Document, schema: &Value) -> bool {
        T::fits(document, &without_null(schema))
    }
}

impl<T: Fits> Fits for Vec<T> {
    fn fits(document: &Document, schema: &Value) -> bool {
        schema["type"] == "array" && T::fits(document, &schema["items"])
    }
}

impl Fits for Networks {
    fn fits(document: &Document, schema: &Value) -> bool {
        schema["type"] == "array" && document.is(&schema["items"], "Network")
    }
}

impl Fits for BTreeMap<String, String> {
    fn fits(document: &Document, schema: &Value) -> bool {
        schema["type"] == "object" && String::fits(document, &schema["additionalProperties"])
    }
}

/// What a schema says of values that are not `null`.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(types) = schema["type"].as_array() {
        let mut types: Vec<Value> = types.iter().filter(|word| *word != "null").cloned().collect();
        schema["type"] = types.pop().unwrap();
        assert!(types.is_empty(), "several types");
    }
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let variants: Vec<Value> = variants.into_iter().filter(|one| one["type"] != "null").collect();
    if let [only] = variants.as_slice() {
        return without_null(only);
    }
    schema
}

impl Document {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workers/api/openapi.json");
        Self(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    }

    fn schema(&self, name: &str) -> Value {
        self.0["components"]["schemas"][name].clone()
    }

    /// Whether a schema is the one of this name, or a narrower one of the same
    /// form.
    pub(crate) fn is(&self, schema: &Value, name: &str) -> bool {
        let narrower: &[&str] = if name == "Credits" { &["Amount", "PositiveAmount"] } else { &[] };
        let mut names = std::iter::once(&name).chain(narrower);
        names.any(|name| schema["$ref"] == format!("#/components/schemas/{name}"))
    }

    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(name) => self.schema(name.rsplit('/').next().unwrap()),
            None => schema.clone(),
        }
    }

    /// The schema of an object's field; nullable where it may be left out.
    fn field_of(&self, schema: &Value, field: &str) -> Option<Value> {
        let schema = self.resolved(&without_null(schema));
        if let Some(parts) = schema["allOf"].as_array() {
            return parts.iter().find_map(|part| self.field_of(part, field));
        }
        if let Some(parts) = schema["oneOf"].as_array() {
            // A field that only some variants have may be missing.
            return parts
                .iter()
                .find_map(|part| self.field_of(part, field))
                .map(|one| json!({ "oneOf": [one, { "type": "null" }] }));
        }
        let found = schema["properties"].get(field)?;
        let required = schema["required"].as_array().is_some_and(|list| list.contains(&json!(field)));
        Some(if required { found.clone() } else { json!({ "oneOf": [found, { "type": "null" }] }) })
    }

    /// The same by the name of the object.
    pub(crate) fn field(&self, schema: &str, field: &str) -> Value {
        self.field_of(&self.schema(schema), field).unwrap_or_else(|| panic!("there is no {schema}.{field}"))
    }

    fn operation(&self, operation: &Operation) -> Option<Value> {
        let method = format!("{:?}", operation.method).to_lowercase();
        self.0["paths"].get(format!("/api/v1{}", operation.path))?.get(method).cloned()
    }

    /// What is wrong with a value.
    fn errors(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let schema = self.resolved(schema);
        if let Some(variants) = schema["oneOf"].as_array() {
            let tried: Vec<_> = variants.iter().map(|variant| self.errors(variant, value, at)).collect();
            let fits = tried.iter().any(Vec::is_empty);
            return if fits { Vec::new() } else { tried.into_iter().flatten().collect() };
        }
        let word = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let mut errors = Vec::new();
        let types = &schema["type"];
        if !types.is_null() && *types != word && !types.as_array().is_some_and(|types| types.contains(&json!(word))) {
            errors.push(format!("{at} is {word}, not {types}"));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            errors.push(format!("{at} is {value}, not of {}", schema["enum"]));
        }
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            errors.extend(self.errors(&schema["items"], item, &format!("{at}/{place}")));
        }
        let Some(fields) = value.as_object() else { return errors };
        for (name, field) in fields {
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(property), _) => errors.extend(self.errors(property, field, &format!("{at}/{name}"))),
                (None, more) if more.is_object() => errors.extend(self.errors(more, field, &format!("{at}/{name}"))),
                (None, _) => errors.push(format!("{at}/{name} is unknown")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                errors.push(format!("{at}/{name} is missing"));
            }
        }
        errors
    }
}

/// Panics unless the operation takes this body.
#[track_caller]
pub(crate) fn accepts(operation: &Operation, body: &Value) {
    let document = Document::read();
    let found = document.operation(operation).unwrap();
    let schema = &found["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{} takes no body", operation.id);
    let errors = document.errors(schema, body, "");
    assert!(errors.is_empty(), "{}: {errors:#?}", operation.id);
}

#[test]
fn every_operation_exists() {
    let document = Document::read();
    for operation in operations::ALL {
        let found = document.operation(operation).unwrap_or_else(|| panic!("there is no {}", operation.id));
        assert_eq!(found["operationId"], operation.id);
        let parameters = found["parameters"].as_array().cloned().unwrap_or_default();
        let has = |name: &str, place: &str| parameters.iter().any(|one| one["name"] == name && one["in"] == place);
        for name in operation.query {
            assert!(has(name, "query"), "{} has no parameter `{name}`", operation.id);
        }
        if operation.method == Method::Post {
            assert!(has("idempotency-key", "header"), "{} cannot be repeated", operation.id);
        }
        let holes = operation.path.matches('{').count();
        assert_eq!(parameters.iter().filter(|one| one["in"] == "path").count(), holes, "{}", operation.id);
    }
}

#[test]
fn every_field_that_is_read_exists() {
    let document = Document::read();
    state::check_all(&document);
    // Whether a setting has a field that this client does not know.
    let variants = document.schema("Setting")["oneOf"].as_array().unwrap().clone();
    for variant in &variants {
        let known = ["kind", "on", "most", "most_a_day", "within", "approval", "allowed", "only", "members"];
        let fields = document.resolved(variant)["properties"].as_object().unwrap().clone();
        assert!(fields.keys().all(|field| known.contains(&field.as_str())), "{fields:?}");
    }
    let variants = |name: &str| document.schema(name)["oneOf"].as_array().unwrap().len();
    assert_eq!((variants("LimitSubject"), variants("PolicySource")), (3, 2));
}

#[test]
fn every_column_exists() {
    let document = Document::read();
    for view in views::ALL {
        for column in view.columns {
            let mut schema = document.schema(view.schema);
            for field in column.at.split('/').skip(1) {
                let found = document.field_of(&schema, field);
                schema = found.unwrap_or_else(|| panic!("there is no {}{}", view.schema, column.at));
            }
            let named = |name| document.is(&without_null(&schema), name);
            let types = &document.resolved(&without_null(&schema))["type"];
            let fits = match column.form {
                Form::Amount => named("Credits") || named("Usd"),
                Form::Number => *types == "integer" || named("LimitAmount"),
                Form::Time => named("Time"),
                Form::List => *types == "array",
                Form::Text => *types == "string",
            };
            assert!(fits, "{}{} is no {:?}: {schema}", view.schema, column.at, column.form);
        }
    }
}

#[test]
fn every_word_of_an_audit_record_exists() {
    let document = Document::read();
    for field in crate::commands::audit::SHOWN {
        let schema = document.field("AuditRecord", field);
        assert_eq!(document.resolved(&without_null(&schema))["type"], "string", "{field}");
    }
}

#[test]
fn every_word_exists() {
    let document = Document::read();
    for (name, words) in words::all() {
        assert_eq!(document.schema(name)["enum"], Value::Array(words), "{name}");
    }
}
