//! What is kept about one person: handed out whole, or erased for ever.

use ::organization::StandsFor;
use ::organization::protocol::{
    About, Act, Answer, ApprovalFilter, ApprovalView, Asked, Command, MemberRecord, Provision, Question, Reply,
};
use ::team::protocol::{Subject, TransferFilter};
use audit::Attribution;
use axum::Json;
use axum::body::Body as Stream;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use http::header;
use identity::{ApprovalId, AuditId, EntryId, MemberId, OrganizationId, Principal, TeamId, TransferId};
use policy::Grantee;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use worker::send::SendFuture;

use super::approvals::{Approval, list as approvals};
use super::audit::list::AuditRecord;
use super::audit::person;
use super::chat_links::{self, ChatLink};
use super::grants::GrantBody;
use super::journal::EntryBody;
use super::keys::Key;
use super::limits::LimitBody;
use super::members::{self, Member, MemberDetail};
use super::requests::{self, CallEnd};
use super::sessions::SessionBody;
use super::transfers::{Transfer, list::transfers};
use crate::app::{App, unexpected};
use crate::entries::{self, Conditions, Stretch};
use crate::extract::{Action, Admin, Body, Caller, Id, Target, Unrepeated};
use crate::page::Size;
use crate::problem::Problem;
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// By what the sign-in provider knows somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    issuer: String,
    subject: String,
}

/// What is kept about a person beside what they did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Person {
    #[schema(value_type = schema::Time)]
    exported_at: Time,
    #[schema(value_type = schema::OrganizationId)]
    organization_id: OrganizationId,
    member: MemberDetail,
    account: Option<Account>,
    /// As the identity provider is shown them, by SCIM.
    provisioned: Option<serde_json::Value>,
    /// Without their secrets, which nobody has.
    keys: Vec<Key>,
    /// On them, or on keys of theirs.
    limits: Vec<LimitBody>,
    sessions: Vec<SessionBody>,
    /// Roles that they have or have lent.
    grants: Vec<GrantBody>,
    /// Workloads whose tokens stand for keys of theirs, by name.
    workloads: Vec<String>,
    /// Accounts in chats by which they are told of things: linked by them, or found by their address.
    chat_accounts: Vec<ChatLink>,
}

/// All that is kept about a person. `complete` comes last: without it the document was cut off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberExport {
    #[serde(flatten)]
    person: Person,
    /// Newest first. No request and no answer is kept, so none is here.
    calls: Vec<CallEnd>,
    /// Into their wallet, out of it, or on their order.
    credit_movements: Vec<EntryBody>,
    /// From their wallet, or to it.
    transfers: Vec<Transfer>,
    /// What they asked for, or decided about.
    approvals: Vec<Approval>,
    /// What they did and what was done about them; of what others did, without where those were.
    audit: Vec<AuditRecord>,
    complete: bool,
}

/// An erasure, and that it is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewErasure {
    /// The member's id once more: it cannot be undone.
    #[schema(value_type = schema::MemberId)]
    confirm: MemberId,
}

async fn person(admin: &Admin, record: MemberRecord, exported_at: Time) -> Result<Person, Problem> {
    let id = record.profile.member;
    let (team, organization) = (record.team, admin.organization);
    let overview = admin.app.overview(team).await?;
    let keys: Vec<_> = overview.keys.into_iter().filter(|key| key.member == id).collect();
    let is_theirs = |subject: &Subject| match subject {
        Subject::Team => false,
        Subject::Member(member) => *member == id,
        Subject::Key(key) => keys.iter().any(|own| own.id == *key),
    };
    let limits = overview.limits.into_iter().filter(|limit| is_theirs(&limit.subject));
    let limits = limits.map(|limit| LimitBody::new(team, limit)).collect();
    let sessions = match admin.app.ask_organization(organization, Question::Sessions { member: id }).await? {
        Answer::Sessions(sessions) => sessions?,
        _ => return Err(unexpected()),
    };
    let grants = admin.access().await?.grants.into_iter();
    let grants = grants.filter(|grant| grant.to == Grantee::Member(id) || grant.lender == Some(id));
    let workloads = admin.app.settings(organization).await?.workloads.into_iter();
    let workloads = workloads.filter(|one| matches!(one.stands_for, StandsFor::Key { member, .. } if member == id));
    let standing = overview.members.into_iter().find(|member| member.profile.member == id);
    let account = record.link.clone();
    let provisioned = provisioned(admin, id).await?;
    Ok(Person {
        provisioned,
        exported_at,
        organization_id: organization,
        member: MemberDetail::new(record, standing),
        account: account.map(|link| Account { issuer: link.issuer, subject: link.subject }),
        limits,
        keys: keys.into_iter().map(|key| Key::new(team, key)).collect(),
        sessions: sessions.into_iter().map(SessionBody::from).collect(),
        grants: grants.map(GrantBody::from).collect(),
        workloads: workloads.map(|workload| workload.name).collect(),
        chat_accounts: chat_links::accounts(admin, id, false).await?,
    })
}

