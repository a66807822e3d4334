//! Lists: which, in which order, and what of them.

use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::schema::USER;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn users() -> Vec<Value> {
    let user = |id: &str, name: &str, more: Value| {
        let mut user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": name });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    vec![
        user("1", "Carol", json!({"active": true, "emails": [{"value": "0@x"}, {"value": "b@x", "primary": true}]})),
        user("2", "alice", json!({"active": false, ENTERPRISE: {"department": "Sales", "manager": {"value": "1"}}})),
        user(
            "3",
            "Bob",
            json!({"active": true, "emails": [{"value": "a@x", "type": "work"}], "meta": {"created": "2026-01-01T00:00:00+01:00"}}),
        ),
        user("4", "dave", json!({"active": true, "meta": {"created": "2025-12-31T23:30:00Z"}})),
    ]
}

fn ask(parameters: &[(&str, &str)]) -> Value {
    Query::from_parameters(&USER, parameters.iter().copied()).unwrap().answer(&USER, users())
}

#[test]
fn pages_and_orders() {
    for (parameters, total, start, ids) in [
        (&[][..], 4, 1, &["1", "2", "3", "4"][..]),
        (&[("startIndex", "2"), ("count", "2")], 4, 2, &["2", "3"]),
        (&[("startIndex", "4"), ("count", "2")], 4, 4, &["4"]),
        (&[("startIndex", "9")], 4, 9, &[]),
        (&[("startIndex", "0"), ("COUNT", "1")], 4, 1, &["1"]),
        (&[("startIndex", "-3"), ("count", "-1")], 4, 1, &[]),
        (&[("count", "0")], 4, 1, &[]),
        (&[("count", "100000"), ("filter", "")], 4, 1, &["1", "2", "3", "4"]),
        (&[("filter", "userName eq \"ALICE\"")], 1, 1, &["2"]),
        (&[("filter", "active eq true"), ("count", "1"), ("startIndex", "3")], 3, 3, &["4"]),
        (&[("sortBy", "userName")], 4, 1, &["2", "3", "1", "4"]),
        (&[("sortBy", "userName"), ("sortOrder", "Descending"), ("count", "2")], 4, 1, &["4", "1"]),
        // Of many values, the primary one; what has none comes last, or first.
        (&[("sortBy", "emails")], 4, 1, &["3", "1", "2", "4"]),
        (&[("sortBy", "emails.value"), ("sortOrder", "descending")], 4, 1, &["2", "4", "1", "3"]),
        (&[("sortBy", "meta.created")], 4, 1, &["3", "4", "1", "2"]),
        (&[("sortBy", "active")], 4, 1, &["2", "1", "3", "4"]),
        (
            &[("sortBy", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager")],
            4,
            1,
            &["2", "1", "3", "4"],
        ),
        (&[("sortBy", "shoeSize")], 4, 1, &["1", "2", "3", "4"]),
    ] {
        let answer = ask(parameters);
        let found: Vec<_> =
            answer["Resources"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "{parameters:?}");
        assert_eq!(answer["totalResults"], total, "{parameters:?}");
        assert_eq!(answer["startIndex"], start, "{parameters:?}");
        assert_eq!(answer["itemsPerPage"], ids.len(), "{parameters:?}");
        assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    }
}

#[test]
fn sizes() {
    let count = |parameters: &[(&str, &str)]| Query::from_parameters(&USER, parameters.iter().copied()).unwrap().count;
    assert_eq!(count(&[]), DEFAULT_RESULTS);
    assert_eq!(count(&[("count", "200")]), 200);
    assert_eq!(count(&[("count", "201")]), MAX_RESULTS);
}

#[test]
fn projections() {
    let (core, id) = (json!(["urn:ietf:params:scim:schemas:core:2.0:User"]), json!("1"));
    let user = json!({
        "schemas": core,
        "id": id,
        "userName": "a",
        "name": {"givenName": "A", "familyName": "B", "formatted": "A B"},
        "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}],
        ENTERPRISE: {"department": "D", "employeeNumber": "1"},
    });
    for (attributes, excluded, expected) in [
        ("userName", "", json!({"schemas": core, "id": id, "userName": "a"})),
        ("USERNAME, nonsense,", "", json!({"schemas": core, "id": id, "userName": "a"})),
        ("nonsense", "", json!({"schemas": core, "id": id})),
        (
            "name.givenName,name.familyName,emails.value",
            "",
            json!({
                "schemas": core,
                "id": id,
                "name": {"givenName": "A", "familyName": "B"},
                "emails": [{"value": "a@x"}, {"value": "b@x"}],
            }),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "",
            json!({"schemas": core, "id": id, ENTERPRISE: {"department": "D"}}),
        ),
        (ENTERPRISE, "", json!({"schemas": core, "id": id, ENTERPRISE: {"department": "D", "employeeNumber": "1"}})),
        (
            "",
            "id,schemas,name,emails.type,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            json!({
                "schemas": core,
                "id": id,
                "userName": "a",
                "emails": [{"value": "a@x"}, {"value": "b@x"}],
                ENTERPRISE: {"employeeNumber": "1"},
            }),
        ),
        (
            "",
            "emails,name.formatted,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({"schemas": core, "id": id, "userName": "a", "name": {"givenName": "A", "familyName": "B"}}),
        ),
        ("", "", user.clone()),
    ] {
        let projection = Projection::read(Some(attributes), Some(excluded)).unwrap();
        assert_eq!(projection.project(&USER, user.clone()), expected, "{attributes} / {excluded}");
    }
    for (attributes, excluded, wanted) in [
        (None, None, true),
        (Some("groups"), None, true),
        (Some("groups.value"), None, true),
        (Some("userName"), None, false),
        (None, Some("GROUPS"), false),
        (None, Some("groups.display"), true),
    ] {
        let projection = Projection::read(attributes, excluded).unwrap();
        assert_eq!(projection.wants(&USER, "groups"), wanted, "{attributes:?} / {excluded:?}");
    }
}

