//! What is known of an attribute (RFC 7643 §7). The tables of attributes
//! decide how bodies are read, filters are compared, changes are allowed and
//! answers are cut, and are what `/Schemas` shows.

/// An attribute of a resource, or a sub-attribute of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as it is written in answers.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it has many values.
    pub multi: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether case counts when its values are compared.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// When it is answered.
    pub returned: Returned,
    /// Whether two resources may have the same value.
    pub unique: bool,
    /// The values that are usual.
    pub usual: &'static [&'static str],
}

/// What an attribute's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A point in time (RFC 3339).
    DateTime,
    /// A URL of one of these types of resources; none: of anything.
    Reference(&'static [&'static str]),
    /// An object of these sub-attributes.
    Complex(&'static [Attribute]),
}

/// Who may change an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// The server only.
    ReadOnly,
    /// The client.
    ReadWrite,
    /// The client, when it makes it.
    Immutable,
}

/// When an attribute is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Whatever was asked for.
    Always,
    /// Unless the client asked for others, or for all but this.
    Default,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind,
            multi: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            unique: false,
            usual: &[],
        }
    }

    pub(crate) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Text, description)
    }

    pub(crate) const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Boolean, description)
    }

    pub(crate) const fn date_time(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::DateTime, description)
    }

    pub(crate) const fn reference(name: &'static str, types: &'static [&'static str], about: &'static str) -> Self {
        Self::new(name, Kind::Reference(types), about).exact()
    }

    pub(crate) const fn complex(name: &'static str, subs: &'static [Self], description: &'static str) -> Self {
        Self::new(name, Kind::Complex(subs), description)
    }

    pub(crate) const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    pub(crate) const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(crate) const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    pub(crate) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(crate) const fn usual(mut self, values: &'static [&'static str]) -> Self {
        self.usual = values;
        self
    }

    /// Its sub-attributes.
    #[must_use]
    pub const fn subs(&self) -> &'static [Self] {
        match self.kind {
            Kind::Complex(subs) => subs,
            _ => &[],
        }
    }

    /// The sub-attribute of this name, in any case.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        find(self.subs(), name)
    }

    /// The attribute whose values are compared when this is: a complex
    /// attribute stands for its `value`.
    pub(crate) fn compared(&'static self) -> Option<&'static Self> {
        match self.kind {
            Kind::Complex(_) => self.sub("value"),
            _ => Some(self),
        }
    }
}

/// The attribute of this name, in any case.
pub(crate) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
