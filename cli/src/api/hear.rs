//! Hears what Alfred tells while it happens.

use std::io::Read;
use std::time::Duration;

use ureq::http::{Request, header};

use super::{Api, Operation, Query};
use crate::failure::Failure;

/// Longer than a stream: Alfred ends it after five minutes, and whoever hears
/// it comes back.
const LONGEST: Duration = Duration::from_secs(6 * 60);

impl Api {
    /// The server-sent events of an operation, after the one with this id.
    pub(crate) fn hear(
        &self,
        operation: &Operation,
        query: Query,
        last: Option<&str>,
    ) -> Result<impl Read + use<>, Failure> {
        let url = self.address(operation, &[], query);
        let unreachable =
            |error: ureq::Error| Failure::Unreachable { url: self.url.clone(), reason: error.to_string() };
        let request = Request::get(&url).header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        let fields = [("last-event-id", last), ("x-alfred-organization", self.organization.as_deref())];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let request = given.fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(()).map_err(|error| unreachable(error.into()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(LONGEST)).build();
        let mut response = self.agent.run(request).map_err(unreachable)?;
        if response.status().is_success() {
            return Ok(response.into_body().into_reader());
        }
        Err(self.refusal(&url, &mut response))
    }
}
