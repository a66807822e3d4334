//! One file a command.

pub(crate) mod allot;
pub(crate) mod apply;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod away;
pub(crate) mod balance;
pub(crate) mod boosts;
pub(crate) mod completions;
pub(crate) mod departments;
pub(crate) mod export;
pub(crate) mod grants;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod members;
pub(crate) mod permissions;
pub(crate) mod policies;
pub(crate) mod requests;
pub(crate) mod send;
pub(crate) mod teams;
pub(crate) mod transfers;
pub(crate) mod usage;
pub(crate) mod watch;
pub(crate) mod whoami;
