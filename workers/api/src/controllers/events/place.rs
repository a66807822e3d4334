//! Where somebody is in what they hear: the `id` of each event, by which they
//! come back.

use std::fmt;
use std::str::FromStr;

use ::events::Cursor;
use identity::TeamId;

/// How far each actor is that they listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The organization's.
    pub(super) organization: Option<Cursor>,
    /// The team's, where they hear of one.
    pub(super) team: Option<(TeamId, Cursor)>,
}

/// A text that is no place, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlaceError;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.organization {
            Some(cursor) => cursor.fmt(f)?,
            None => f.write_str("-")?,
        }
        match self.team {
            Some((team, cursor)) => write!(f, ".{team}.{cursor}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let mut parts = text.split('.');
        let cursor = |text: &str| text.parse().map_err(|_| PlaceError);
        let organization = match parts.next() {
            Some("-") => None,
            Some(text) => Some(cursor(text)?),
            None => return Err(PlaceError),
        };
        let team = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(team), Some(at)) => Some((team.parse().map_err(|_| PlaceError)?, cursor(at)?)),
            (Some(_), None) => return Err(PlaceError),
        };
        parts.next().is_none().then_some(Self { organization, team }).ok_or(PlaceError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form() {
        let (cursor, team) = (Cursor { entries: 7, records: 12 }, TeamId::from_u128(1));
        for (place, text) in [
            (Place::default(), "-"),
            (Place { organization: Some(cursor), team: None }, "7-12"),
            (
                Place { organization: Some(cursor), team: Some((team, cursor)) },
                "7-12.team_00000000000000000000000001.7-12",
            ),
            (Place { organization: None, team: Some((team, cursor)) }, "-.team_00000000000000000000000001.7-12"),
        ] {
            assert_eq!(place.to_string(), text);
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
        for text in [
            "",
            "7",
            "x-1",
            "7-12.",
            "7-12.team_1.7-12",
            "7-12.team_00000000000000000000000001",
            "7-12.team_00000000000000000000000001.7-12.x",
        ] {
            assert_eq!(text.parse::<Place>(), Err(PlaceError), "{text}");
        }
    }
}
