//! What a command works with: the API, and how to show what it answers.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::api::{Api, document, operations as ops};
use crate::arguments::Globals;
use crate::config;
use crate::directory::Directory;
use crate::failure::Failure;
use crate::output::{View, moment};

/// See the module.
pub(crate) struct Session {
    /// Asks.
    pub(crate) api: Api,
    /// Whether scripts read it.
    pub(crate) json: bool,
    /// In which times are shown.
    pub(crate) zone: TimeZone,
}

impl Session {
    /// By what the command line, the environment and the profile say.
    pub(crate) fn open(globals: &Globals) -> Result<Self, Failure> {
        let profile = match (&globals.url, &globals.key) {
            (Some(_), Some(_)) => None,
            _ => config::read(&config::path()?)?.profiles.remove(&globals.profile),
        };
        let (url, key, organization) = match (&globals.url, &globals.key, profile) {
            (Some(url), Some(key), _) => (url.clone(), key.clone(), None),
            (None, key, Some(profile)) => (profile.url, key.clone().unwrap_or(profile.key), profile.organization),
            // A profile's key is for its own address and for no other.
            (Some(url), None, Some(profile)) if same(url, &profile.url) => {
                (profile.url, profile.key, profile.organization)
            }
            (Some(_), None, _) => return Err(Failure::Usage("with --url, give the --key for it, too".to_owned())),
            (None, _, None) => {
                let profile = &globals.profile;
                let message =
                    format!("nobody is logged in as `{profile}`: run `alfred login`, or give --url and --key");
                return Err(Failure::Usage(message));
            }
        };
        let organization = globals.organization.clone().or(organization);
        Ok(Self::of(Api::new(&url, &key, organization), globals))
    }

    /// On an API that is there.
    pub(crate) fn of(api: Api, globals: &Globals) -> Self {
        let zone = if globals.utc { TimeZone::UTC } else { TimeZone::system() };
        Self { api, json: globals.json, zone }
    }

    /// Everybody's names.
    pub(crate) fn directory(&self) -> Result<Directory, Failure> {
        Ok(Directory {
            departments: self.api.all(ops::LIST_DEPARTMENTS, &[])?,
            teams: self.api.all(ops::LIST_TEAMS, &[])?,
            members: self.api.all(ops::LIST_MEMBERS, &[])?,
        })
    }

    /// The names that may be seen: a member sees their own team, and neither
    /// other teams nor members.
    pub(crate) fn neighbours(&self) -> Result<Directory, Failure> {
        Ok(Directory {
            departments: permitted(self.api.all(ops::LIST_DEPARTMENTS, &[]))?,
            teams: permitted(self.api.all(ops::LIST_TEAMS, &[]))?,
            members: permitted(self.api.all(ops::LIST_MEMBERS, &[]))?,
        })
    }

    /// What was typed as a time, for the API.
    pub(crate) fn moment(&self, text: Option<&String>) -> Result<Option<String>, Failure> {
        text.map(|text| moment(text, &self.zone).map_err(Failure::Usage)).transpose()
    }

    /// A list as a table.
    pub(crate) fn rows(&self, view: &View, items: Vec<Value>) -> String {
        if self.json { self.document(&document(items)) } else { view.rows(&items, &self.zone) }
    }

    /// One thing, a line for each field.
    pub(crate) fn card(&self, view: &View, item: &Value) -> String {
        if self.json { self.document(item) } else { view.card(item, &self.zone) }
    }

    /// What was done, in one line; for scripts the API's answer.
    pub(crate) fn done(&self, answer: &Value, line: impl FnOnce() -> String) -> String {
        if self.json { self.document(answer) } else { format!("{}\n", line()) }
    }

    /// JSON for scripts.
    pub(crate) fn document(&self, value: &Value) -> String {
        format!("{value:#}\n")
    }
}

/// None, where that may not be looked at; any other failure stays one.
fn permitted<T>(items: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match items {
        Err(Failure::Refused { status: 403, .. }) => Ok(Vec::new()),
        items => items,
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// A text of an answer, for a line about it.
pub(crate) fn text<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or("?")
}
