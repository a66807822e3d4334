//! The order of a list (RFC 7644 §3.4.2.3).

use jiff::Timestamp;
use serde_json::Value;

use crate::attribute::{Attribute, Kind};
use crate::filter::{folded, timestamp};
use crate::path::AttributePath;
use crate::schema::{Place, ResourceType};

/// By what a list is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The attribute; resources without it come last when ascending.
    pub by: AttributePath,
    /// Which way.
    pub order: Order,
}

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The least first.
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}

/// What is compared. What has no value is greater than all.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Boolean(bool),
    Time(Timestamp),
    Text(String),
    Nothing,
}

impl Sort {
    /// Sorts resources, in their JSON form; equals stay in their order.
    pub fn sort(&self, of: &ResourceType, resources: &mut [Value]) {
        let place = of.resolve(&self.by);
        let key = |resource: &Value| match place {
            Some(Place::Attribute { extension, attribute, sub }) => {
                let holder = extension.map_or(Some(resource), |schema| resource.get(schema.urn));
                holder.map_or(Key::Nothing, |holder| key(holder, attribute, sub))
            }
            _ => Key::Nothing,
        };
        match self.order {
            Order::Ascending => resources.sort_by_cached_key(key),
            Order::Descending => resources.sort_by_cached_key(|resource| std::cmp::Reverse(key(resource))),
        }
    }
}

fn key(holder: &Value, attribute: &'static Attribute, sub: Option<&'static Attribute>) -> Key {
    let value = match holder.get(attribute.name) {
        // Of many values, the primary one counts, or else the first.
        Some(Value::Array(values)) => {
            let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
            primary.or_else(|| values.first())
        }
        value => value,
    };
    let leaf = sub.or_else(|| attribute.compared());
    let value = match (leaf, value) {
        (Some(leaf), Some(Value::Object(parts))) => parts.get(leaf.name),
        (_, value) => value,
    };
    match (leaf, value) {
        (_, Some(Value::Bool(yes))) => Key::Boolean(*yes),
        (Some(leaf), Some(Value::String(text))) => match (leaf.kind, timestamp(text)) {
            (Kind::DateTime, Some(time)) => Key::Time(time),
            _ if leaf.case_exact => Key::Text(text.clone()),
            _ => Key::Text(folded(text)),
        },
        _ => Key::Nothing,
    }
}
