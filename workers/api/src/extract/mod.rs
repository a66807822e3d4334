//! What handlers take out of a request, each checked where it comes in.

mod body;
mod caller;
mod parts;

pub(crate) use body::Body;
pub(crate) use caller::{Admin, Member, Operator, Overseer};
pub(crate) use parts::{Id, Ids, Query, Unrepeated};
