//! One transfer.

use ::team::protocol as team;
use axum::Json;
use identity::{OrganizationId, TeamId, TransferId};

use super::send::find;
use super::{Transfer, team_of};
use crate::app::App;
use crate::entries::{Conditions, EntryRow, Stretch, page};
use crate::extract::{Action, Caller, Id, Target};
use crate::page::Size;
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

/// The clocks of who names a transfer and of the actor that moves it differ by
/// less than that.
const MINUTE_MS: i64 = 60_000;

/// Show a transfer.
#[utoipa::path(get, path = "/api/v1/transfers/{transfer_id}", tag = "Transfers",
    params(("transfer_id" = schema::TransferId, Path)),
    responses((status = 200, description = "The transfer", body = Transfer)))]
#[worker::send]
pub(crate) async fn get_transfer(caller: Caller, Id(id): Id<TransferId>) -> Result<Json<Transfer>, Problem> {
    seen(&caller, id).await.map(|transfer| Json(transfer.into()))
}

/// A transfer that the caller may see: one of their own, or of a team that
/// they may look into. Others are as if they were not.
pub(super) async fn seen(caller: &Caller, id: TransferId) -> Result<team::Transfer, Problem> {
    let not_found = || Problem::not_found("transfer", id);
    if let Some((_, member)) = caller.session() {
        let admin = caller.clone().may(Action::GetTransfer, Target::Member { id: member }).await?;
        let directory = admin.directory().await?;
        let team = team_of(&directory, member).ok_or_else(not_found)?;
        let own = find(&admin.app, team, id).await?;
        let is_own =
            |transfer: &team::Transfer| [transfer.from, transfer.to].iter().any(|place| place.member == Some(member));
        if let Some(own) = own.filter(is_own) {
            return Ok(own);
        }
    }
    let admin = caller.clone().goes_on(Action::GetTransfer, Target::Visible, Default::default()).await;
    let admin = match (admin, caller.session()) {
        (Err(problem), Some(_)) if problem.code == crate::problem::Code::Forbidden => return Err(not_found()),
        (admin, _) => admin?,
    };
    let team = locate(&admin.app, admin.organization, (id.unix_ms(), &id), admin.teams()).await?;
    let team = team.ok_or_else(not_found)?;
    find(&admin.app, team, id).await?.ok_or_else(not_found)
}

/// A team whose journal knows a movement by this id, among those that the
/// caller may see, by D1's copy of the journals, around the time that the id
/// tells.
pub(in crate::controllers) async fn locate(
    app: &App,
    organization: OrganizationId,
    (made_ms, id): (u64, &impl ToString),
    visible: Option<&[TeamId]>,
) -> Result<Option<TeamId>, Problem> {
    let made = i64::try_from(made_ms).unwrap_or(i64::MAX);
    let (from, to) = (made.saturating_sub(MINUTE_MS), made.saturating_add(MINUTE_MS));
    let mut stretch =
        Stretch { from: Some(Time::from_ms(from)), to: Some(Time::from_ms(to)), cursor: None, limit: Size::MOST };
    loop {
        let conditions = Conditions::default().equal("reference", Some(id.to_string())).of(visible);
        let rows = page(app, organization, stretch, (conditions, false), |row: EntryRow| row.actor).await?;
        if let Some(team) = rows.data.iter().find_map(|actor| actor.parse().ok()) {
            return Ok(Some(team));
        }
        match rows.next_cursor.and_then(|cursor| cursor.parse().ok()) {
            Some(cursor) => stretch.cursor = Some(cursor),
            None => return Ok(None),
        }
    }
}