async fn provisioned(admin: &Admin, id: MemberId) -> Result<Option<serde_json::Value>, Problem> {
    let asked = Provision {
        who: admin.who,
        by: Attribution::default(),
        base: String::new(),
        about: About::Users,
        parameters: Vec::new(),
        if_match: None,
        asked: Asked::Get { id: id.to_string() },
    };
    let command = Command::Provision(Box::new(asked));
    match admin.app.actors()?.organization(admin.organization, &command).await? {
        Answer::Provision(answer) => Ok(answer?.body.filter(|body| body.get("id").is_some())),
        _ => Err(unexpected()),
    }
}

/// Hand out all that is kept about a member, as one document.
///
/// It is streamed and can be long. Calls and records of the last seconds may be missing. That it was handed out is
/// recorded.
#[utoipa::path(get, path = "/api/v1/members/{member_id}/export", tag = "Privacy",
    params(("member_id" = schema::MemberId, Path)),
    responses((status = 200, description = "All of it", body = MemberExport)))]
#[worker::send]
pub(crate) async fn export_member(
    caller: Caller,
    Id(id): Id<MemberId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Response, Problem> {
    let admin = caller.may(Action::ExportMember, Target::Member { id }).await?;
    let record = members::find(&admin, id).await?;
    let team = record.team;
    admin.order(&repeat.part(), Act::ExportMember { member: id }).await?;
    let person = person(&admin, record, Time::from_ms(admin.now())).await?;
    let ids: Vec<String> =
        std::iter::once(id.to_string()).chain(person.keys.iter().map(|key| key.id.to_string())).collect();
    let first = begin(person)?;
    let walk = Walk { app: admin.app, organization: admin.organization, team, member: id, ids };
    let start = Part { walk, step: Step::Head(first), begun: false };
    let parts = unfold(start, |part| SendFuture::new(part.next()));
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.json\"")),
    ];
    Ok((headers, Stream::from_stream(parts)).into_response())
}

/// The document up to the first of the lists, which are streamed.
fn begin(person: Person) -> Result<String, Problem> {
    let (calls, credit_movements, audit) = (Vec::new(), Vec::new(), Vec::new());
    let (transfers, approvals) = (Vec::new(), Vec::new());
    let whole = MemberExport { person, calls, credit_movements, transfers, approvals, audit, complete: true };
    let text = serde_json::to_string(&whole).map_err(Problem::internal)?;
    // Quotes in what is exported are escaped: only the field itself is written so.
    let (begin, _) = text.rsplit_once("],\"credit_movements\"").ok_or_else(unexpected)?;
    Ok(begin.to_owned())
}

struct Walk {
    app: App,
    organization: OrganizationId,
    team: TeamId,
    member: MemberId,
    /// The member's and their keys'.
    ids: Vec<String>,
}

/// Where an export is.
enum Step {
    Head(String),
    Calls(Option<EntryId>),
    Movements(Option<EntryId>),
    Transfers(Option<TransferId>),
    Approvals(Option<ApprovalId>),
    Audit(Option<AuditId>),
    End,
}

struct Part {
    walk: Walk,
    step: Step,
    /// Whether the list has an item already.
    begun: bool,
}

impl Part {
    /// The next piece. An error breaks the document off, so that nobody takes
    /// it for whole.
    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        let outcome = match std::mem::replace(&mut self.step, Step::End) {
            Step::End => return None,
            Step::Head(first) => {
                self.step = Step::Calls(None);
                Ok(first)
            }
            Step::Calls(cursor) => self.walk.calls(cursor).await.map(|(calls, next)| {
                let text = self.items(&calls);
                self.goes_on(
                    text,
                    next.map(|next| Step::Calls(Some(next))),
                    "],\"credit_movements\":[",
                    Step::Movements(None),
                )
            }),
            Step::Movements(cursor) => self.walk.movements(cursor).await.map(|(movements, next)| {
                let text = self.items(&movements);
                let same = next.map(|next| Step::Movements(Some(next)));
                self.goes_on(text, same, "],\"transfers\":[", Step::Transfers(None))
            }),
            Step::Transfers(before) => self.walk.transfers(before).await.map(|(transfers, next)| {
                let text = self.items(&transfers);
                let same = next.map(|next| Step::Transfers(Some(next)));
                self.goes_on(text, same, "],\"approvals\":[", Step::Approvals(None))
            }),
            Step::Approvals(before) => self.walk.approvals(before).await.map(|(approvals, next)| {
                let text = self.items(&approvals);
                self.goes_on(text, next.map(|next| Step::Approvals(Some(next))), "],\"audit\":[", Step::Audit(None))
            }),
            Step::Audit(cursor) => {
                let of = (self.walk.member, self.walk.ids.as_slice());
                let part = person::part(&self.walk.app, self.walk.organization, of, cursor).await;
                part.map(|(records, next)| {
                    let text = self.items(&records);
                    self.goes_on(text, next.map(|next| Step::Audit(Some(next))), "],\"complete\":true}", Step::End)
                })
            }
        };
        Some((outcome.map_err(|problem| std::io::Error::other(problem.document())), self))
    }

    fn items(&mut self, items: &[impl Serialize]) -> String {
        let mut text = String::new();
        for item in items {
            if self.begun {
                text.push(',');
            }
            self.begun = true;
            text.push_str(&serde_json::to_string(item).unwrap_or_default());
        }
        text
    }

    /// The same list goes on, or the next one begins.
    fn goes_on(&mut self, text: String, same: Option<Step>, then: &str, next: Step) -> String {
        match same {
            Some(same) => {
                self.step = same;
                text
            }
            None => {
                (self.step, self.begun) = (next, false);
                text + then
            }
        }
    }
}

