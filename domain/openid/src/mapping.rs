//! What groups and addresses make of somebody who signs in.

use serde::{Deserialize, Serialize};

/// Members of a group, as the provider calls it, get something: a role, a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule<T> {
    /// The group's name or id, exactly as the provider sends it.
    pub group: String,
    /// What its members get.
    pub grants: T,
}

/// What these groups get, in the order of the rules: where only one can be
/// had, the first is the one.
pub fn granted<'a, T>(rules: &'a [GroupRule<T>], groups: &'a [String]) -> impl Iterator<Item = &'a T> {
    rules.iter().filter(|rule| groups.contains(&rule.group)).map(|rule| &rule.grants)
}

/// The domain of an email address in lower case, if it is one. A domain in
/// another script is left as it is: `ü.example` is not `xn--tda.example` here.
#[must_use]
pub fn email_domain(email: &str) -> Option<String> {
    // RFC 5321, 4.5.3.1 has 64 and 255 bytes and an `@`, of which 254 fit.
    if email.len() > 254 || email.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (local, domain) = email.split_once('@')?;
    // Anything else could be read as another domain by somebody else.
    let plain = !domain.contains(|c: char| c.is_ascii() && !(c.is_ascii_alphanumeric() || c == '-' || c == '.'));
    let labels = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    (!local.is_empty() && plain && labels).then(|| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_in_the_order_of_the_rules() {
        let rule = |group: &str, grants| GroupRule { group: group.to_owned(), grants };
        let rules = [rule("admins", 1), rule("everyone", 2), rule("admins", 3)];
        let granted = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
            granted(&rules, &groups).copied().collect::<Vec<_>>()
        };
        assert_eq!(granted(&["everyone", "admins"]), [1, 2, 3]);
        assert_eq!(granted(&["everyone"]), [2]);
        assert_eq!(granted(&["Admins", "admin", ""]), [0; 0]);
        assert_eq!(granted(&[]), [0; 0]);
    }

    #[test]
    fn domain_of_an_address() {
        for (email, expected) in [
            ("ada@acme.example", Some("acme.example")),
            ("Ada+x@ACME.Example", Some("acme.example")),
            ("ada@mail.acme.example", Some("mail.acme.example")),
            ("ada@bücher.example", Some("bücher.example")),
            ("ada@xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("ada", None),
            ("@acme.example", None),
            ("ada@", None),
            ("ada@evil.example@acme.example", None),
            ("\"ada@evil.example\"@acme.example", None),
            ("ada@acme.example ", None),
            ("ada@acme.example\n", None),
            ("ada@acme.example.", None),
            ("ada@.acme.example", None),
            ("ada@acme..example", None),
            ("ada@-acme.example", None),
            ("ada@[127.0.0.1]", None),
            ("ada@acme.example(evil)", None),
            ("ada@acme.example/x", None),
            ("", None),
            (&format!("{}@acme.example", "a".repeat(250)), None),
        ] {
            assert_eq!(email_domain(email).as_deref(), expected, "{email:?}");
        }
    }
}
