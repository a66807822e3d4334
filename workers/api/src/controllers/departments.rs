//! Departments.

use axum::Json;
use identity::DepartmentId;
use ledger::Millicredits;
use organization::protocol::{Act, DepartmentView, HasTag, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id, Query, Target};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::Name;

/// A department.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Department {
    #[schema(value_type = schema::DepartmentId)]
    id: DepartmentId,
    name: String,
    /// What it has, not yet allotted to teams.
    #[schema(value_type = schema::Credits)]
    balance: Millicredits,
}

impl From<DepartmentView> for Department {
    fn from(view: DepartmentView) -> Self {
        Self { id: view.id, name: view.name, balance: view.balance }
    }
}

/// A new department, or another name for one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepartmentName {
    /// Unique in the organization.
    #[schema(value_type = schema::Name)]
    name: Name,
}

/// Make a department.
#[utoipa::path(post, path = "/api/v1/departments", tag = "Departments",
    request_body = DepartmentName, responses((status = 201, description = "It was made", body = Department)))]
#[worker::send]
pub(crate) async fn create_department(
    caller: Caller,
    Body { value, repeat }: Body<DepartmentName>,
) -> Result<Created<Department>, Problem> {
    let admin = caller.may(Action::CreateDepartment, Target::Organization).await?;
    let id = DepartmentId::from_u128(admin.id()?);
    match admin.order(&repeat, Act::CreateDepartment { id, name: value.name.into_string() }).await? {
        Reply::Department(view) => Ok(created(view.into())),
        _ => Err(unexpected()),
    }
}

/// List departments.
#[utoipa::path(get, path = "/api/v1/departments", tag = "Departments", params(Paging),
    responses((status = 200, description = "A page", body = List<Department>)))]
#[worker::send]
pub(crate) async fn list_departments(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<Department>>, Problem> {
    let admin = caller.may(Action::ListDepartments, Target::Visible).await?;
    let departments = admin.directory().await?.departments;
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(departments, asked, |department| department.id, Department::from).map(Json)
}

/// Show a department.
#[utoipa::path(get, path = "/api/v1/departments/{department_id}", tag = "Departments",
    params(("department_id" = schema::DepartmentId, Path)),
    responses((status = 200, description = "The department", body = Department)))]
#[worker::send]
pub(crate) async fn get_department(caller: Caller, Id(id): Id<DepartmentId>) -> Result<Tagged<Department>, Problem> {
    let admin = caller.may(Action::GetDepartment, Target::Department { id }).await?;
    let departments = admin.directory().await?.departments;
    let found = departments.into_iter().find(|department| department.id == id);
    found.map(|view| Tagged::shown(view.tag(), view.into())).ok_or_else(|| Problem::not_found("department", id))
}

/// Give a department another name.
#[utoipa::path(patch, path = "/api/v1/departments/{department_id}", tag = "Departments",
    params(("department_id" = schema::DepartmentId, Path)), request_body = DepartmentName,
    responses((status = 200, description = "As it is now", body = Department)))]
#[worker::send]
pub(crate) async fn change_department(
    caller: Caller,
    Id(id): Id<DepartmentId>,
    Body { value, repeat }: Body<DepartmentName>,
) -> Result<Tagged<Department>, Problem> {
    let admin = caller.may(Action::ChangeDepartment, Target::Department { id }).await?;
    match admin.order(&repeat, Act::RenameDepartment { id, name: value.name.into_string() }).await? {
        Reply::Department(view) => Ok(Tagged::changed(view.tag(), view.into())),
        _ => Err(unexpected()),
    }
}
