//! When somebody is away, as calendars and HR systems say it.
//!
//! In scope: what to ask a source for (address, headers, what has been seen
//! already), and which absences its answer means: iCalendar feeds, Google
//! Calendar, Microsoft 365's automatic replies, BambooHR, and any other JSON
//! by a mapping. Which events of a calendar are absences is a [`ics::Rule`];
//! what cannot be read is said, with its place. And what a configuration of a
//! source may look like ([`Source`]), and what to post for an access token
//! where one is needed ([`Access`]).
//!
//! Out of scope: fetching, the clock (the caller hands in a window), where
//! credentials and answers are kept, whether an address may be
//! reached from here, which member somebody is who is away, and what follows
//! from it. Of iCalendar, tasks, free/busy times and VAVAILABILITY are passed
//! over; events with rules by hours, minutes, seconds, weeks or days of the year,
//! with `EXRULE`, or with changes of all occurrences from one on (`RANGE`), are
//! reported.
//!
//! One way through:
//!
//! 1. `request` of the source's module says what to fetch, with the
//!    [`Validators`] of the last answer that was read;
//! 2. [`judge`] says by the status whether there is something new;
//! 3. `absences` of the same module reads it, for a window of time;
//! 4. [`merged`] says when people are away, whatever for.
//!
//! The iCalendar parser is our own. In wasm, compressed, the parser of the crate
//! `icalendar` alone adds 104 KB, and knows neither time zones nor recurrence,
//! which are most of the work; `rrule` would be 458 KB more. [`ics`] with all
//! three is 65 KB, the other sources 42 KB, much of it what serde makes of their
//! formats. What it makes of calendars is compared with the Python library
//! `recurring-ical-events`: see `tests/data/README.md`.
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

mod absence;
mod access;
pub mod bamboohr;
mod error;
pub mod google;
pub mod graph;
pub mod ics;
mod json;
pub mod mapped;
mod request;
mod source;
mod zones;

pub use absence::{Absence, Away, BEGUN_MS, OPEN_MS, Read, Skipped, merged};
pub use access::{Access, Credentials, TokenRequest, token};
pub use error::CalendarError;
pub use request::{Answer, Request, StatusError, Validators, judge};
pub use source::{Source, SourceError};
