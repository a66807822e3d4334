//! Names in place of ids.

use std::collections::BTreeMap;

use identity::{DepartmentId, MemberId, TeamId};
use serde_json::Value;

use crate::apply::state::{Department, Member, Team};
use crate::failure::Failure;

/// Everybody's names.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) departments: Vec<Department>,
    pub(crate) teams: Vec<Team>,
    pub(crate) members: Vec<Member>,
}

/// A place that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Department(DepartmentId),
    Team(TeamId),
    Member(MemberId, TeamId),
}

impl Place {
    /// Its id.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Department(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
            Self::Member(id, _) => id.to_string(),
        }
    }
}

/// Something that can be said of a place: what it is, its id, its path, and other names for it.
struct Named {
    place: Place,
    path: String,
    names: Vec<String>,
}

impl Directory {
    /// The path of a team: its department's name and its own.
    pub(crate) fn team_path(&self, team: &Team) -> String {
        let department = self.departments.iter().find(|department| department.id == team.department_id);
        match department {
            Some(department) => format!("{}/{}", department.name, team.name),
            None => team.name.clone(),
        }
    }

    /// The path of a member: their team's path and their name.
    pub(crate) fn member_path(&self, member: &Member) -> String {
        match self.teams.iter().find(|team| team.id == member.team_id) {
            Some(team) => format!("{}/{}", self.team_path(team), member.name),
            None => member.name.clone(),
        }
    }

    fn named(&self) -> impl Iterator<Item = Named> + '_ {
        let departments = self.departments.iter().map(|department| Named {
            place: Place::Department(department.id),
            path: department.name.clone(),
            names: Vec::new(),
        });
        let teams = self.teams.iter().map(|team| Named {
            place: Place::Team(team.id),
            path: self.team_path(team),
            names: vec![team.name.clone()],
        });
        let members = self.members.iter().map(|member| {
            let team = self.teams.iter().find(|team| team.id == member.team_id);
            let short = team.map(|team| format!("{}/{}", team.name, member.name));
            let names = [Some(member.name.clone()), member.email.clone(), short];
            Named {
                place: Place::Member(member.id, member.team_id),
                path: self.member_path(member),
                names: names.into_iter().flatten().collect(),
            }
        });
        departments.chain(teams).chain(members)
    }

    /// What a name, a path or an id means, of those that `fits`.
    fn find(&self, text: &str, what: &str, fits: impl Fn(&Place) -> bool) -> Result<Place, Failure> {
        let all: Vec<Named> = self.named().filter(|named| fits(&named.place)).collect();
        let exact = all.iter().filter(|named| named.path == text || named.place.id() == text);
        let mut found: Vec<&Named> = exact.collect();
        if found.is_empty() {
            found = all.iter().filter(|named| named.names.iter().any(|name| name == text)).collect();
        }
        match found.as_slice() {
            [one] => Ok(one.place.clone()),
            [] => Err(Failure::Here(format!("there is no {what} `{text}`, or you cannot see it"))),
            several => {
                let several: Vec<_> = several.iter().map(|one| format!("{} ({})", one.path, one.place.id())).collect();
                Err(Failure::Here(format!("`{text}` could be {}: write its path or id", several.join(" or "))))
            }
        }
    }

    /// Where credits are, as the API names it.
    pub(crate) fn node(&self, text: &str) -> Result<String, Failure> {
        if text == "treasury" {
            return Ok(text.to_owned());
        }
        self.find(text, "department, team or member", |_| true).map(|place| place.id())
    }

    /// A member or a team's pool, between which credits are sent. Ids need not
    /// be among what can be seen.
    pub(crate) fn purse(&self, text: &str) -> Result<String, Failure> {
        if text.parse::<MemberId>().is_ok() || text.parse::<TeamId>().is_ok() {
            return Ok(text.to_owned());
        }
        let found = self.find(text, "member or team", |place| !matches!(place, Place::Department(_)));
        if self.members.is_empty() && found.is_err() {
            let message = format!("you cannot see who `{text}` is: write their id, like mem_…, or a team's");
            return Err(Failure::Here(message));
        }
        found.map(|place| place.id())
    }

    /// A department.
    pub(crate) fn department(&self, text: &str) -> Result<String, Failure> {
        self.find(text, "department", |place| matches!(place, Place::Department(_))).map(|place| place.id())
    }

    /// A team.
    pub(crate) fn team(&self, text: &str) -> Result<String, Failure> {
        self.find(text, "team", |place| matches!(place, Place::Team(_))).map(|place| place.id())
    }

    /// A member, and their team.
    pub(crate) fn member(&self, text: &str) -> Result<(String, String), Failure> {
        match self.find(text, "member", |place| matches!(place, Place::Member(..)))? {
            Place::Member(id, team) => Ok((id.to_string(), team.to_string())),
            _ => Err(Failure::Here(format!("`{text}` is no member"))),
        }
    }

    /// A department or a team.
    pub(crate) fn branch(&self, text: &str) -> Result<String, Failure> {
        self.find(text, "department or team", |place| !matches!(place, Place::Member(..))).map(|place| place.id())
    }

    /// The paths of everything, by id.
    pub(crate) fn paths(&self) -> Paths {
        Paths(self.named().map(|named| (named.place.id(), named.path)).collect())
    }
}

/// Paths by id.
pub(crate) struct Paths(BTreeMap<String, String>);

impl Paths {
    /// The item with paths in the place of these fields' ids.
    pub(crate) fn put(&self, mut item: Value, fields: &[&str]) -> Value {
        for field in fields {
            let Some(value) = item.get_mut(*field) else { continue };
            if let Some(path) = value.as_str().and_then(|id| self.0.get(id)) {
                *value = Value::from(path.as_str());
            }
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::testing;

    #[test]
    fn names() {
        let directory = testing::directory();
        let id = |result: Result<String, Failure>| result.map_err(|failure| failure.to_string());
        let vision = directory.teams[1].id.to_string();
        for text in ["Vision", "Research/Vision", &vision] {
            assert_eq!(id(directory.team(text)), Ok(vision.clone()), "{text}");
            assert_eq!(id(directory.node(text)), Ok(vision.clone()), "{text}");
        }
        let alan = directory.members[1].id.to_string();
        for text in ["alan", "Vision/alan", "Research/Vision/alan", "alan@acme.example", &alan] {
            assert_eq!(id(directory.node(text)), Ok(alan.clone()), "{text}");
        }
        assert_eq!(id(directory.node("treasury")), Ok("treasury".into()));
        assert!(id(directory.team("Research")).unwrap_err().contains("no team `Research`"));
        assert!(id(directory.node("vision")).is_err());
        assert_eq!(id(directory.purse("Vision")), Ok(vision));
        assert_eq!(id(directory.purse("alan")), Ok(alan.clone()));
        assert!(id(directory.purse("Research")).is_err(), "departments send nothing");
        assert_eq!(id(Directory::default().purse(&alan)), Ok(alan));
        assert!(id(Directory::default().purse("alan")).unwrap_err().contains("write their id"));
        let twice = id(directory.node("ada")).unwrap_err();
        assert!(twice.contains("Research/Compilers/ada") && twice.contains("Research/Vision/ada"), "{twice}");
    }
}
