//! By which tag each thing is known that can be changed. The same code makes
//! them for whoever reads and for the actor, which compares.

use events::TeamProfile;
use identity::DepartmentId;
use journal::Tag;
use pricing::Overrides;

use super::{
    Calendar, Channel, DepartmentView, Directory, MemberRecord, Plan, PolicyRecord, ServiceAccount, SignIn, SigningIn,
};
use crate::settings::{General, Provider};

/// Something whose state has a tag. What no order changes is not in it.
pub trait HasTag {
    /// The tag of its state.
    fn tag(&self) -> Tag;
}

impl HasTag for Directory {
    fn tag(&self) -> Tag {
        organization(&self.name, &self.general)
    }
}

impl HasTag for DepartmentView {
    fn tag(&self) -> Tag {
        department(self.id, &self.name)
    }
}

/// Its version, which team and organization know alike.
impl HasTag for TeamProfile {
    fn tag(&self) -> Tag {
        Tag::version(self.version)
    }
}

impl HasTag for MemberRecord {
    fn tag(&self) -> Tag {
        Tag::version(self.profile.version)
    }
}

impl HasTag for PolicyRecord {
    fn tag(&self) -> Tag {
        Tag::version(self.version)
    }
}

impl HasTag for Provider {
    fn tag(&self) -> Tag {
        Tag::of(self)
    }
}

impl HasTag for Channel {
    fn tag(&self) -> Tag {
        Tag::of(self)
    }
}

impl HasTag for Calendar {
    fn tag(&self) -> Tag {
        Tag::of(self)
    }
}

impl HasTag for Plan {
    /// Of what was ordered: what it gives by itself is no change of it.
    fn tag(&self) -> Tag {
        Tag::of(&self.new)
    }
}

impl HasTag for Overrides {
    fn tag(&self) -> Tag {
        Tag::of(self)
    }
}

impl HasTag for ServiceAccount {
    fn tag(&self) -> Tag {
        Tag::of(self)
    }
}

impl HasTag for SignIn {
    fn tag(&self) -> Tag {
        Tag::version(self.version)
    }
}

impl HasTag for SigningIn {
    /// The domains' tag.
    fn tag(&self) -> Tag {
        domains(&self.domains)
    }
}

pub(crate) fn domains(domains: &[String]) -> Tag {
    Tag::of(&domains)
}

pub(crate) fn organization(name: &str, general: &General) -> Tag {
    Tag::of(&(name, general))
}

pub(crate) fn department(id: DepartmentId, name: &str) -> Tag {
    Tag::of(&(id, name))
}
