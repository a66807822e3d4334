//! The types of resources and their attributes (RFC 7643 §3, §4).

use crate::attribute::{Attribute, find};
use crate::path::AttributePath;

/// A set of attributes under a URN.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its name in `schemas` and before attributes.
    pub urn: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

/// A type of resource.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// `User`, `Group`.
    pub name: &'static str,
    /// Where its resources are, below the base URL.
    pub endpoint: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The attributes that it has by itself.
    pub core: &'static Schema,
    /// More attributes, each schema's in an object of its own.
    pub extensions: &'static [&'static Schema],
}

/// What an attribute path names in a type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of an extension.
    Extension(&'static Schema),
    /// An attribute, perhaps of an extension, perhaps only a part of it.
    Attribute { extension: Option<&'static Schema>, attribute: &'static Attribute, sub: Option<&'static Attribute> },
}

impl ResourceType {
    /// What `path` names; nothing if it is not known.
    pub(crate) fn resolve(&self, path: &AttributePath) -> Option<Place> {
        let sub = path.sub.as_deref();
        let Some(urn) = &path.urn else {
            let known = find(COMMON, &path.name).or_else(|| find(self.core.attributes, &path.name))?;
            return place(None, known, sub);
        };
        if urn.eq_ignore_ascii_case(self.core.urn) {
            return place(None, find(self.core.attributes, &path.name)?, sub);
        }
        let whole = format!("{urn}:{}", path.name);
        for extension in self.extensions.iter().copied() {
            if urn.eq_ignore_ascii_case(extension.urn) {
                return place(Some(extension), find(extension.attributes, &path.name)?, sub);
            }
            if whole.eq_ignore_ascii_case(extension.urn) {
                return match sub {
                    None => Some(Place::Extension(extension)),
                    Some(name) => place(Some(extension), find(extension.attributes, name)?, None),
                };
            }
        }
        None
    }
}

fn place(extension: Option<&'static Schema>, attribute: &'static Attribute, sub: Option<&str>) -> Option<Place> {
    let sub = match sub {
        Some(name) => Some(attribute.sub(name)?),
        None => None,
    };
    Some(Place::Attribute { extension, attribute, sub })
}

/// What every resource has (RFC 7643 §3.1).
pub(crate) const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", &[], "The URNs of the schemas whose attributes are there.").multi().always(),
    Attribute::text("id", "The server's name of the resource.").exact().read_only().always().unique(),
    Attribute::text("externalId", "The identity provider's name of the resource.").exact(),
    Attribute::complex(
        "meta",
        &[
            Attribute::text("resourceType", "The type of the resource.").exact().read_only(),
            Attribute::date_time("created", "When it was made.").read_only(),
            Attribute::date_time("lastModified", "When it last changed.").read_only(),
            Attribute::reference("location", &[], "Its URL.").read_only(),
            Attribute::text("version", "Its entity tag.").exact().read_only(),
        ],
        "What the server knows about the resource.",
    )
    .read_only(),
];

/// People.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "A person.",
    core: &USER_CORE,
    extensions: &[&ENTERPRISE_USER],
};

/// Groups of people.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "A group of people.",
    core: &GROUP_CORE,
    extensions: &[],
};

/// RFC 7643 §4.1, as far as it is kept.
static USER_CORE: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A person.",
    attributes: &[
        Attribute::text("userName", "The name by which the person signs in.").required().unique(),
        Attribute::complex(
            "name",
            &[
                Attribute::text("formatted", "The whole name."),
                Attribute::text("familyName", "The family name."),
                Attribute::text("givenName", "The given name."),
            ],
            "The parts of the person's name.",
        ),
        Attribute::text("displayName", "The name to show."),
        Attribute::boolean("active", "Whether the person may use the service."),
        Attribute::complex(
            "emails",
            &[
                Attribute::text("value", "The address."),
                Attribute::text("display", "The address, to show."),
                Attribute::text("type", "What it is used for.").usual(&["work", "home", "other"]),
                Attribute::boolean("primary", "Whether it is the one to write to; at most one is."),
            ],
            "The person's e-mail addresses.",
        )
        .multi(),
        Attribute::complex(
            "groups",
            &[
                Attribute::text("value", "The group's id.").exact().read_only(),
                Attribute::reference("$ref", &["Group"], "The group's URL.").read_only(),
                Attribute::text("display", "The group's name.").read_only(),
                Attribute::text("type", "How the person belongs to it.").usual(&["direct"]).read_only(),
            ],
            "The groups that the person is in; changed through the groups.",
        )
        .multi()
        .read_only(),
    ],
};

/// RFC 7643 §4.3, as far as it is kept.
static ENTERPRISE_USER: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "A person at work.",
    attributes: &[
        Attribute::text("employeeNumber", "The number that the company gave the person."),
        Attribute::text("department", "The department's name."),
        Attribute::complex(
            "manager",
            &[Attribute::text("value", "The manager's id.").exact()],
            "The person's manager.",
        ),
    ],
};

/// RFC 7643 §4.2.
static GROUP_CORE: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A group of people.",
    attributes: &[
        Attribute::text("displayName", "The group's name.").required(),
        Attribute::complex(
            "members",
            &[
                Attribute::text("value", "The member's id.").required().exact().immutable(),
                Attribute::reference("$ref", &["User", "Group"], "The member's URL.").read_only(),
                Attribute::text("display", "The member's name."),
                Attribute::text("type", "What the member is.").usual(&["User", "Group"]).immutable(),
            ],
            "Who is in the group.",
        )
        .multi(),
    ],
};
