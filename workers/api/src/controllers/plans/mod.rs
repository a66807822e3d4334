//! Plans: credits that are given at the beginning of every period.

mod body;
mod recipients;

use ::organization::protocol::{Act, HasTag, NewPlan, Plan, Question, Recipients, Reply};
use axum::Json;
use identity::PlanId;
use ledger::Millicredits;
use policy::{Facts, Node};

use self::body::{NewPlanBody, PlanBody, PlanChange};
use self::recipients::{giver, place};
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;

/// Make a plan.
///
/// At the beginning of each period, by the calendar of the organization's time zone, it gives to each of its recipients
/// from one step above: from the treasury to departments, from the department to its teams' pools, from a team's pool to
/// its members' wallets. Where there is not enough, all get alike what there is. Each period is given for once, also one
/// that nobody saw begin.
#[utoipa::path(post, path = "/api/v1/plans", tag = "Plans", request_body = NewPlanBody,
    responses((status = 201, description = "The plan", body = PlanBody)))]
#[worker::send]
pub(crate) async fn create_plan(
    caller: Caller,
    Body { value, repeat }: Body<NewPlanBody>,
) -> Result<Created<PlanBody>, Problem> {
    let to: Recipients = value.to.try_into()?;
    let target = giver(&caller, to).await?;
    let admin = caller.may_with(Action::CreatePlan, target, facts(to, Some(value.amount))).await?;
    let new = value.into_new(PlanId::from_u128(admin.id()?), to);
    match admin.order(&repeat, Act::CreatePlan(new)).await? {
        Reply::Plan(plan) => Ok(created(PlanBody::new(*plan, &admin.zone().await?))),
        _ => Err(unexpected()),
    }
}

/// List the plans of the teams and departments that you may look into.
#[utoipa::path(get, path = "/api/v1/plans", tag = "Plans", params(Paging),
    responses((status = 200, description = "A page", body = List<PlanBody>)))]
#[worker::send]
pub(crate) async fn list_plans(caller: Caller, Query(asked): Query<Paging>) -> Result<Json<List<PlanBody>>, Problem> {
    let admin = caller.may(Action::ListPlans, Target::Visible).await?;
    let (zone, seen) = (admin.zone().await?, seen(&admin).await?);
    page(seen, (asked.cursor.as_deref(), asked.limit), |plan| plan.new.id, |plan| PlanBody::new(plan, &zone)).map(Json)
}

/// Show a plan.
#[utoipa::path(get, path = "/api/v1/plans/{plan_id}", tag = "Plans", params(("plan_id" = schema::PlanId, Path)),
    responses((status = 200, description = "The plan", body = PlanBody)))]
#[worker::send]
pub(crate) async fn get_plan(caller: Caller, Id(id): Id<PlanId>) -> Result<Tagged<PlanBody>, Problem> {
    let admin = caller.may(Action::GetPlan, Target::Visible).await?;
    let plan = find(&admin, id).await?;
    Ok(Tagged::shown(plan.tag(), PlanBody::new(plan, &admin.zone().await?)))
}

/// Change a plan.
///
/// To whom it gives stays. A period that has begun is not given for again: a new amount counts from the next one on, and
/// a plan that was paused leaves out what began meanwhile.
#[utoipa::path(patch, path = "/api/v1/plans/{plan_id}", tag = "Plans", params(("plan_id" = schema::PlanId, Path)),
    request_body = PlanChange, responses((status = 200, description = "As it is now", body = PlanBody)))]
#[worker::send]
pub(crate) async fn change_plan(
    caller: Caller,
    Id(id): Id<PlanId>,
    Body { value, repeat }: Body<PlanChange>,
) -> Result<Tagged<PlanBody>, Problem> {
    let admin = for_change(caller, (Action::ChangePlan, id), |plan| value.gives(plan)).await?;
    let read = async || find(&admin, id).await.map(|plan| (plan.tag(), plan.new));
    let alter = |plan: NewPlan| Ok(Act::ChangePlan(value.clone().applied(plan)));
    match admin.change(&repeat, read, alter).await? {
        Reply::Plan(plan) => Ok(Tagged::changed(plan.tag(), PlanBody::new(*plan, &admin.zone().await?))),
        _ => Err(unexpected()),
    }
}

/// Remove a plan.
///
/// What it gave stays where it is.
#[utoipa::path(delete, path = "/api/v1/plans/{plan_id}", tag = "Plans", params(("plan_id" = schema::PlanId, Path)),
    responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_plan(
    caller: Caller,
    Id(id): Id<PlanId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let admin = for_change(caller, (Action::RemovePlan, id), |_| None).await?;
    admin.order(&repeat, Act::RemovePlan { id }).await?;
    Ok(http::StatusCode::NO_CONTENT)
}

/// Whoever may do it where the plan's credits come from.
async fn for_change(
    caller: Caller,
    (action, id): (Action, PlanId),
    gives: impl FnOnce(&NewPlan) -> Option<Millicredits>,
) -> Result<Admin, Problem> {
    let looks = caller.clone().may(Action::GetPlan, Target::Visible).await?;
    let plan = find(&looks, id).await?;
    let target = giver(&caller, plan.new.to).await?;
    caller.goes_on(action, target, facts(plan.new.to, gives(&plan.new))).await
}

/// What policies may look at: how much goes to each, as with allotments, and to
/// whom where that is one.
fn facts(to: Recipients, amount: Option<Millicredits>) -> Facts {
    let facts = Facts { millicredits: amount.map(Millicredits::get), ..Facts::default() };
    match to {
        Recipients::Department { department } => Facts { to_node: Some(Node::Department(department)), ..facts },
        Recipients::Team { team } => Facts { to_node: Some(Node::Team(team)), ..facts },
        Recipients::Member { member } => Facts { to_member: Some(member), ..facts },
        _ => facts,
    }
}

/// A plan that the caller may see; others are as if they were not.
async fn find(admin: &Admin, id: PlanId) -> Result<Plan, Problem> {
    let plan = seen(admin).await?.into_iter().find(|plan| plan.new.id == id);
    plan.ok_or_else(|| Problem::not_found("plan", id))
}

async fn seen(admin: &Admin) -> Result<Vec<Plan>, Problem> {
    let mut plans = match admin.app.ask_organization(admin.organization, Question::Plans).await? {
        ::organization::protocol::Answer::Plans(plans) => plans?,
        _ => return Err(unexpected()),
    };
    let directory = admin.directory().await?;
    plans.retain(|plan| place(&directory, plan.new.to).is_some_and(|node| admin.sees(node)));
    Ok(plans)
}
