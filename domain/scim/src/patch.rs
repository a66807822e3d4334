//! PATCH (RFC 7644 §3.5.2).

mod apply;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
mod values;

use serde_json::{Map, Value};

use crate::canonical::{check_schemas, member, object};
use crate::error::{ScimError, invalid_syntax, shown};
use crate::path::Path;
use crate::schema::ResourceType;

/// The most operations of one request. Providers put many members into one
/// operation; with one in each, a thousand on the largest group are twenty
/// million comparisons, a second or two of work.
pub const MAX_OPERATIONS: usize = 1000;

/// Changes to one resource, which are made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    operations: Vec<Operation>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub verb: Verb,
    /// Where; nowhere: at what the names in `value` say.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds values.
    Add,
    /// Sets values.
    Replace,
    /// Removes values.
    Remove,
}

impl Patch {
    /// The schema of its body.
    pub const SCHEMA: &'static str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidPath`.
    pub fn parse(body: &Value) -> Result<Self, ScimError> {
        let body = object(body)?;
        check_schemas(body, Self::SCHEMA)?;
        let operations = match member(body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => return Err(invalid_syntax("`Operations` must be a list of at least one operation")),
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(invalid_syntax(format!("too many operations: send at most {MAX_OPERATIONS} at once")));
        }
        let numbered = operations.iter().enumerate();
        let operations = numbered.map(|(at, one)| operation(one).map_err(|error| error.within(place(at))));
        Ok(Self { operations: operations.collect::<Result<_, _>>()? })
    }

    /// The changes, in their order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Changes a resource's JSON. After an error it may be changed in part.
    pub(crate) fn apply(&self, of: &ResourceType, resource: &mut Map<String, Value>) -> Result<(), ScimError> {
        for (at, operation) in self.operations.iter().enumerate() {
            apply::apply(of, resource, operation).map_err(|error| error.within(place(at)))?;
        }
        Ok(())
    }
}

fn operation(json: &Value) -> Result<Operation, ScimError> {
    let json = json.as_object().ok_or_else(|| invalid_syntax("an operation must be an object"))?;
    let verb = match member(json, "op").and_then(Value::as_str) {
        // Entra writes `Add`.
        Some(op) if op.eq_ignore_ascii_case("add") => Verb::Add,
        Some(op) if op.eq_ignore_ascii_case("replace") => Verb::Replace,
        Some(op) if op.eq_ignore_ascii_case("remove") => Verb::Remove,
        Some(op) => {
            return Err(invalid_syntax(format!("`op` must be `add`, `replace` or `remove`, not `{}`", shown(op))));
        }
        None => return Err(invalid_syntax("`op` must be `add`, `replace` or `remove`")),
    };
    let path = match member(json, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.is_empty() => None,
        Some(Value::String(path)) => Some(Path::parse(path)?),
        Some(_) => return Err(invalid_syntax("`path` must be a text")),
    };
    Ok(Operation { verb, path, value: member(json, "value").cloned() })
}

/// What an error calls the operation.
fn place(at: usize) -> String {
    format!("operation {}", at + 1)
}
