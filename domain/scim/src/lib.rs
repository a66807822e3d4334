//! SCIM 2.0 (RFC 7643, RFC 7644): users and groups as identity providers
//! provision them.
//!
//! In scope: users and groups from and to their JSON; filters; PATCH and PUT
//! as rules over a resource; lists, their order and what is left out of an
//! answer; entity tags; errors; and the documents in which a server says what
//! it can do. Besides what the RFCs say, what Okta and Microsoft Entra really
//! send is understood: their quirks are named where they are handled.
//!
//! Out of scope: where resources are kept, who asks, whether a name is taken
//! (the store knows; [`ErrorKind::Uniqueness`] says it), HTTP, the clock (the
//! caller hands in times), and what a user or a group may do. Bulk requests,
//! passwords, and a search over all types of resources are not supported, and
//! the documents say so.

mod attribute;
mod canonical;
mod documents;
mod error;
mod filter;
mod group;
mod patch;
mod path;
mod projection;
mod query;
mod resource;
mod schema;
mod sort;
mod user;

pub use attribute::{Attribute, Kind, Mutability, Returned};
pub use documents::{resource_type, resource_types, schema, schemas, service_provider_config};
pub use error::{ErrorKind, ScimError};
pub use filter::{Filter, FilterError, Literal, Lookup, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, Operator, folded};
pub use group::{Group, Member};
pub use patch::{MAX_OPERATIONS, Operation, Patch, Verb};
pub use path::{AttributePath, Path};
pub use projection::Projection;
pub use query::{DEFAULT_RESULTS, MAX_RESULTS, Query, list_response};
pub use resource::{Meta, Outcome, Resource, is_version};
pub use schema::{GROUP, ResourceType, Schema, USER};
pub use sort::{Order, Sort};
pub use user::{Email, Enterprise, GroupReference, Manager, Name, User};

/// The media type of all bodies.
pub const MEDIA_TYPE: &str = "application/scim+json";
