//! Where providers of models and issuers of tokens may be.
//!
//! A name can still point to a private address: the platform's fetch does not
//! reach those from its edge. What can be seen in the address itself is
//! refused here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openid::Transport;
use url::{Host, Url};
use worker::Env;

/// How strict the deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Somebody's own machine: they may be anywhere, without TLS too.
    Anywhere,
    /// Everything else, staging included.
    Public,
}

impl Reach {
    /// A deployment's. What is not said to be development is not.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        match env.var("ENVIRONMENT") {
            Ok(name) if name.to_string() == "development" => Self::Anywhere,
            _ => Self::Public,
        }
    }

    /// Over what issuers may be spoken to.
    #[must_use]
    pub const fn transport(self) -> Transport {
        match self {
            Self::Anywhere => Transport::HttpOnLoopback,
            Self::Public => Transport::Https,
        }
    }
}

/// The base address in its usual form, without a slash at the end.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str, reach: Reach) -> Result<String, String> {
    if text.len() > 500 {
        return Err("`base_url` has at most 500 characters".to_owned());
    }
    let url = Url::parse(text)
        .map_err(|error| format!("`base_url` is not an address like `https://api.openai.com/v1`: {error}"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("`base_url` cannot have a query or a fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`base_url` cannot have a user or password: use `api_key` or `headers`".to_owned());
    }
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Anywhere) => {}
        _ => return Err("`base_url` must begin with `https://`".to_owned()),
    }
    check_public(&url, "`base_url`", reach)?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether `what` may be at an address.
///
/// # Errors
/// What is wrong with it.
pub fn check_public(url: &Url, what: &str, reach: Reach) -> Result<(), String> {
    let public = match url.host() {
        None => return Err(format!("{what} names no host")),
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
    };
    if !public && reach == Reach::Public {
        let refused = "must be reachable from the internet: private, local and reserved hosts are refused";
        return Err(format!("{what} {refused}"));
    }
    Ok(())
}

/// Names that only mean something inside of a network.
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let inside = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "home.arpa",
        "svc",
        "test",
        "invalid",
        "onion",
    ];
    let is_inside = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !inside.iter().any(|suffix| is_inside(suffix))
}

/// Addresses of the internet at large (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local() // 169.254.0.0/16: clouds' metadata services too
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation();
    let reserved = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared address space; 100.100.100.200 is a metadata service
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19));
    !special && !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, .., seventh, eighth] = address.segments();
    // Forms that carry a v4 address are as public as that.
    let last = || {
        let [a, b] = seventh.to_be_bytes();
        let [c, d] = eighth.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    match (first, second) {
        (0x64, 0xff9b) => third == 0 && is_public_v4(last()), // NAT64
        (0x2002, _) => {
            let [a, b] = second.to_be_bytes();
            let [c, d] = third.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d)) // 6to4
        }
        (0x2001, 0..=0x1ff) | (0x2001, 0xdb8) => false, // Teredo and other protocols; documentation
        (0x3fff, 0..=0xfff) => false,                   // documentation
        // Everything else that is public is in 2000::/3.
        _ => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for (text, expected) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("https://API.OpenAI.com", "https://api.openai.com"),
            ("https://example.com:8443/x", "https://example.com:8443/x"),
            ("https://1.1.1.1/v1", "https://1.1.1.1/v1"),
            ("https://[2606:4700::1111]/v1", "https://[2606:4700::1111]/v1"),
            ("https://internal.example.com/v1", "https://internal.example.com/v1"),
        ] {
            assert_eq!(check(text, Reach::Public).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn refused_when_deployed() {
        for text in [
            "http://api.openai.com/v1",
            "https://localhost/v1",
            "https://localhost./v1",
            "https://a.localhost/v1",
            "https://metadata.google.internal/v1",
            "https://printer.local/v1",
            "https://router/v1",
            "https://127.0.0.1/v1",
            "https://127.1/v1",
            "https://0x7f000001/v1",
            "https://2130706433/v1",
            "https://0/v1",
            "https://10.1.2.3/v1",
            "https://172.16.0.1/v1",
            "https://192.168.1.1/v1",
            "https://169.254.169.254/latest",
            "https://100.100.100.200/latest",
            "https://198.18.0.1/v1",
            "https://224.0.0.1/v1",
            "https://255.255.255.255/v1",
            "https://[::]/v1",
            "https://[::1]/v1",
            "https://[::ffff:127.0.0.1]/v1",
            "https://[::ffff:a9fe:a9fe]/v1",
            "https://[::127.0.0.1]/v1",
            "https://[64:ff9b::10.0.0.1]/v1",
            "https://[2002:7f00:1::]/v1",
            "https://[2001:db8::1]/v1",
            "https://[2001::1]/v1",
            "https://[fc00::1]/v1",
            "https://[fd00:ec2::254]/latest",
            "https://[fe80::1]/v1",
            "https://[ff02::1]/v1",
            "https://①②⑦.0.0.1/v1",
        ] {
            assert!(check(text, Reach::Public).is_err(), "{text}");
        }
        for text in ["http://127.0.0.1:9000/v1", "http://localhost:9000", "https://[::1]/v1"] {
            assert!(check(text, Reach::Anywhere).is_ok(), "{text}");
        }
    }

    #[test]
    fn refused_everywhere() {
        for text in [
            "",
            "api.openai.com/v1",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://example.com/v1?key=1",
            "https://example.com/v1#x",
            "https://user:pass@example.com/v1",
            "https://user@example.com/v1",
            "https://",
            "javascript:alert(1)",
            &format!("https://example.com/{}", "x".repeat(500)),
        ] {
            assert!(check(text, Reach::Anywhere).is_err(), "{text}");
        }
    }
}
