//! Who may do what.

use ::organization::protocol::PolicyRecord;
use axum::Json;
use policy::{Column, Engine, Rule};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Action, Caller, Target};
use crate::problem::Problem;
use crate::schema;

/// Who may do what, as the policies say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Matrix {
    /// Grows with every change of roles and policies.
    policy_version: u64,
    /// The columns: everybody who can do something.
    roles: Vec<&'static str>,
    actions: Vec<MatrixRow>,
}

/// An action and who may do it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatrixRow {
    #[schema(value_type = schema::Action)]
    action: Action,
    /// To which area it belongs; policies may name areas, too.
    area: &'static str,
    /// Who may do it: with a role, on its node and below; members, to what is their own.
    allowed: Vec<&'static str>,
}

/// Show who may do what, made from the roles and the organization's own policies.
#[utoipa::path(get, path = "/api/v1/permissions/matrix", tag = "Access",
    responses((status = 200, description = "Every role and action", body = Matrix)))]
#[worker::send]
pub(crate) async fn get_matrix(caller: Caller) -> Result<Json<Matrix>, Problem> {
    let admin = caller.may(Action::GetMatrix, Target::Visible).await?;
    let access = admin.access().await?;
    let rule =
        |record: &PolicyRecord| Rule { id: record.id.to_string(), text: record.source.text(), mode: record.mode };
    let rules: Vec<Rule> = access.policies.iter().map(rule).collect();
    let engine = Engine::new(&rules).map_err(Problem::internal)?;
    let (columns, now) = (Column::all(), admin.now());
    let row = |action: &Action| {
        let may = |column: &&Column| policy::allowed(&engine, **column, *action, now);
        let allowed = columns.iter().filter(may).map(|column| column.as_str()).collect();
        MatrixRow { action: *action, area: action.area().as_str(), allowed }
    };
    Ok(Json(Matrix {
        policy_version: access.policy_version,
        roles: columns.iter().map(|column| column.as_str()).collect(),
        actions: Action::ALL.iter().map(row).collect(),
    }))
}