impl Walk {
    async fn page<T>(
        &self,
        cursor: Option<EntryId>,
        (conditions, only_calls): (Conditions, bool),
        view: impl Fn(entries::EntryRow) -> T,
    ) -> Result<(Vec<T>, Option<EntryId>), Problem> {
        let stretch = Stretch { from: None, to: None, cursor, limit: Size::MOST };
        let page = entries::page(&self.app, self.organization, stretch, (conditions, only_calls), view).await?;
        let next = page.next_cursor.map(|next| next.parse()).transpose().map_err(Problem::internal)?;
        Ok((page.data, next))
    }

    async fn calls(&self, cursor: Option<EntryId>) -> Result<(Vec<CallEnd>, Option<EntryId>), Problem> {
        let conditions = Conditions::default().equal("call ->> 'member'", Some(self.member));
        let (calls, next) = self.page(cursor, (conditions, true), requests::view).await?;
        Ok((calls.into_iter().flatten().collect(), next))
    }

    async fn movements(&self, cursor: Option<EntryId>) -> Result<(Vec<EntryBody>, Option<EntryId>), Problem> {
        let conditions = Conditions::default()
            .equal("iif(call IS NULL, 'movement', 'call')", Some("movement"))
            .naming("'/' || debit || '/' || credit || '/' || who || '/'", self.member);
        self.page(cursor, (conditions, false), EntryBody::from).await
    }

    async fn transfers(&self, before: Option<TransferId>) -> Result<(Vec<Transfer>, Option<TransferId>), Problem> {
        let (member, limit) = (Some(self.member), u32::from(Size::MOST.get()));
        let filter = TransferFilter { member, pool: false, direction: None, before, limit };
        let some = transfers(&self.app, self.team, filter).await?;
        let next = some.last().filter(|_| some.len() >= usize::from(Size::MOST.get())).map(|last| last.id);
        Ok((some.into_iter().map(Transfer::from).collect(), next))
    }

    async fn approvals(&self, before: Option<ApprovalId>) -> Result<(Vec<Approval>, Option<ApprovalId>), Problem> {
        let (of, limit) = (Some(self.member), u32::from(Size::MOST.get()));
        let filter = ApprovalFilter { of, before, limit, ..ApprovalFilter::default() };
        // Whoever may hand out all that is kept about somebody was asked for that.
        let page = approvals::some(&self.app, self.organization, Principal::Operator, filter).await?;
        let views = page.views.into_iter().map(|view| ApprovalView { may_decide: false, ..view });
        Ok((views.map(Approval::from).collect(), page.next))
    }
}

/// Erase what is personal about a member who was removed. It cannot be undone.
///
/// Name, e-mail address, account at the sign-in provider, names of keys, workloads, what they wrote to transfers,
/// requests and decisions, and all details of the audit trail about them go, here and in every copy. Their id stays, for credits that moved and acts that were done name it:
/// balances, reports and `GET /api/v1/audit/verify` hold as before. Doing it twice is doing it once.
#[utoipa::path(post, path = "/api/v1/members/{member_id}/erasure", tag = "Privacy",
    params(("member_id" = schema::MemberId, Path)), request_body = NewErasure,
    responses((status = 200, description = "What is left of them", body = Member)))]
#[worker::send]
pub(crate) async fn erase_member(
    caller: Caller,
    Id(id): Id<MemberId>,
    Body { value, repeat }: Body<NewErasure>,
) -> Result<Json<Member>, Problem> {
    let admin = caller.may(Action::EraseMember, Target::Member { id }).await?;
    if value.confirm != id {
        let detail =
            format!("`confirm` is `{}` and not the member's own id, `{id}`: nothing was erased", value.confirm);
        return Err(Problem::invalid(detail));
    }
    // What a reply would keep for repetitions is what is erased, so none is kept.
    let record = match admin.order(&repeat.part(), Act::EraseMember { member: id }).await? {
        Reply::Member(record) => record,
        _ => return Err(unexpected()),
    };
    // Erased again, these are gone as well where they were not the first time.
    for table in ["DELETE FROM chat_accounts", "DELETE FROM chat_links", "DELETE FROM deliveries"] {
        let sql = Sql::new(table).push(" WHERE organization = ").text(admin.organization);
        admin.app.execute(sql.push(" AND member = ").text(id)).await?;
    }
    Ok(Json(record.into()))
}
