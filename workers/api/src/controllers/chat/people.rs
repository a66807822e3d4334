//! Whose account in a chat is whose.

use ::organization::protocol::{Directory, MemberRecord};
use channels::command::Person;
use channels::slack;
use events::MemberStatus;
use identity::{ChannelId, MemberId};
use messenger::Line;
use serde::Deserialize;

use super::heard::Heard;
use crate::problem::Problem;
use crate::sql::Sql;

#[derive(Deserialize)]
struct Account {
    member: MemberId,
    email: String,
}

/// Whose account it is: the active member who had that address when the
/// account was found by it, and still has it. One that is not known yet is
/// asked for at the chat.
pub(super) async fn member(heard: &Heard, directory: &Directory, account: &str) -> Result<Option<MemberId>, Problem> {
    let workspace = heard.workspace.as_deref();
    let sql = Sql::new(
        "SELECT json_object('member', member, 'email', email) AS row FROM chat_accounts WHERE organization = ",
    )
    .text(heard.organization)
    .push(" AND channel = ")
    .text(heard.channel)
    .push(" AND account = ")
    .text(account);
    let known: Vec<Account> = heard.app.rows(sql).await?;
    // One that was linked by a code has no address.
    let is = |known: &Account| match known.email.as_str() {
        "" => directory
            .members
            .iter()
            .any(|one| one.profile.member == known.member && one.profile.status == MemberStatus::Active),
        email => by_address(directory, email) == Some(known.member),
    };
    if let Some(known) = known.into_iter().find(is) {
        return Ok(Some(known.member));
    }
    let (Line::Slack(config, _), Some(workspace)) = (&heard.line, workspace) else { return Ok(None) };
    let asked = slack::ask_who(config, account);
    let answer = messenger::send(&asked).await.map_err(Problem::unavailable)?;
    let Ok(email) = answer.read(|answer| slack::address(answer, workspace)) else { return Ok(None) };
    Ok(by_address(directory, &email))
}

/// The one active member with that address.
fn by_address(directory: &Directory, email: &str) -> Option<MemberId> {
    let has = |member: &&MemberRecord| {
        member.profile.status == MemberStatus::Active
            && member.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email))
    };
    only(directory.members.iter().filter(has))
}

/// Whom somebody means; the text is for them.
pub(super) async fn meant(
    heard: &Heard,
    directory: &Directory,
    person: &Person,
) -> Result<(MemberId, ChannelId), Problem> {
    let found = match person {
        Person::Account(account) => member(heard, directory, account).await?,
        Person::Email(email) => by_address(directory, email),
        Person::Name(name) => {
            let has = |member: &&MemberRecord| {
                let email = member.email.as_deref().and_then(|email| email.split_once('@'));
                let local = email.is_some_and(|(local, _)| local.eq_ignore_ascii_case(name));
                let same = member.profile.name.to_lowercase() == name.to_lowercase();
                member.profile.status == MemberStatus::Active && (local || same)
            };
            only(directory.members.iter().filter(has))
        }
    };
    let nobody = || Problem::invalid("I know nobody of that name, or more than one: write their e-mail address");
    found.map(|member| (member, heard.channel)).ok_or_else(nobody)
}

fn only<'a>(mut members: impl Iterator<Item = &'a MemberRecord>) -> Option<MemberId> {
    let first = members.next()?;
    members.next().is_none().then_some(first.profile.member)
}
