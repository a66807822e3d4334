//! The grammar, the examples of RFC 7644, and what random texts do.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::schema::{GROUP, USER};

fn user() -> Value {
    json!({
        "id": "2819c223",
        "externalId": "Bjensen",
        "userName": "bjensen@example.com",
        "name": { "familyName": "O'Malley", "givenName": "Barbara" },
        "displayName": "Babs \"B\" Jensen",
        "active": true,
        "emails": [
            { "value": "bjensen@Example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" },
        ],
        "groups": [{ "value": "Engineers", "display": "The engineers" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Tour Operations",
            "manager": { "value": "26118915" },
        },
        "meta": { "resourceType": "User", "lastModified": "2011-05-13T04:42:34Z" },
    })
}

#[test]
fn evaluation() {
    let user = user();
    for (filter, expected) in [
        // The examples of RFC 7644 §3.4.2.2, figure 2.
        (r#"userName Eq "BJENSEN@example.com""#, true),
        (r#"name.familyName co "O'Malley""#, true),
        (r#"userName sw "J""#, false),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B""#, true),
        ("title pr", false),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, false),
        (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified ge "2011-05-13T05:42:34+01:00""#, true),
        (r#"meta.lastModified lt "2011-05-13T04:42:34.5Z""#, true),
        (r#"meta.lastModified le "2011-05-13T04:42:33Z""#, false),
        (r#"title pr and userType eq "Employee""#, false),
        (r#"userName pr or userType eq "Intern""#, true),
        (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, false),
        (r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, false),
        (r#"active eq true and (emails co "example.com" or emails.value co "example.org")"#, true),
        (r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, false),
        (r#"userType ne "Employee" and not (emails co "example.net")"#, true),
        (r#"active eq true and (emails.type eq "work")"#, true),
        (r#"emails[type eq "work" and value co "@example.com"]"#, true),
        (r#"emails[type eq "home" and value co "@example.com"]"#, false),
        (r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, true),
        // Case: of values, as the schema says; of names, never.
        (r#"USERNAME EQ "bjensen@example.com""#, true),
        (r#"id eq "2819C223""#, false),
        (r#"externalId eq "Bjensen""#, true),
        (r#"externalId eq "bjensen""#, false),
        (r#"emails.value eq "BABS@JENSEN.ORG""#, true),
        (r#"groups eq "engineers""#, false),
        (r#"groups.value eq "Engineers""#, true),
        (r#"URN:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ew "operations""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "26118915""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "2""#, false),
        (r#"displayName eq "Babs \"b\" Jensen""#, true),
        (r#"displayName co "\u0022B\u0022""#, true),
        // Precedence: `and` before `or`, `not` before both.
        (r#"active eq true or active eq false and id eq "x""#, true),
        (r#"(active eq true or active eq false) and id eq "x""#, false),
        (r#"not (active eq true) or id eq "2819c223""#, true),
        (r#"not(active eq true or id eq "2819c223")"#, false),
        // Booleans, as they are and as Entra writes them.
        ("active eq True", true),
        ("active ne true", false),
        (r#"active eq "True""#, true),
        (r#"active eq "false""#, false),
        (r#"emails[primary eq true].value eq "bjensen@example.com""#, true),
        (r#"emails[type eq "home"].value eq "bjensen@example.com""#, false),
        // What is not there.
        ("externalId eq null", false),
        ("externalId ne null", true),
        ("nickName eq null", true),
        ("nickName ne null", false),
        (r#"nickName eq "x""#, false),
        (r#"nickName ne "x""#, true),
        ("name.formatted pr", false),
        (r#"name.formatted ne "x""#, true),
        ("name pr", true),
        ("emails pr", true),
        (r#"userName eq 5"#, false),
        (r#"userName ne 5"#, true),
        (r#"urn:example:unknown:User:department pr"#, false),
        // Order of texts.
        (r#"userName gt "A""#, true),
        (r#"userName lt "A""#, false),
    ] {
        let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
        assert!(parsed.check(&USER).is_ok(), "{filter}");
        assert_eq!(parsed.matches(&user, &USER), expected, "{filter}");
    }
}

#[test]
fn of_groups() {
    let group = json!({ "id": "g", "displayName": "Tour Guides", "members": [{ "value": "u1" }, { "value": "u2" }] });
    for (filter, expected) in [
        (r#"displayName eq "tour guides""#, true),
        (r#"id eq "g" and members eq "u2""#, true),
        (r#"members[value eq "u3"]"#, false),
        (r#"userName ne "x""#, true),
    ] {
        assert_eq!(Filter::parse(filter).unwrap().matches(&group, &GROUP), expected, "{filter}");
    }
}

#[test]
fn what_does_not_parse_says_where() {
    for (filter, message) in [
        ("", "at character 1: expected an attribute's name"),
        ("userName", "at character 9: expected an operator such as `eq`"),
        ("userName is", "at character 10: expected an operator such as `eq`"),
        ("userName eq", "at character 12: expected a value"),
        ("userName eq bjensen", "at character 13: expected a value"),
        (r#"userName eq "bjensen"#, "at character 13: expected a value"),
        (r#"userName eq "\x""#, "at character 13: expected a value"),
        ("userName eq 'bjensen'", "at character 13: expected a value"),
        ("userName eq 01", "at character 13: expected a value"),
        ("(userName pr", "at character 13: expected `)`"),
        ("userName pr)", "at character 12: expected the end"),
        ("userName pr and", "at character 16: expected an attribute's name"),
        ("userName pr userName pr", "at character 13: expected the end"),
        ("not userName pr", "at character 5: expected an operator such as `eq`"),
        ("emails[type pr", "at character 15: expected `]`"),
        ("emails[a[b pr]]", "at character 9: expected an operator such as `eq`"),
        (r#"displayName eq "é" and"#, "at character 23: expected an attribute's name"),
    ] {
        let error = Filter::parse(filter).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidFilter, "{filter}");
        assert!(error.to_string().contains(message), "{filter}: {error}");
    }
}

#[test]
fn bounds() {
    let nested = |depth: usize| format!("{}id pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(MAX_FILTER_DEPTH)).is_ok());
    assert!(Filter::parse(&nested(MAX_FILTER_DEPTH + 1)).unwrap_err().to_string().contains("deep"));
    let within = format!("{}a[id pr]{}", "(".repeat(MAX_FILTER_DEPTH), ")".repeat(MAX_FILTER_DEPTH));
    assert!(Filter::parse(&within).is_err());
    let long = |bytes: usize| format!(r#"id eq "{}""#, "x".repeat(bytes - 8));
    assert!(Filter::parse(&long(MAX_FILTER_BYTES)).is_ok());
    assert!(Filter::parse(&long(MAX_FILTER_BYTES + 1)).unwrap_err().to_string().contains("too long"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    for (filter, message) in [
        ("active gt true", "compare it with `eq` or `ne`, not `gt`"),
        (r#"not (id pr or active co "t")"#, "compare it with `eq` or `ne`, not `co`"),
        (r#"emails[primary sw "t"]"#, "compare it with `eq` or `ne`, not `sw`"),
        (r#"meta.lastModified gt "yesterday""#, "write it like"),
        (r#"name eq "x""#, "`name` has parts"),
        (r#"userName[value eq "x"]"#, "has no parts"),
    ] {
        let error = Filter::parse(filter).unwrap().check(&USER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidFilter, "{filter}");
        assert!(error.to_string().contains(message), "{filter}: {error}");
    }
}

#[test]
fn lookups() {
    for (filter, expected) in [
        (r#"userName eq "a""#, Some(Lookup::UserName("a"))),
        (r#"(USERNAME EQ "a")"#, Some(Lookup::UserName("a"))),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#, Some(Lookup::UserName("a"))),
        (r#"externalId eq "a""#, Some(Lookup::ExternalId("a"))),
        (r#"displayName eq "a""#, Some(Lookup::DisplayName("a"))),
        (r#"id eq "a""#, Some(Lookup::Id("a"))),
        (r#"userName ne "a""#, None),
        (r#"userName eq null"#, None),
        (r#"not (userName eq "a")"#, None),
        (r#"userName eq "a" or id eq "b""#, None),
        (r#"emails eq "a""#, None),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName eq "a""#, None),
    ] {
        assert_eq!(Filter::parse(filter).unwrap().lookup(&USER), expected, "{filter}");
    }
    let filter = Filter::parse(r#"userName eq "a""#).unwrap();
    assert_eq!(filter.lookup(&GROUP), None);
}

fn path() -> impl Strategy<Value = AttributePath> {
    let name = || {
        prop_oneof!["[a-z][A-Za-z0-9_-]{0,5}", Just("not".to_owned()), Just("and".to_owned()), Just("$ref".to_owned())]
    };
    let urn = proptest::option::of("urn:[a-z]{1,4}:[0-9]\\.[0-9]:User");
    (urn, name(), proptest::option::of(name())).prop_map(|(urn, name, sub)| AttributePath { urn, name, sub })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(|text| Literal::Text(text.chars().take(12).collect())),
        "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?".prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn comparison() -> impl Strategy<Value = Filter> {
    let operator = proptest::sample::select(&Operator::ALL[..]);
    prop_oneof![
        path().prop_map(Filter::Present),
        (path(), operator, literal()).prop_map(|(path, operator, literal)| Filter::Compare(path, operator, literal)),
    ]
}

fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let element = (path(), joined(comparison()))
        .prop_map(|(path, inner)| Filter::Element(AttributePath { sub: None, ..path }, Box::new(inner)));
    joined(prop_oneof![3 => comparison(), 1 => element])
}

/// Texts that are almost filters.
fn soup() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "userName", "emails", "eq", "pr", "co", "and", "or", "not", "(", ")", "[", "]", ".", "\"x\"", "\"", "\\", "1",
        "true", "urn:a:b:", " ", "é", "type", "$ref", "-",
    ]);
    let gap = proptest::sample::select(vec!["", " "]);
    proptest::collection::vec((word, gap), 0..24)
        .prop_map(|words| words.into_iter().map(|(word, gap)| format!("{word}{gap}")).collect())
}

proptest! {
    #[test]
    fn printed_filters_parse_to_the_same(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_FILTER_BYTES);
        prop_assert_eq!(Filter::parse(&text).unwrap(), filter, "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![soup(), any::<String>()]) {
        let _ = crate::Path::parse(&text);
        if let Ok(filter) = Filter::parse(&text) {
            let _ = (filter.check(&USER), filter.matches(&user(), &USER), filter.lookup(&USER));
            prop_assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
        }
    }
}
