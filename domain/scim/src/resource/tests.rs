//! POST and PUT, with the bodies of RFC 7643 §8 and those that Okta and
//! Entra send.

use serde_json::json;

use super::*;
use crate::group::Group;
use crate::user::User;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn shown<R: Resource + std::fmt::Debug>(body: &Value) -> Value {
    let json = R::create("x1", body).unwrap().to_json().unwrap();
    // What was answered, sent back, is the same again.
    let before = R::create("x1", body).unwrap();
    assert_eq!(before.replace(&json).unwrap(), Outcome { resource: before, changed: false });
    json
}

#[test]
fn users_are_made_of_what_providers_send() {
    for (body, expected) in [
        // RFC 7643 §8.3, shortened; what is not kept is ignored.
        (
            json!({
                "schemas": [USER, ENTERPRISE],
                "id": "2819c223-7f76-453a-919d-413861904646",
                "externalId": "701984",
                "userName": "bjensen@example.com",
                "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane"},
                "displayName": "Babs Jensen",
                "nickName": "Babs",
                "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}, {"value": "babs@jensen.org", "type": "home"}],
                "addresses": [{"type": "work", "locality": "Hollywood"}],
                "active": true,
                "password": "t1meMa$heen",
                "groups": [{"value": "e9e30dba", "display": "Tour Guides"}],
                "x509Certificates": [{"value": "MIID"}],
                ENTERPRISE: {
                    "employeeNumber": "701984",
                    "costCenter": "4130",
                    "department": "Tour Operations",
                    "manager": {"value": "26118915", "$ref": "../Users/26118915", "displayName": "John Smith"},
                },
                "meta": {"resourceType": "User", "version": "W/\"a330bc54f0671c9\""},
            }),
            json!({
                "schemas": [USER, ENTERPRISE],
                "id": "x1",
                "externalId": "701984",
                "userName": "bjensen@example.com",
                "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara"},
                "displayName": "Babs Jensen",
                "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}, {"value": "babs@jensen.org", "type": "home"}],
                "active": true,
                ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations", "manager": {"value": "26118915"}},
            }),
        ),
        // Okta's.
        (
            json!({
                "schemas": [USER],
                "userName": "test.user@okta.local",
                "name": {"givenName": "Test", "familyName": "User"},
                "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
                "displayName": "Test User",
                "locale": "en-US",
                "externalId": "00ujl29u0le5T6Aj10h7",
                "groups": [],
                "password": "1mz050nq",
                "active": true,
            }),
            json!({
                "schemas": [USER],
                "id": "x1",
                "userName": "test.user@okta.local",
                "name": {"givenName": "Test", "familyName": "User"},
                "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
                "displayName": "Test User",
                "externalId": "00ujl29u0le5T6Aj10h7",
                "active": true,
            }),
        ),
        // Entra's.
        (
            json!({
                "schemas": [USER, ENTERPRISE],
                "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
                "active": "True",
                "emails": [{"primary": true, "type": "work", "value": "Test_User@testuser.com"}],
                "meta": {"resourceType": "User"},
                "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
                "roles": [],
            }),
            json!({
                "schemas": [USER],
                "id": "x1",
                "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
                "active": true,
                "emails": [{"primary": true, "type": "work", "value": "Test_User@testuser.com"}],
                "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
            }),
        ),
        // Names in any case, nulls and blanks.
        (
            json!({
                "SCHEMAS": [USER.to_uppercase()],
                "USERNAME": "a",
                "name": {"GIVENNAME": "A", "familyName": null},
                "displayName": null,
                "emails": [{"value": "", "type": "work"}, {"value": null}, "a@b", {"value": "A@B"}],
                ENTERPRISE: {"manager": {"value": ""}, "department": null},
            }),
            json!({
                "schemas": [USER],
                "id": "x1",
                "userName": "a",
                "name": {"givenName": "A"},
                "active": true,
                "emails": [{"value": "A@B"}],
            }),
        ),
    ] {
        assert_eq!(shown::<User>(&body), expected);
    }
}

#[test]
fn groups_are_made_of_what_providers_send() {
    for (body, expected) in [
        (
            json!({
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "externalId": "8aa1a0c0",
                "displayName": "displayName",
                "meta": {"resourceType": "Group"},
            }),
            json!({"schemas": [GROUP], "id": "x1", "externalId": "8aa1a0c0", "displayName": "displayName"}),
        ),
        (
            json!({
                "schemas": [GROUP],
                "displayName": "Tour Guides",
                "members": [
                    {"value": "2819", "$ref": "../Users/2819", "display": "Babs", "type": "User"},
                    {"value": "902c"},
                    {"value": "2819"},
                ],
            }),
            json!({
                "schemas": [GROUP],
                "id": "x1",
                "displayName": "Tour Guides",
                "members": [{"value": "2819", "display": "Babs", "type": "User"}, {"value": "902c"}],
            }),
        ),
    ] {
        assert_eq!(shown::<Group>(&body), expected);
    }
}

