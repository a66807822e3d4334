//! The examples of RFC 7644 §3.5.2 and what Okta and Entra send.

use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::group::Group;
use crate::resource::Resource;
use crate::user::User;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn patch(operations: Value) -> Patch {
    Patch::parse(&json!({ "schemas": [Patch::SCHEMA], "Operations": operations })).unwrap()
}

fn user() -> User {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "bjensen",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "active": true,
        "emails": [
            { "value": "work@example.com", "type": "work", "primary": true },
            { "value": "home@example.com", "type": "home" },
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Tours" },
    });
    User::create("u1", &body).unwrap()
}

fn group() -> Group {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Guides",
        "members": [{ "value": "a", "display": "A" }, { "value": "b" }],
    });
    Group::create("g1", &body).unwrap()
}

/// What becomes of a resource; of its JSON, what `expected` names.
fn check<R: Resource + std::fmt::Debug>(before: &R, operation: Value, expected: Value) {
    let outcome = before.patch(&patch(json!([operation])));
    let outcome = outcome.unwrap_or_else(|error| panic!("{operation}: {error}"));
    let (was, is) = (before.to_json().unwrap(), outcome.resource.to_json().unwrap());
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(is.get(name).unwrap_or(&Value::Null), value, "`{name}` after {operation}");
    }
    for (name, value) in was.as_object().unwrap() {
        if expected.get(name).is_none() && name != "schemas" {
            assert_eq!(is.get(name), Some(value), "`{name}` after {operation}");
        }
    }
    assert_eq!(outcome.changed, was != is, "{operation}");
}

