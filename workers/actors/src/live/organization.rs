//! Who listens to an organization: everybody who listens to anything, since
//! here it is known who they are and what they may. When that changes, their
//! socket is closed, and all that they heard ends with it.

use std::cell::RefCell;

use organization::Organization;
use organization::protocol::{Listen, Listens};
use runtime::now_ms;
use storage::DurableStorage;
use worker::{Request, Response, Result, WebSocket};

use super::{BEGIN_AGAIN, Live, failed, first, listener, send, unreadable};

impl Live {
    /// Lets somebody listen, if they may: what they hear is decided in the same
    /// step.
    pub(crate) fn listen_to_organization(
        &self,
        request: &Request,
        organization: &mut Organization<DurableStorage>,
    ) -> Result<Response> {
        let Some(asked) = listener::<Listen>(request)? else { return unreadable() };
        let now = now_ms();
        let listens = match organization.listen(now, &asked) {
            Ok(listens) => listens,
            Err(refused) => return Ok(Response::ok(serde_json::to_string(&refused)?)?.with_status(403)),
        };
        let missed = asked.after.map_or(Ok(false), |after| organization.has_missed(now, after, &listens));
        let missed = missed.map_err(|error| error.to_string())?;
        let kept = serde_json::to_string(&listens)?;
        self.accept(listens.who, Vec::new(), Some(&kept), &first(organization.cursor(), missed))
    }

    /// Tells what has happened in an organization since it was last told, and
    /// ends what may not go on.
    pub(crate) fn tell_organization(&self, organization: &RefCell<Option<Organization<DurableStorage>>>) {
        let Ok(organization) = organization.try_borrow() else { return };
        let Some(organization) = organization.as_ref() else { return };
        let (now, after) = (now_ms(), self.go_on(organization.cursor()));
        let happened = organization.happened(after).unwrap_or_else(|error| {
            failed(&error);
            None
        });
        for socket in self.state.get_websockets() {
            let Some(listens) = kept(&socket).filter(|listens| organization.goes_on(now, listens)) else {
                let _ = socket.close(Some(BEGIN_AGAIN.0), Some(BEGIN_AGAIN.1));
                continue;
            };
            let Some(happened) = &happened else {
                send(&socket, &first(organization.cursor(), true));
                continue;
            };
            let sees = listens.sees_organization();
            let told = happened.told.iter().filter(|told| told.is_for(&sees));
            told.for_each(|told| send(&socket, &told.event));
            let approvals = happened.approvals.iter();
            let seen = approvals.filter_map(|id| organization.told_of_approval(now, &listens, *id));
            seen.for_each(|event| send(&socket, &event));
        }
    }
}

/// What is kept of somebody who listens.
fn kept(socket: &WebSocket) -> Option<Listens> {
    let text = socket.deserialize_attachment::<String>().ok()??;
    serde_json::from_str(&text).ok()
}
