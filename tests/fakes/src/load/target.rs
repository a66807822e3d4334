//! Where the load goes: this machine, and nowhere else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, ensure};
use hyper::Uri;

/// A target on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    /// The `host` header.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: Uri,
}

impl Target {
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
        ensure!(uri.scheme_str() == Some("http"), "`{url}` must start with http://");
        let authority = uri.authority().with_context(|| format!("`{url}` names no host"))?;
        let ip = loopback(authority.host()).with_context(|| {
            format!("load goes to this machine only: `{}` is not a loopback address", authority.host())
        })?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            addr: SocketAddr::new(ip, authority.port_u16().unwrap_or(80)),
            host: authority.as_str().to_owned(),
            path: path.parse()?,
        })
    }
}

/// No name is looked up but `localhost`, which is always this machine.
fn loopback(host: &str) -> Option<IpAddr> {
    if host == "localhost" {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let ip: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    ip.is_loopback().then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_a_target() {
        for (url, addr) in [
            ("http://127.0.0.1:8787/v1/models?a=b", "127.0.0.1:8787"),
            ("http://127.1.2.3", "127.1.2.3:80"),
            ("http://[::1]:9", "[::1]:9"),
            ("http://localhost:7/x", "127.0.0.1:7"),
        ] {
            assert_eq!(Target::parse(url).unwrap().addr.to_string(), addr, "{url}");
        }
        for url in [
            "http://192.168.0.1/",
            "http://0.0.0.0:80/",
            "http://[::]:80/",
            "http://[::ffff:8.8.8.8]/",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "https://127.0.0.1/",
            "/v1/models",
            "",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        let refused = Target::parse("http://10.0.0.1/").unwrap_err().to_string();
        assert_eq!(refused, "load goes to this machine only: `10.0.0.1` is not a loopback address");
    }
}