#[test]
fn users() {
    let work = json!({ "value": "work@example.com", "type": "work", "primary": true });
    let home = json!({ "value": "home@example.com", "type": "home" });
    let nothing = json!({});
    for (operation, expected) in [
        // Single values.
        (json!({"op": "add", "path": "displayName", "value": "Babs"}), json!({"displayName": "Babs"})),
        (json!({"op": "Replace", "path": "DISPLAYNAME", "value": "Babs"}), json!({"displayName": "Babs"})),
        (json!({"OP": "REPLACE", "Path": "active", "Value": false}), json!({"active": false})),
        (json!({"op": "replace", "path": "", "value": {"active": false}}), json!({"active": false})),
        (json!({"op": "replace", "path": "userName", "value": "bjensen"}), nothing.clone()),
        (json!({"op": "remove", "path": "externalId"}), nothing.clone()),
        (json!({"op": "add", "path": "externalId", "value": null}), nothing.clone()),
        (json!({"op": "remove", "path": "name"}), json!({"name": null})),
        (json!({"op": "replace", "path": "name", "value": null}), json!({"name": null})),
        // Parts.
        (
            json!({"op": "replace", "path": "name.familyName", "value": "O'Malley"}),
            json!({"name": {"givenName": "Barbara", "familyName": "O'Malley"}}),
        ),
        (
            json!({"op": "replace", "path": "name", "value": {"familyName": "O'Malley"}}),
            json!({"name": {"givenName": "Barbara", "familyName": "O'Malley"}}),
        ),
        (
            json!({"op": "replace", "path": "name", "value": {"givenName": null, "honorificPrefix": "Ms"}}),
            json!({"name": {"familyName": "Jensen"}}),
        ),
        (json!({"op": "remove", "path": "name.givenName"}), json!({"name": {"familyName": "Jensen"}})),
        // Entra.
        (json!({"op": "Replace", "path": "active", "value": "False"}), json!({"active": false})),
        (json!({"op": "Replace", "value": {"active": "FALSE"}}), json!({"active": false})),
        (
            json!({"op": "Replace", "path": "displayName", "value": [{"$ref": null, "value": "Babs"}]}),
            json!({"displayName": "Babs"}),
        ),
        (
            json!({"op": "Replace", "value": {"displayName": "Babs", "name.givenName": "B", "emails[type eq \"work\"].value": "new@example.com"}}),
            json!({
                "displayName": "Babs",
                "name": {"givenName": "B", "familyName": "Jensen"},
                "emails": [{"value": "new@example.com", "type": "work", "primary": true}, home],
            }),
        ),
        (
            json!({"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "26"}),
            json!({ENTERPRISE: {"department": "Tours", "manager": {"value": "26"}}}),
        ),
        (
            json!({"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "value": 701984}),
            json!({ENTERPRISE: {"department": "Tours", "employeeNumber": "701984"}}),
        ),
        (
            json!({"op": "Replace", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Sales"}}),
            json!({ENTERPRISE: {"department": "Sales"}}),
        ),
        (
            json!({"op": "Add", "value": {ENTERPRISE: {"employeeNumber": "7", "costCenter": "9"}}}),
            json!({ENTERPRISE: {"department": "Tours", "employeeNumber": "7"}}),
        ),
        (
            json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}),
            json!({ENTERPRISE: null}),
        ),
        (json!({"op": "remove", "path": ENTERPRISE}), json!({ENTERPRISE: null})),
        (
            json!({"op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@example.com"}),
            json!({"emails": [work, home, {"value": "o@example.com", "type": "other"}]}),
        ),
        (
            json!({"op": "Add", "path": "emails[type eq \"work\"].value", "value": "w@example.com"}),
            json!({"emails": [{"value": "w@example.com", "type": "work", "primary": true}, home]}),
        ),
        (json!({"op": "Add", "path": format!("{ENTERPRISE}:manager.value"), "value": ""}), nothing.clone()),
        (json!({"op": "Replace", "path": format!("{ENTERPRISE}:manager"), "value": ""}), nothing.clone()),
        // Many values.
        (
            json!({"op": "add", "path": "emails", "value": {"value": "o@example.com", "type": "other"}}),
            json!({"emails": [work, home, {"value": "o@example.com", "type": "other"}]}),
        ),
        (
            json!({"op": "add", "path": "emails", "value": [{"value": "HOME@example.com", "type": "home"}]}),
            json!({"emails": [work, {"value": "HOME@example.com", "type": "home"}]}),
        ),
        (json!({"op": "add", "path": "emails", "value": [home]}), nothing.clone()),
        (json!({"op": "replace", "path": "emails", "value": [home]}), json!({"emails": [home]})),
        (json!({"op": "replace", "path": "emails", "value": []}), json!({"emails": null})),
        (json!({"op": "replace", "value": {"emails": [home]}}), json!({"emails": [home]})),
        (json!({"op": "remove", "path": "emails"}), json!({"emails": null})),
        (json!({"op": "remove", "path": "emails[type eq \"work\"]"}), json!({"emails": [home]})),
        (json!({"op": "remove", "path": "emails[type eq \"work\"].value"}), json!({"emails": [home]})),
        (json!({"op": "remove", "path": "emails[type eq \"fax\"]"}), nothing.clone()),
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "x@example.com"}}),
            json!({"emails": [work, {"value": "x@example.com"}]}),
        ),
        (
            json!({"op": "replace", "path": "emails.type", "value": "other"}),
            json!({"emails": [
                {"value": "work@example.com", "type": "other", "primary": true},
                {"value": "home@example.com", "type": "other"},
            ]}),
        ),
        // What becomes the same is one.
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "Work@example.com", "type": "work"}}),
            json!({"emails": [work]}),
        ),
        // The new primary address takes the place of the old.
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
            json!({"emails": [
                {"value": "work@example.com", "type": "work", "primary": false},
                {"value": "home@example.com", "type": "home", "primary": true},
            ]}),
        ),
        // Unknown, or the server's own beside other things: ignored.
        (json!({"op": "add", "path": "title", "value": "Dr"}), nothing.clone()),
        (json!({"op": "replace", "path": "addresses[type eq \"work\"].formatted", "value": "x"}), nothing.clone()),
        (json!({"op": "add", "path": "urn:example:custom:2.0:User:shoeSize", "value": 44}), nothing.clone()),
        (
            json!({"op": "replace", "value": {"id": "u1", "groups": [], "meta": {}, "schemas": [], "nickName": "B"}}),
            nothing.clone(),
        ),
    ] {
        check(&user(), operation, expected);
    }
}

