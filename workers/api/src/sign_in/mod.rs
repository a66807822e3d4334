//! Signing in with a browser: what is kept in cookies, where the browser is
//! sent and what it brings back.
//!
//! 1. `GET /api/v1/auth/sign-in` seals what the sign-in is recognised by into
//!    a cookie and sends the browser to the provider ([`attempt`]).
//! 2. The provider sends it back with a code, which is exchanged for a token
//!    that says who it is ([`provider`]).
//! 3. The organization's actor decides whose account that is, and begins a
//!    session.
//! 4. The session is a token of ten minutes and one by which it goes on, both
//!    in cookies that no script can read ([`cookies`], [`session`]).

pub(crate) mod attempt;
pub(crate) mod browser;
pub(crate) mod cookies;
pub(crate) mod domains;
pub(crate) mod page;
pub(crate) mod provider;
pub(crate) mod session;
