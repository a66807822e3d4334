//! What people and scripts read.

mod table;
mod time;
mod view;
pub(crate) mod views;

pub(crate) use table::{plain, table};
pub(crate) use time::{at, moment};
pub(crate) use view::{Column, Form, View};
