//! The page that shows what was asked for, and asks what shall become of it.

use ::approvals::State;
use ::organization::protocol::{ApprovalFilter, ApprovalView};
use axum::response::{IntoResponse, Response};
use channels::Verdict;
use http::{StatusCode, header};
use identity::{ApprovalId, OrganizationId, Principal};
use url::form_urlencoded;

use crate::app::App;
use crate::controllers::approvals::list::some;
use crate::problem::{Code, Problem};
use crate::sign_in::page::{self, escape};
use crate::text::Note;
use crate::time::Time;

/// A form's body: a reason of 500 characters, escaped.
pub(in crate::controllers) const MOST_BYTES: usize = 8 * 1024;

/// What was asked for, as somebody sees it.
pub(super) struct Asked {
    view: ApprovalView,
    requester: String,
}

/// Reads what was asked for.
pub(super) async fn read(
    app: &App,
    organization: OrganizationId,
    viewer: Principal,
    id: ApprovalId,
) -> Result<Asked, Problem> {
    let filter = ApprovalFilter { id: Some(id), limit: 1, ..ApprovalFilter::default() };
    let view = some(app, organization, viewer, filter).await?.views.pop();
    let view = view.ok_or_else(|| Problem::not_found("approval", id))?;
    let directory = app.directory(organization).await?;
    let member = match view.approval.requester {
        Principal::Person(member, _) | Principal::Member(member, _) | Principal::Chat(member, _) => Some(member),
        _ => None,
    };
    let mut members = directory.members.into_iter();
    let known = members.find(|known| Some(known.profile.member) == member);
    let requester = known.map_or_else(|| "A program".to_owned(), |known| known.profile.name);
    Ok(Asked { view, requester })
}

/// Asks for one of these, with what else the form sends along. What is over, or
/// not theirs to decide, it only says.
pub(super) fn page(asked: &Asked, verdicts: &[Verdict], hidden: &str) -> Response {
    let Asked { view, requester } = asked;
    let what = &view.approval.asked;
    let reason = what.reason.as_deref().map(|reason| format!("<p>“{}”</p>", escape(reason))).unwrap_or_default();
    let about = format!("<h1>{} asks for {} credits</h1>{reason}", escape(requester), what.amount);
    let state = match view.approval.course.state {
        State::Pending if view.may_decide => None,
        State::Pending => Some("You cannot decide about it now."),
        State::Approved => Some("It was approved."),
        State::Denied => Some("It was denied."),
        State::Expired => Some("Nobody decided it in time."),
        State::Cancelled => Some("It was withdrawn."),
    };
    if let Some(state) = state {
        return page::page(StatusCode::OK, "A request", &format!("{about}<p>{state}</p>"));
    }
    let until = Time::from_ms(view.approval.course.expires_ms);
    let button = |verdict: &Verdict| match verdict {
        Verdict::Approve => "<button name=\"verdict\" value=\"approve\">Approve</button>",
        Verdict::Deny => "<button name=\"verdict\" value=\"deny\">Deny</button>",
    };
    let buttons: String = verdicts.iter().map(button).collect();
    page::asking(
        "A request",
        &format!(
            "{about}<p>It can be decided until {until}.</p><form method=\"post\">{hidden}<label for=\"reason\">Why, if \
             you want to say</label><input id=\"reason\" name=\"reason\" maxlength=\"500\" autocomplete=\"off\">\
             {buttons}</form>"
        ),
    )
}

/// What was decided.
pub(super) fn done(verdict: Verdict) -> Response {
    let said = match verdict {
        Verdict::Approve => "You have approved it.",
        Verdict::Deny => "You have denied it.",
    };
    page::page(StatusCode::OK, "Decided", &format!("<h1>{said}</h1><p>Whoever asked is told.</p>"))
}

/// Why nothing was decided.
pub(super) fn sorry(problem: Problem) -> Response {
    let body = format!("<h1>Nothing was decided</h1><p>{}</p>", escape(problem.detail()));
    let plain = problem.into_response();
    let mut response = page::page(plain.status(), "Not decided", &body);
    if let Some(after) = plain.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}

/// A field of the form.
pub(in crate::controllers) fn field(body: &[u8], name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(body);
    fields.find(|(own, value)| own == name && !value.trim().is_empty()).map(|(_, value)| value.trim().to_owned())
}

/// Why, if they said.
pub(in crate::controllers) fn reason(body: &[u8]) -> Result<Option<Note>, Problem> {
    field(body, "reason").map(Note::try_from).transpose().map_err(Problem::invalid)
}

/// Whether it may have been our own fault.
pub(super) const fn is_ours(problem: &Problem) -> bool {
    matches!(problem.code, Code::Internal | Code::Unavailable | Code::Overloaded)
}