#[test]
fn groups() {
    let (a, b, c) = (json!({"value": "a", "display": "A"}), json!({"value": "b"}), json!({"value": "c"}));
    for (operation, expected) in [
        (
            json!({"op": "add", "path": "members", "value": [{"display": null, "$ref": null, "value": "c"}]}),
            json!({"members": [a, b, c]}),
        ),
        (json!({"op": "Add", "path": "members", "value": {"value": "c"}}), json!({"members": [a, b, c]})),
        (json!({"op": "add", "path": "members", "value": [{"value": "b"}, {"value": "a"}]}), json!({})),
        (json!({"op": "add", "path": "members", "value": []}), json!({})),
        (json!({"op": "add", "value": {"members": [{"value": "c"}]}}), json!({"members": [a, b, c]})),
        (json!({"op": "remove", "path": "members[value eq \"a\"]"}), json!({"members": [b]})),
        (json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a"}]}), json!({"members": [b]})),
        (json!({"op": "remove", "path": "members", "value": {"value": "a"}}), json!({"members": [b]})),
        (json!({"op": "remove", "path": "members", "value": ["a", "b"]}), json!({"members": null})),
        (json!({"op": "remove", "path": "members", "value": [{"value": "x"}]}), json!({})),
        (json!({"op": "remove", "path": "members", "value": []}), json!({})),
        (json!({"op": "remove", "path": "members"}), json!({"members": null})),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "c"}, {"value": "c"}]}),
            json!({"members": [c]}),
        ),
        // Okta renames a group.
        (
            json!({"op": "replace", "value": {"id": "g1", "displayName": "Tour guides"}}),
            json!({"displayName": "Tour guides"}),
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"b\"].display", "value": "B"}),
            json!({"members": [a, {"value": "b", "display": "B"}]}),
        ),
    ] {
        check(&group(), operation, expected);
    }
}

#[test]
fn refusals() {
    use ErrorKind::{InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget};
    let users = [
        (json!({"op": "remove"}), NoTarget, "operation 1: `path` is missing"),
        (
            json!({"op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x"}),
            NoTarget,
            "none of `emails` is `type eq \"fax\"`",
        ),
        (
            json!({"op": "add", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "x"}),
            NoTarget,
            "none of",
        ),
        (json!({"op": "remove", "path": "userName"}), Mutability, "`userName` is required"),
        (json!({"op": "replace", "path": "userName", "value": null}), Mutability, "`userName` is required"),
        (json!({"op": "replace", "path": "userName", "value": " "}), InvalidValue, "must not be blank"),
        (json!({"op": "remove", "path": "active"}), Mutability, "set it to true or false"),
        (json!({"op": "replace", "value": {"active": null}}), Mutability, "set it to true or false"),
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            InvalidValue,
            "`active` must be true or false, not `\"maybe\"`",
        ),
        (json!({"op": "replace", "path": "id", "value": "u1"}), Mutability, "`id` is the server's to set"),
        (json!({"op": "replace", "value": {"id": "u2"}}), Mutability, "`id` cannot be changed"),
        (
            json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}),
            Mutability,
            "`groups` is the server's to set",
        ),
        (json!({"op": "replace", "path": "meta.version", "value": "x"}), Mutability, "`meta` is the server's to set"),
        (json!({"op": "add", "path": "displayName"}), InvalidValue, "`value` is missing"),
        (json!({"op": "add", "value": "x"}), InvalidValue, "must be an object"),
        (json!({"op": "add", "path": "displayName", "value": {"a": 1}}), InvalidValue, "`displayName` must be a text"),
        (json!({"op": "add", "path": "displayName", "value": "x".repeat(1025)}), InvalidValue, "too long"),
        (json!({"op": "add", "path": "name", "value": "x"}), InvalidValue, "`name` must be an object"),
        (json!({"op": "add", "path": ENTERPRISE, "value": "x"}), InvalidValue, "must be an object of its attributes"),
        (json!({"op": "replace", "path": "userName[value eq \"x\"]", "value": "x"}), InvalidPath, "has one value only"),
        (json!({"op": "remove", "path": "emails[primary gt true]"}), InvalidFilter, "`eq` or `ne`"),
        (json!({"op": "add", "value": {"emails[": "x"}}), InvalidPath, "character 8"),
    ];
    for (operation, kind, message) in users {
        let error = user().patch(&patch(json!([operation]))).unwrap_err();
        assert_eq!(error.kind(), kind, "{operation}: {error}");
        assert!(error.to_string().contains(message), "{operation}: {error}");
    }
    let groups = [
        (
            json!({"op": "replace", "path": "members[value eq \"a\"].value", "value": "c"}),
            Mutability,
            "cannot be changed",
        ),
        (json!({"op": "remove", "path": "displayName"}), Mutability, "required"),
        (
            json!({"op": "add", "path": "members", "value": [{"display": "no id"}]}),
            InvalidValue,
            "each of `members` must have a `value`",
        ),
        (
            json!({"op": "replace", "path": "members.$ref", "value": "x"}),
            Mutability,
            "`members.$ref` is the server's to set",
        ),
    ];
    for (operation, kind, message) in groups {
        let error = group().patch(&patch(json!([operation]))).unwrap_err();
        assert_eq!(error.kind(), kind, "{operation}: {error}");
        assert!(error.to_string().contains(message), "{operation}: {error}");
    }
}

