//! Who listens to a team. They were let in by the organization's actor, where
//! roles and policies are; the script that asks there holds both sockets, and
//! lets go of this one when that one is closed.

use std::cell::RefCell;

use events::Listener;
use storage::DurableStorage;
use team::Team;
use worker::{Request, Response, Result};

use super::{Circles, Live, failed, first, listener, unreadable};

impl Live {
    /// Lets somebody listen to a team.
    pub(crate) fn listen_to_team(&self, request: &Request, team: &Team<DurableStorage>) -> Result<Response> {
        let Some(Listener { who, sees, after }) = listener(request)? else { return unreadable() };
        let missed = after.map_or(Ok(false), |after| team.has_missed(after, &sees));
        let missed = missed.map_err(|error| error.to_string())?;
        self.accept(who, sees.circles(), None, &first(team.cursor(), missed))
    }

    /// Tells what has happened in a team since it was last told.
    pub(crate) fn tell_team(&self, team: &RefCell<Option<Team<DurableStorage>>>) {
        let Ok(team) = team.try_borrow() else { return };
        let Some(team) = team.as_ref() else { return };
        let after = self.go_on(team.cursor());
        let happened = team.happened(after).unwrap_or_else(|error| {
            failed(&error);
            None
        });
        match happened {
            Some(all) => {
                let mut circles = Circles::default();
                all.iter().for_each(|told| circles.tell(&self.state, told));
            }
            None => self.tell_all(&first(team.cursor(), true)),
        }
    }
}
