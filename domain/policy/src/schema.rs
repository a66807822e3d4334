//! The schema that every policy is checked against when it is written.

use std::fmt::Write;
use std::sync::OnceLock;

use cedar_policy::Schema;

use crate::{Action, Area, Kind, PolicyError, Role};

/// The types, in Cedar's own notation. The actions are added to it.
const TYPES: &str = include_str!("types.cedarschema");

/// The whole schema as text, for people who write policies.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(write)
}

fn write() -> String {
    let mut text = String::new();
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let roles: Vec<String> = roles.iter().map(|role| format!("    {role}: Set<Node>,\n")).collect();
    text.push_str(&TYPES.replace("    // the roles\n", &roles.concat()));
    for area in Area::ALL {
        // Writing to a string cannot fail.
        let _ = write!(text, "\naction {};\n", area.as_str());
        for action in Action::ALL.iter().filter(|action| action.area() == *area) {
            // What reports are about comes last, for policies that name none.
            let subjects = action.kinds().iter().filter_map(|kind| kind.subject());
            let mut kinds: Vec<&str> = action.kinds().iter().copied().chain(subjects).map(Kind::as_str).collect();
            kinds.dedup();
            let _ = writeln!(
                text,
                "action {action} in [{}] appliesTo {{ principal: [Operator, AdminKey, Member, ServiceAccount], \
                 resource: [{}], context: Context }};",
                area.as_str(),
                kinds.join(", ")
            );
        }
    }
    text
}

/// The schema, parsed once.
pub(crate) fn schema() -> Result<&'static Schema, PolicyError> {
    static SCHEMA: OnceLock<Result<Schema, String>> = OnceLock::new();
    let parsed = SCHEMA.get_or_init(|| match Schema::from_cedarschema_str(text()) {
        Ok((schema, _warnings)) => Ok(schema),
        Err(error) => Err(error.to_string()),
    });
    parsed.as_ref().map_err(|error| PolicyError::Internal(error.clone()))
}