#[test]
fn operations_are_made_in_their_order_or_not_at_all() {
    let before = group();
    let both = patch(json!([
        {"op": "Remove", "path": "members", "value": [{"value": "a"}]},
        {"op": "Add", "path": "members", "value": [{"value": "a"}]},
    ]));
    let after = before.patch(&both).unwrap();
    assert_eq!(after.resource.members.iter().map(|member| member.value.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(after.changed);
    let error = before.patch(&patch(json!([
        {"op": "replace", "path": "displayName", "value": "x"},
        {"op": "remove", "path": "displayName"},
    ])));
    assert!(error.unwrap_err().to_string().starts_with("operation 2: "));
}

#[test]
fn bodies() {
    let one = json!({"op": "remove", "path": "members"});
    assert_eq!(patch(json!([one])).operations().len(), 1);
    assert!(Patch::parse(&json!({ "schemas": [Patch::SCHEMA], "operations": [one] })).is_ok());
    for (body, kind) in [
        (json!([]), ErrorKind::InvalidSyntax),
        (json!({ "Operations": [one] }), ErrorKind::InvalidSyntax),
        (
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "Operations": [one] }),
            ErrorKind::InvalidSyntax,
        ),
        (json!({ "schemas": [Patch::SCHEMA] }), ErrorKind::InvalidSyntax),
        (json!({ "schemas": [Patch::SCHEMA], "Operations": [] }), ErrorKind::InvalidSyntax),
        (json!({ "schemas": [Patch::SCHEMA], "Operations": [{"op": "move", "path": "a"}] }), ErrorKind::InvalidSyntax),
        (json!({ "schemas": [Patch::SCHEMA], "Operations": [{"path": "a"}] }), ErrorKind::InvalidSyntax),
        (json!({ "schemas": [Patch::SCHEMA], "Operations": [{"op": "add", "path": 1}] }), ErrorKind::InvalidSyntax),
        (json!({ "schemas": [Patch::SCHEMA], "Operations": [{"op": "add", "path": "a["}] }), ErrorKind::InvalidPath),
        (
            json!({ "schemas": [Patch::SCHEMA], "Operations": vec![one.clone(); MAX_OPERATIONS + 1] }),
            ErrorKind::InvalidSyntax,
        ),
    ] {
        assert_eq!(Patch::parse(&body).unwrap_err().kind(), kind, "{body}");
    }
}
