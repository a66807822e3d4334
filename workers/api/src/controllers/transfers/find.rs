//! One transfer.

use ::team::protocol as team;
use axum::Json;
use identity::{TeamId, TransferId, at_home};

use super::send::find;
use super::{Transfer, team_of};
use crate::entries::{Conditions, EntryRow, Stretch, page};
use crate::extract::{Action, Admin, Caller, Id, Target};
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
    for team in homes(&admin, id.as_u128(), &id).await? {
        if let Some(transfer) = find(&admin.app, team, id).await? {
            return Ok(transfer);
        }
    }
    Err(not_found())
}

/// Teams that may know something by its id's bits, among those that the caller
/// may see: those that the id tells, or else, for who sees only where it went
/// and for ids of old, one whose journal knows it by D1's copy, around the time
/// that the id tells.
pub(in crate::controllers) async fn homes(
    admin: &Admin,
    bits: u128,
    id: &impl ToString,
) -> Result<Vec<TeamId>, Problem> {
    let is_told = |team: &TeamId| at_home(bits, *team) == bits;
    let told: Vec<TeamId> = match admin.teams() {
        Some(visible) => visible.iter().copied().filter(is_told).collect(),
        None => admin.directory().await?.teams.iter().map(|team| team.profile.team).filter(is_told).collect(),
    };
    if told.is_empty() { Ok(by_journal(admin, bits, id).await?.into_iter().collect()) } else { Ok(told) }
}

async fn by_journal(admin: &Admin, bits: u128, id: &impl ToString) -> Result<Option<TeamId>, Problem> {
    let made = i64::try_from(bits >> 80).unwrap_or(i64::MAX);
    let (from, to) = (made.saturating_sub(MINUTE_MS), made.saturating_add(MINUTE_MS));
    let mut stretch =
        Stretch { from: Some(Time::from_ms(from)), to: Some(Time::from_ms(to)), cursor: None, limit: Size::MOST };
    loop {
        let conditions = Conditions::default().equal("reference", Some(id.to_string())).of(admin.teams());
        let rows =
            page(&admin.app, admin.organization, stretch, (conditions, false), |row: EntryRow| row.actor).await?;
        if let Some(team) = rows.data.iter().find_map(|actor| actor.parse().ok()) {
            return Ok(Some(team));
        }
        match rows.next_cursor.and_then(|cursor| cursor.parse().ok()) {
            Some(cursor) => stretch.cursor = Some(cursor),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_home_and_keeps_its_time() {
        let (bits, team) = (0x0193_0000_0001_aaaa_bbbb_cccc_dddd_eeee, TeamId::from_u128(0x7777_8888_9999));
        let id = TransferId::from_u128(at_home(bits, team));
        assert_eq!(id.as_u128(), 0x0193_0000_0001_aaaa_bbbb_cccc_dd88_9999);
        assert_eq!(id.unix_ms(), TransferId::from_u128(bits).unix_ms());
        assert_ne!(at_home(bits, TeamId::from_u128(0x7777_8888_9998)), id.as_u128());
    }
}
