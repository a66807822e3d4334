//! What is sent and answered about calendars.

use std::collections::BTreeMap;

use ::organization::protocol::Calendar;
use calendars::ics::Rule;
use calendars::mapped::Mapping;
use calendars::{Access, Credentials, Source};
use events::Lends;
use identity::{CalendarId, MemberId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::controllers::absences::ShareBody;
use crate::schema;
use crate::text::{Name, Secret, given};
use crate::time::Time;

/// A new calendar.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCalendar {
    /// Unique in the organization.
    #[schema(value_type = schema::Name)]
    pub(super) name: Name,
    pub(super) source: NewSource,
    /// Whose it is, where the source is about one person.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    pub(super) member_id: Option<MemberId>,
    /// Members by the names or ids that the source has for them. Members whose address for mail it says need not be here.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, schema::MemberId>)]
    pub(super) people: BTreeMap<String, MemberId>,
    /// What of their idle credits others may use meanwhile; all if left out.
    #[serde(default)]
    pub(super) share: Option<ShareBody>,
    /// Only this member may use it, where they are in the same team; if left out, everybody whose calls may draw from
    /// the pool.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    pub(super) delegate_id: Option<MemberId>,
}

/// What shall be different. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarChange {
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    /// Whether it is read. What one that is off has said is over.
    #[serde(default)]
    enabled: Option<bool>,
    /// All of it anew, with its secrets.
    #[serde(default)]
    pub(super) source: Option<NewSource>,
    /// `null` where it is about several people.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<Option<MemberId>>,
    /// All of them anew.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, schema::MemberId>>)]
    people: Option<BTreeMap<String, MemberId>>,
    #[serde(default)]
    share: Option<ShareBody>,
    /// `null` for everybody whose calls may draw from the pool.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::MemberId>)]
    delegate_id: Option<Option<MemberId>>,
}

impl CalendarChange {
    /// All but the source.
    pub(super) fn applied(self, calendar: Calendar) -> Calendar {
        let Lends { share, to } = calendar.lends;
        Calendar {
            name: self.name.map_or(calendar.name, Name::into_string),
            enabled: self.enabled.unwrap_or(calendar.enabled),
            member: self.member_id.unwrap_or(calendar.member),
            people: self.people.unwrap_or(calendar.people),
            lends: Lends { share: self.share.map_or(share, Into::into), to: self.delegate_id.unwrap_or(to) },
            ..calendar
        }
    }
}

/// Where it is written when people are away, with its secrets, which are stored sealed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = NewCalendarSource)]
pub(crate) enum NewSource {
    /// A calendar that is published as iCalendar (RFC 5545).
    Ics {
        /// Its private address: `https://` or `webcal://`.
        #[schema(value_type = schema::CalendarUrl)]
        url: Secret,
        /// Which events are absences; those that are marked as out of office, or by their title, if left out.
        #[serde(default)]
        #[schema(value_type = Option<schema::CalendarRule>)]
        rule: Option<Rule>,
    },
    /// Out-of-office events of Google Calendar.
    GoogleCalendar {
        /// Mostly somebody's address for mail.
        #[schema(value_type = schema::CalendarName)]
        calendar_id: String,
        /// The OAuth client that somebody has allowed to read it (`calendar.events.readonly`).
        #[schema(value_type = schema::ChannelSecret)]
        client_id: Secret,
        #[schema(value_type = schema::ChannelSecret)]
        client_secret: Secret,
        #[schema(value_type = schema::ChannelSecret)]
        refresh_token: Secret,
    },
    /// Automatic replies of Microsoft 365.
    MicrosoftGraph {
        /// Whose: their user principal name or id.
        #[schema(value_type = schema::CalendarName)]
        user: String,
        /// The company's tenant: its id, or a domain.
        #[schema(value_type = schema::CalendarName)]
        tenant: String,
        /// The app that may read them (`MailboxSettings.Read`).
        #[schema(value_type = schema::ChannelSecret)]
        client_id: Secret,
        #[schema(value_type = schema::ChannelSecret)]
        client_secret: Secret,
    },
    /// Who is out, by BambooHR, whose ids of employees go into `people`.
    Bamboohr {
        /// What stands before `.bamboohr.com`.
        #[schema(value_type = schema::CalendarCompany)]
        company: String,
        #[schema(value_type = schema::ChannelSecret)]
        api_key: Secret,
    },
    /// Any other list of absences, as JSON.
    Json {
        #[schema(value_type = schema::CalendarUrl)]
        url: Secret,
        /// Where in it to find what.
        #[schema(value_type = schema::CalendarMapping)]
        mapping: Mapping,
        /// Sent as `Authorization: Bearer …`.
        #[serde(default)]
        #[schema(value_type = Option<schema::ChannelSecret>)]
        token: Option<Secret>,
    },
}

impl NewSource {
    /// As it is kept.
    pub(super) fn access(self) -> Access {
        let key = |key: Secret| Credentials::Key { key: key.into_string() };
        match self {
            Self::Ics { url, rule } => Access {
                source: Source::Ics { url: url.into_string(), rule: rule.unwrap_or_default() },
                credentials: Credentials::Nothing,
            },
            Self::GoogleCalendar { calendar_id, client_id, client_secret, refresh_token } => Access {
                source: Source::GoogleCalendar { calendar_id },
                credentials: Credentials::Refresh {
                    client_id: client_id.into_string(),
                    client_secret: client_secret.into_string(),
                    refresh_token: refresh_token.into_string(),
                },
            },
            Self::MicrosoftGraph { user, tenant, client_id, client_secret } => Access {
                source: Source::MicrosoftGraph { user },
                credentials: Credentials::Client {
                    tenant,
                    client_id: client_id.into_string(),
                    client_secret: client_secret.into_string(),
                },
            },
            Self::Bamboohr { company, api_key } => {
                Access { source: Source::BambooHr { company }, credentials: key(api_key) }
            }
            Self::Json { url, mapping, token } => Access {
                source: Source::Json { url: url.into_string(), mapping },
                credentials: token.map(key).unwrap_or_default(),
            },
        }
    }
}

/// Where it is written when people are away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calendar)]
pub(crate) struct CalendarBody {
    #[schema(value_type = schema::CalendarId)]
    id: CalendarId,
    name: String,
    enabled: bool,
    #[schema(value_type = schema::CalendarKind)]
    kind: String,
    /// Whose it is; `null` where it is about several people.
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Members by the names or ids that the source has for them.
    #[schema(value_type = BTreeMap<String, schema::MemberId>)]
    people: BTreeMap<String, MemberId>,
    share: ShareBody,
    #[schema(value_type = Option<schema::MemberId>)]
    delegate_id: Option<MemberId>,
    /// What came of reading it; `null` before it was.
    last_read: Option<LastRead>,
}

/// What came of reading a calendar.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[schema(as = CalendarRead)]
pub(crate) struct LastRead {
    /// When it was asked last.
    #[schema(value_type = schema::Time)]
    at: Time,
    /// Why it could not be read; `null` where it could.
    error: Option<String>,
    /// What in it may be an absence and could not be read.
    skipped: Vec<String>,
    /// Names of people in it who are no members.
    unknown: Vec<String>,
}

impl CalendarBody {
    pub(super) fn new(calendar: Calendar, last_read: Option<LastRead>) -> Self {
        Self {
            id: calendar.id,
            name: calendar.name,
            enabled: calendar.enabled,
            kind: calendar.kind,
            member_id: calendar.member,
            people: calendar.people,
            share: calendar.lends.share.into(),
            delegate_id: calendar.lends.to,
            last_read,
        }
    }
}
