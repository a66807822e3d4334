//! Cookies: their names, and what browsers are told about them.

use std::fmt::Write;

use http::{HeaderMap, HeaderValue, header};

/// What is kept in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The session token. Sent when somebody follows a link from elsewhere, so
    /// that they find themselves signed in; whatever changes something needs
    /// the header `x-csrf-token` too.
    Session,
    /// The token by which the session goes on, sent only where that is done.
    Refresh,
    /// What a sign-in is recognised by, sealed.
    Attempt,
}

/// How cookies are kept: over TLS their names begin so that the browser
/// refuses those that were set otherwise (RFC 6265bis, 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jar {
    secure: bool,
}

impl Jar {
    pub(crate) const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn name(self, cookie: Cookie) -> &'static str {
        match (cookie, self.secure) {
            (Cookie::Session, true) => "__Host-alfred-session",
            (Cookie::Session, false) => "alfred-session",
            (Cookie::Refresh, true) => "__Secure-alfred-refresh",
            (Cookie::Refresh, false) => "alfred-refresh",
            (Cookie::Attempt, true) => "__Host-alfred-sign-in",
            (Cookie::Attempt, false) => "alfred-sign-in",
        }
    }

    /// A cookie that the browser sent; none where it sent two, for one of them
    /// is not ours.
    pub(crate) fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(name, _)| *name == self.name(cookie)).map(|(_, value)| value.to_owned());
        let first = found.next().filter(|value| !value.is_empty())?;
        found.next().is_none().then_some(first)
    }

    /// Has the browser keep a value for so long; `None` has it forget.
    pub(crate) fn set(self, headers: &mut HeaderMap, cookie: Cookie, value: Option<(&str, i64)>) {
        let (path, same_site) = match cookie {
            Cookie::Session | Cookie::Attempt => ("/", "Lax"),
            Cookie::Refresh => ("/api/v1/auth", "Strict"),
        };
        let (value, seconds) = value.unwrap_or(("", 0));
        let mut text =
            format!("{}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}", self.name(cookie));
        if self.secure {
            // Writing to a string cannot fail.
            let _ = write!(text, "; Secure");
        }
        if let Ok(line) = HeaderValue::from_str(&text) {
            headers.append(header::SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn reads_its_own_and_only_one() {
        let jar = Jar::new(true);
        for (lines, expected) in [
            (&["a=b; __Host-alfred-session=one"][..], Some("one")),
            (&["__Host-alfred-session=x=y"], Some("x=y")),
            (&["a=b", "__Host-alfred-session=one"], Some("one")),
            (&["__Host-alfred-session=one; __Host-alfred-session=two"], None),
            (&["__Host-alfred-session=one", "__Host-alfred-session=one"], None),
            (&["__Host-alfred-session="], None),
            (&["alfred-session=one"], None),
            (&["x__Host-alfred-session=one"], None),
            (&[], None),
        ] {
            assert_eq!(jar.read(&sent(lines), Cookie::Session).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_the_browser_is_told() {
        let told = |secure, cookie, value| {
            let mut headers = HeaderMap::new();
            Jar::new(secure).set(&mut headers, cookie, value);
            headers[header::SET_COOKIE].to_str().unwrap().to_owned()
        };
        assert_eq!(
            told(true, Cookie::Session, Some(("t", 600))),
            "__Host-alfred-session=t; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            told(true, Cookie::Refresh, Some(("r", 60))),
            "__Secure-alfred-refresh=r; Path=/api/v1/auth; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(told(false, Cookie::Attempt, None), "alfred-sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}
