//! Where absences come from, as somebody configures it.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::ics::{Rule, RuleError, Whose};
use crate::mapped::{Mapping, MappingError};
use crate::request::https;

/// Longer addresses are mistakes.
const MAX_URL: usize = 2_000;
/// An e-mail address has at most 254, Google's ids of calendars some 90.
const MAX_ID: usize = 320;

/// A source of absences, without its credentials. Its `Debug` leaves out
/// addresses: the private address of a calendar is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A calendar that is published as iCalendar ([`ics`](crate::ics)).
    Ics {
        /// Where it is: `https://` or `webcal://`.
        url: String,
        /// Which events are absences.
        #[serde(default)]
        rule: Rule,
    },
    /// Out-of-office events of Google Calendar ([`google`](crate::google)).
    GoogleCalendar {
        /// Mostly somebody's e-mail address.
        calendar_id: String,
    },
    /// Automatic replies of Microsoft 365 ([`graph`](crate::graph)).
    MicrosoftGraph {
        /// Whose: their user principal name or id.
        user: String,
    },
    /// Who is out, by BambooHR ([`bamboohr`](crate::bamboohr)).
    #[serde(rename = "bamboohr")]
    BambooHr {
        /// The company's subdomain there.
        company: String,
    },
    /// Any other list of absences as JSON ([`mapped`](crate::mapped)).
    Json {
        /// Where it is: `https://`.
        url: String,
        /// Where in it to find what.
        mapping: Mapping,
    },
}

/// Why a source cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No address, or none of a kind that is spoken.
    #[error(
        "`{0}` is not an address that absences can be fetched from: expected one such as `https://calendar.example.com/ada.ics`"
    )]
    Url(String),
    /// It would be sent in the clear.
    #[error("`{0}` would be fetched without encryption: use an `https://` address")]
    Insecure(String),
    /// A name or password in it.
    #[error("the address of `{0}` contains a user name or a password: give credentials by themselves")]
    Credentials(String),
    /// Nothing after `#` is ever sent.
    #[error("the address of `{0}` contains `#`: copy the address of the feed, not of the page that shows it")]
    Fragment(String),
    /// It cannot be what it should be.
    #[error("`{id}` is not {what}")]
    Id {
        /// What was typed.
        id: String,
        /// What it should be.
        what: &'static str,
    },
    /// The rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

impl Source {
    /// Checks what somebody typed. `allow_loopback` lets `http` in, to this
    /// machine only: for development.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn check(&self, allow_loopback: bool) -> Result<(), SourceError> {
        match self {
            Self::Ics { url, rule } => {
                check_url(&https(url), allow_loopback)?;
                Ok(rule.check()?)
            }
            Self::GoogleCalendar { calendar_id } => {
                check_id(calendar_id, "the id of a Google calendar: mostly it is an e-mail address")
            }
            Self::MicrosoftGraph { user } => {
                check_id(user, "a user of Microsoft 365: use their user principal name or id")
            }
            Self::BambooHr { company } => {
                let plain = |byte: u8| byte == b'-' || byte.is_ascii_alphanumeric();
                if !company.is_empty() && company.len() <= 63 && company.bytes().all(plain) {
                    return Ok(());
                }
                let what = "a company's name at BambooHR: use what stands before `.bamboohr.com`";
                Err(SourceError::Id { id: short(company), what })
            }
            Self::Json { url, mapping } => {
                check_url(url, allow_loopback)?;
                Ok(mapping.check()?)
            }
        }
    }

    /// Whether all its absences are one person's, whose name it does not say.
    #[must_use]
    pub fn is_one_person(&self) -> bool {
        match self {
            Self::Ics { rule, .. } => rule.whose == Whose::Owner,
            Self::GoogleCalendar { .. } | Self::MicrosoftGraph { .. } => true,
            Self::BambooHr { .. } => false,
            Self::Json { mapping, .. } => mapping.who.is_none(),
        }
    }

    /// The `kind` in its configuration.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ics { .. } => "ics",
            Self::GoogleCalendar { .. } => "google_calendar",
            Self::MicrosoftGraph { .. } => "microsoft_graph",
            Self::BambooHr { .. } => "bamboohr",
            Self::Json { .. } => "json",
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, …)", self.kind())
    }
}

fn check_url(text: &str, allow_loopback: bool) -> Result<(), SourceError> {
    let no_url = || SourceError::Url(short(text));
    if text.len() > MAX_URL || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(no_url());
    }
    let url = Url::parse(text).map_err(|_| no_url())?;
    // Only the host is shown: the rest may be a secret.
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(no_url)?.to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SourceError::Credentials(host));
    }
    if url.fragment().is_some() {
        return Err(SourceError::Fragment(host));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_loopback && is_loopback(&url) => Ok(()),
        "http" => Err(SourceError::Insecure(host)),
        _ => Err(no_url()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// It becomes a segment of a path, which `.` and `..` cannot be.
pub(crate) fn check_id(id: &str, what: &'static str) -> Result<(), SourceError> {
    let strange = |c: char| c.is_whitespace() || c.is_control();
    if id.is_empty() || id.len() > MAX_ID || id.contains(strange) || id.bytes().all(|byte| byte == b'.') {
        return Err(SourceError::Id { id: short(id), what });
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
