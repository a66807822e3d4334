//! What handlers take out of a request, each checked where it comes in.

mod body;
mod caller;
mod change;
mod parts;
mod path;
mod session;

pub(crate) use body::{Body, fits};
pub(crate) use caller::{Admin, Caller, Member, Operator, address, same};
pub(crate) use organization::protocol::Target;
pub(crate) use parts::{Id, Ids, Query, Unrepeated};
pub(crate) use policy::Action;
pub(crate) use session::signed_in;