#[test]
fn refusals() {
    use ErrorKind::{InvalidSyntax, InvalidValue};
    let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    let many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    for (body, kind, message) in [
        (json!("x"), InvalidSyntax, "must be a JSON object"),
        (json!({"userName": "a"}), InvalidSyntax, "`schemas` must have `urn:ietf:params:scim:schemas:core:2.0:User`"),
        (json!({"schemas": [GROUP], "userName": "a"}), InvalidSyntax, "`schemas` must have"),
        (json!({"schemas": [USER]}), InvalidValue, "`userName` is required"),
        (json!({"schemas": [USER], "userName": null}), InvalidValue, "`userName` is required"),
        (json!({"schemas": [USER], "userName": "  "}), InvalidValue, "must not be blank"),
        (json!({"schemas": [USER], "userName": true}), InvalidValue, "`userName` must be a text, not `true`"),
        (json!({"schemas": [USER], "userName": "x".repeat(1025)}), InvalidValue, "too long"),
        (json!({"schemas": [USER], "userName": "a", "active": "yes"}), InvalidValue, "`active` must be true or false"),
        (json!({"schemas": [USER], "userName": "a", "active": 1}), InvalidValue, "`active` must be true or false"),
        (json!({"schemas": [USER], "userName": "a", "name": "A"}), InvalidValue, "`name` must be an object"),
        (
            json!({"schemas": [USER], "userName": "a", "name": {"givenName": []  , "familyName": [1, 2]}}),
            InvalidValue,
            "`name`: `familyName` must be a text",
        ),
        (json!({"schemas": [USER], "userName": "a", "emails": true}), InvalidValue, "`emails` must be an object"),
        (json!({"schemas": [USER], "userName": "a", "emails": two}), InvalidValue, "two that are primary"),
        (json!({"schemas": [USER], "userName": "a", "emails": many}), InvalidValue, "too many values"),
        (json!({"schemas": [USER], "userName": "a", ENTERPRISE: []}), InvalidValue, "must be an object"),
    ] {
        let error = User::create("x", &body).unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.to_string().contains(message), "{body}: {error}");
    }
    let nobody = json!({"schemas": [GROUP], "displayName": "g", "members": [{"display": "?"}]});
    assert!(Group::create("x", &nobody).unwrap_err().to_string().contains("must have a `value`"));
}

#[test]
fn put_clears_what_is_left_out() {
    let body = json!({
        "schemas": [USER],
        "userName": "a",
        "displayName": "A",
        "active": false,
        "emails": ["a@b"],
        ENTERPRISE: {"department": "D"},
    });
    let mut user = User::create("u1", &body).unwrap();
    user.groups = vec![crate::GroupReference { value: "g1".into(), ..Default::default() }];
    let user = user.stamped("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "https://x/scim/v2/").unwrap();
    let put = json!({"schemas": [USER], "id": "u1", "userName": "b", "groups": [], "meta": null});
    let after = user.replace(&put).unwrap();
    let expected =
        User { user_name: "b".into(), display_name: None, emails: Vec::new(), enterprise: None, ..user.clone() };
    assert_eq!(after, Outcome { resource: expected, changed: true });
    assert!(!after.resource.active, "nobody said that the person may come back");
    let other = json!({"schemas": [USER], "id": "u2", "userName": "b"});
    assert_eq!(user.replace(&other).unwrap_err().kind(), ErrorKind::Mutability);
}

#[test]
fn meta_and_versions() {
    let made = |name: &str| User::create("u1", &json!({"schemas": [USER], "userName": name})).unwrap();
    let user = made("a").stamped("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "https://x/scim/v2/").unwrap();
    let version = user.version().unwrap();
    // Providers keep versions: a change of form makes each look changed.
    assert_eq!(version, "W/\"iXMXaDBs5VmSOB27db1_Dw\"");
    let meta = json!({
        "resourceType": "User",
        "created": "2026-01-01T00:00:00Z",
        "lastModified": "2026-01-02T00:00:00Z",
        "location": "https://x/scim/v2/Users/u1",
        "version": version,
    });
    assert_eq!(user.to_json().unwrap()["meta"], meta);
    assert_eq!(made("a").version().unwrap(), version, "it does not depend on `meta`");
    assert_ne!(made("b").version().unwrap(), version);
    for (header, same) in [
        (version.as_str(), true),
        (version.trim_start_matches("W/"), true),
        ("*", true),
        (&format!("W/\"x\", {version}"), true),
        ("W/\"x\"", false),
        ("", false),
    ] {
        assert_eq!(is_version(header, &version), same, "{header}");
    }
}

#[test]
fn stored_form_is_pinned() {
    // Directories keep users in this form.
    let stored = json!({
        "id": "u1",
        "externalId": "e",
        "userName": "a",
        "name": {"formatted": "f", "familyName": "l", "givenName": "g"},
        "displayName": "d",
        "active": false,
        "emails": [{"value": "v", "display": "d", "type": "work", "primary": true}],
        ENTERPRISE: {"employeeNumber": "1", "department": "d", "manager": {"value": "m"}},
    });
    let user: User = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&user).unwrap(), stored);
    let stored = json!({
        "id": "g1",
        "externalId": "e",
        "displayName": "d",
        "members": [{"value": "u1", "display": "d", "type": "User"}],
    });
    let group: Group = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&group).unwrap(), stored);
}
