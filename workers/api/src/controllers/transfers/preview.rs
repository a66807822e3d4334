//! What would come of a transfer.

use audit::Verdict;
use axum::Json;
use ledger::Millicredits;
use policy::Facts;
use serde::Serialize;
use utoipa::ToSchema;

use super::send::sent_today;
use super::{NewTransfer, is_own, place, shown, target};
use crate::extract::{Action, Body, Caller};
use crate::node::Node;
use crate::problem::Problem;
use crate::schema;

/// What would come of a transfer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransferPreview)]
pub(crate) struct Preview {
    /// What policies say of it.
    #[schema(value_type = schema::Verdict)]
    verdict: Verdict,
    /// Who would have to approve it.
    approval: Vec<String>,
    #[schema(value_type = schema::WalletOrPool)]
    from: Node,
    #[schema(value_type = schema::WalletOrPool)]
    to: Node,
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    /// What can be spent or sent from there now; `null` where that is somebody else's.
    #[schema(value_type = Option<schema::Credits>)]
    available: Option<Millicredits>,
    /// What would be left; below zero by what is missing.
    #[schema(value_type = Option<schema::Credits>)]
    available_after: Option<Millicredits>,
    /// What was sent from there today.
    #[schema(value_type = schema::Credits)]
    sent_today: Millicredits,
    /// For how many minutes it could be undone.
    undo_minutes: u32,
}

/// Show what would come of a transfer, and move nothing.
#[utoipa::path(post, path = "/api/v1/transfers/preview", tag = "Transfers", request_body = NewTransfer,
    responses((status = 200, description = "What would come of it", body = Preview)))]
#[worker::send]
pub(crate) async fn preview_transfer(
    caller: Caller,
    Body { value, .. }: Body<NewTransfer>,
) -> Result<Json<Preview>, Problem> {
    let from = value.source(&caller)?;
    let (target, facts) = (target(from)?, value.facts()?);
    let admin = caller.clone().may_with(Action::PreviewTransfer, target, facts.clone()).await?;
    let directory = admin.directory().await?;
    let (from, to) = (place(&directory, from)?, place(&directory, value.to)?);
    let sent_today = sent_today(&admin.app, from).await?;
    let facts = Facts { sent_today: Some(sent_today.get()), ..facts };
    let decision = caller.clone().would(Action::Transfer, target, facts).await?;
    let available = if is_own(&admin, from) {
        let overview = admin.app.overview(from.team).await?;
        let wallet =
            |id| overview.members.iter().find(|member| member.profile.member == id).map(|member| &member.wallet);
        let balance = from.member.map_or(Some(&overview.pool), wallet);
        balance.map(|balance| balance.available)
    } else {
        None
    };
    Ok(Json(Preview {
        verdict: decision.verdict(),
        approval: decision.approvals,
        from: shown(from),
        to: shown(to),
        amount: value.amount,
        available,
        available_after: available.map(|available| available.saturating_sub(value.amount)),
        sent_today,
        undo_minutes: directory.general.undo_minutes,
    }))
}