#[test]
fn a_search_is_a_query() {
    // RFC 7644 §3.4.3, figure 5.
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "attributes": ["displayName", "userName"],
        "filter": "displayName sw \"smith\"",
        "startIndex": 1,
        "count": 10,
    });
    let parameters = [
        ("attributes", "displayName,userName"),
        ("filter", "displayName sw \"smith\""),
        ("startIndex", "1"),
        ("count", "10"),
    ];
    assert_eq!(Query::from_search(&USER, &body).unwrap(), Query::from_parameters(&USER, parameters).unwrap());
}

#[test]
fn refusals() {
    for (name, value, kind) in [
        ("filter", "userName eq", ErrorKind::InvalidFilter),
        ("filter", "active gt true", ErrorKind::InvalidFilter),
        ("count", "many", ErrorKind::InvalidValue),
        ("startIndex", "1.5", ErrorKind::InvalidValue),
        ("sortOrder", "random", ErrorKind::InvalidValue),
        ("sortBy", "user name", ErrorKind::InvalidValue),
    ] {
        let error = Query::from_parameters(&USER, [(name, value)]).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}={value}: {error}");
    }
    let both = [("attributes", "id"), ("excludedAttributes", "name")];
    assert_eq!(Query::from_parameters(&USER, both).unwrap_err().kind(), ErrorKind::InvalidValue);
    let schema = Query::SEARCH_SCHEMA;
    for (body, kind) in [
        (json!({}), ErrorKind::InvalidSyntax),
        (json!({"schemas": [schema], "count": 1.5}), ErrorKind::InvalidValue),
        (json!({"schemas": [schema], "count": true}), ErrorKind::InvalidValue),
        (json!({"schemas": [schema], "filter": 1}), ErrorKind::InvalidValue),
        (json!({"schemas": [schema], "attributes": [1]}), ErrorKind::InvalidValue),
    ] {
        assert_eq!(Query::from_search(&USER, &body).unwrap_err().kind(), kind, "{body}");
    }
}
