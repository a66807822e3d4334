//! Whatever is patched in whatever way, what comes out is a resource.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::group::Group;
use crate::resource::Resource;
use crate::user::User;

const PATHS: &[&str] = &[
    "userName",
    "displayName",
    "externalId",
    "active",
    "name",
    "name.givenName",
    "emails",
    "emails.value",
    "emails[type eq \"work\"]",
    "emails[type eq \"work\"].value",
    "emails[type eq \"work\" and primary eq true].value",
    "emails[type eq \"home\"].primary",
    "emails[value co \"a\"].type",
    "emails[not (value pr)]",
    "members",
    "members[value eq \"a\"]",
    "members[value eq \"b\"].display",
    "members.value",
    "id",
    "groups",
    "meta",
    "schemas",
    "title",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        select(vec!["", " ", "a", "A", "b", "a@example.com", "work", "home", "True", "false"]).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let names = || {
        let parts = ["value", "type", "primary", "display", "givenName", "department", "manager", "VALUE"];
        select(PATHS.iter().copied().chain(parts).collect::<Vec<_>>())
    };
    leaf().prop_recursive(3, 16, 4, move |inner| {
        let members = proptest::collection::vec((names(), inner.clone()), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn operations() -> impl Strategy<Value = Vec<Value>> {
    let operation = (select(vec!["add", "Replace", "remove"]), proptest::option::of(select(PATHS)), value());
    let operation = operation.prop_map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }));
    proptest::collection::vec(operation, 1..6)
}

fn emails() -> impl Strategy<Value = Value> {
    let email = (select(vec!["a@example.com", "b@example.com"]), select(vec!["work", "home", "other"]));
    let emails = proptest::collection::vec(email, 0..4);
    (emails, any::<usize>()).prop_map(|(emails, primary)| {
        let all = emails.into_iter().enumerate();
        all.map(|(at, (value, kind))| json!({ "value": value, "type": kind, "primary": at == primary % 5 })).collect()
    })
}

fn check<R: Resource + Debug>(before: &R, operations: &[Value]) {
    // One by one, so that one that is refused does not hide the others.
    let mut now = before.clone();
    for operation in operations {
        let patch = Patch::parse(&json!({ "schemas": [Patch::SCHEMA], "Operations": [operation] })).unwrap();
        let Ok(outcome) = now.patch(&patch) else { continue };
        let is = outcome.resource;
        is.validate().unwrap();
        assert_eq!(is.id(), now.id());
        assert_eq!(outcome.changed, is != now, "{operation}");
        // It is in canonical form: sent as a PUT, it changes nothing.
        let json = is.to_json().unwrap();
        assert!(!is.replace(&json).unwrap().changed, "{json} after {operation}");
        now = is;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn users_stay_users(emails in emails(), operations in operations()) {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a", "emails": emails,
        });
        check(&User::create("u", &body).unwrap(), &operations);
    }

    #[test]
    fn groups_stay_groups(members in proptest::collection::vec("[abc]", 0..4), operations in operations()) {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "a", "members": members,
        });
        check(&Group::create("g", &body).unwrap(), &operations);
    }
}
