//! Policies that are settings: what most organizations want, without Cedar.
//! Each becomes a text in Cedar, which people can look at.

use std::fmt::Write;

use identity::MemberId;
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

use crate::Node;

/// A policy as a setting. Where `on` is left out it holds in the whole
/// organization, otherwise below that node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// What people may send each other.
    Transfers {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// More than that at once is refused, or needs approval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<Millicredits>,
        /// More than that in a day is refused, or needs approval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most_a_day: Option<Millicredits>,
        /// To whom; anybody in the organization if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Within>,
        /// Who can approve more; nobody if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
    },
    /// What people may draw from their team's pool at once.
    PoolDraws {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// More than that at once is refused, or needs approval.
        most: Millicredits,
        /// Who can approve more; nobody if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
    },
    /// Whether idle credits are shared during an absence.
    AbsenceSharing {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// Whether they are.
        allowed: bool,
    },
    /// Temporary allotments.
    Boosts {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// More than that is refused, or needs approval.
        most: Millicredits,
        /// Who can approve more; nobody if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
    },
    /// Credits up and down the tree, once or by plans.
    Allotments {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// More than that at once is refused, or needs approval.
        most: Millicredits,
        /// Who can approve more; nobody if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
    },
    /// Which models may be called.
    Models {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Node>,
        /// For these people; for everybody if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        members: Option<Vec<MemberId>>,
        /// Names, or beginnings that end in `*`.
        only: Vec<String>,
    },
}

/// How far away somebody may be who gets credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// In the same team.
    Team,
    /// In the same department.
    Department,
}

impl Setting {
    /// Above how much it refuses or asks for approval, where it has such a bound.
    #[must_use]
    pub const fn most(&self) -> Option<Millicredits> {
        match self {
            Self::Transfers { most, .. } => *most,
            Self::PoolDraws { most, .. } | Self::Boosts { most, .. } | Self::Allotments { most, .. } => Some(*most),
            Self::AbsenceSharing { .. } | Self::Models { .. } => None,
        }
    }

    /// Who can approve more than that.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::Transfers { approval, .. }
            | Self::PoolDraws { approval, .. }
            | Self::Boosts { approval, .. }
            | Self::Allotments { approval, .. } => approval.as_deref(),
            Self::AbsenceSharing { .. } | Self::Models { .. } => None,
        }
    }

    /// The setting as a policy in Cedar.
    #[must_use]
    pub fn to_cedar(&self) -> String {
        match self {
            Self::Transfers { on, most: None, most_a_day: None, within: None, .. } => {
                forbid(&["transfer"], *on, None, None)
            }
            Self::Transfers { on, most, most_a_day, within, approval } => {
                let approval = approval.as_deref();
                let most = most.map(|most| at_most("transfer", *on, most, approval));
                let a_day = most_a_day.map(|most| {
                    let sent = "context has millicredits && context has sent_today";
                    // Subtracted, for a sum could be beyond what Cedar counts.
                    let most = format!("{sent} && context.sent_today > {} - context.millicredits", most.get());
                    forbid(&["transfer"], *on, Some(&most), approval)
                });
                let within = within.map(|within| forbid(&["transfer"], *on, Some(within.beyond()), None));
                [most, a_day, within].into_iter().flatten().collect()
            }
            Self::PoolDraws { on, most, approval } => at_most("draw", *on, *most, approval.as_deref()),
            Self::Boosts { on, most, approval } => at_most("boost", *on, *most, approval.as_deref()),
            Self::Allotments { on, most, approval } => {
                // Plans allot in every period.
                let actions = ["allot", "create_plan", "change_plan"];
                forbid(&actions, *on, Some(&above(*most)), approval.as_deref())
            }
            Self::AbsenceSharing { on, allowed: false } => forbid(&["share_absence"], *on, None, None),
            Self::AbsenceSharing { on, allowed: true } => {
                // What is allowed anyway: said, so that it can be looked at.
                let place = place(*on);
                format!(
                    "permit (principal is Member, action == Action::\"share_absence\", resource is Wallet{place})\n\
                     when {{ resource.owner == principal }};\n"
                )
            }
            Self::Models { on, members, only } => models(*on, members.as_deref(), only),
        }
    }
}

impl Within {
    /// What is true of somebody who is farther away. Of a team's pool, and of
    /// whoever is in it, the account's own node is above.
    const fn beyond(self) -> &'static str {
        match self {
            Self::Team => "context has to_node && !(resource in context.to_node)",
            Self::Department => "context has to_department && !(resource in context.to_department)",
        }
    }
}

fn place(on: Option<Node>) -> String {
    on.map(|node| format!(" in Node::\"{node}\"")).unwrap_or_default()
}

fn at_most(action: &str, on: Option<Node>, most: Millicredits, approval: Option<&str>) -> String {
    forbid(&[action], on, Some(&above(most)), approval)
}

fn above(most: Millicredits) -> String {
    format!("context has millicredits && context.millicredits > {}", most.get())
}

fn forbid(actions: &[&str], on: Option<Node>, condition: Option<&str>, approval: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if let Some(chain) = approval {
        let _ = writeln!(text, "@needs_approval({})", quoted(chain));
    }
    let names: Vec<String> = actions.iter().map(|action| format!("Action::\"{action}\"")).collect();
    let actions = match names.as_slice() {
        [one] => format!("== {one}"),
        several => format!("in [{}]", several.join(", ")),
    };
    let _ = write!(text, "forbid (principal, action {actions}, resource{})", place(on));
    if let Some(condition) = condition {
        let _ = write!(text, "\nwhen {{ {condition} }}");
    }
    if approval.is_some() {
        text.push_str("\nunless { context.approved }");
    }
    text.push_str(";\n");
    text
}

fn models(on: Option<Node>, members: Option<&[MemberId]>, only: &[String]) -> String {
    let patterns: Vec<String> = only.iter().map(|pattern| format!("resource.name like {}", like(pattern))).collect();
    let names = if patterns.is_empty() { "false".to_owned() } else { patterns.join(" || ") };
    let who: Vec<String> = members.unwrap_or_default().iter().map(|id| format!("Member::\"{id}\"")).collect();
    let place = on.map(|node| format!("principal in Node::\"{node}\""));
    let people = members.map(|_| format!("[{}].contains(principal)", who.join(", ")));
    let conditions: Vec<String> = [place, people].into_iter().flatten().collect();
    let when = if conditions.is_empty() { String::new() } else { format!("\nwhen {{ {} }}", conditions.join(" && ")) };
    format!(
        "forbid (principal is Member, action == Action::\"use_model\", resource is Model){when}\n\
         unless {{ {names} }};\n"
    )
}

/// A pattern of ours as one of Cedar's: there, too, `*` is any text, but it
/// may be anywhere, and ours has it at the end only.
fn like(pattern: &str) -> String {
    match pattern.strip_suffix('*') {
        Some(beginning) => format!("\"{}*\"", escaped(beginning).replace('*', "\\*")),
        None => format!("\"{}\"", escaped(pattern).replace('*', "\\*")),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// As Cedar's strings, which have Rust's escapes.
fn escaped(text: &str) -> String {
    text.escape_default().to_string()
}

#[cfg(test)]
mod tests {
    use identity::TeamId;

    use super::*;
    use crate::{Mode, Rule};

    #[test]
    fn each_becomes_a_policy_that_fits_the_schema() {
        let on = Some(Node::Team(TeamId::from_u128(1)));
        let most = Millicredits::from_credits(5).unwrap();
        let approval = Some("team \"manager\"".to_owned());
        let all = [
            Setting::Transfers { on, most: None, most_a_day: None, within: None, approval: None },
            Setting::Transfers {
                on: None,
                most: Some(most),
                most_a_day: Some(most),
                within: Some(Within::Department),
                approval: approval.clone(),
            },
            Setting::Transfers { on, most: None, most_a_day: None, within: Some(Within::Team), approval: None },
            Setting::PoolDraws { on, most, approval: None },
            Setting::AbsenceSharing { on, allowed: true },
            Setting::AbsenceSharing { on: None, allowed: false },
            Setting::Boosts { on, most, approval: approval.clone() },
            Setting::Allotments { on, most, approval },
            Setting::Models { on: None, members: None, only: vec!["gpt-4*".into(), "a\"*b".into()] },
            Setting::Models { on, members: Some(vec![MemberId::from_u128(1)]), only: vec![] },
        ];
        let mut texts = String::new();
        for setting in all {
            let text = setting.to_cedar();
            Rule { id: "pol".into(), text: text.clone(), mode: Mode::Enforce }.check().unwrap();
            texts.push_str(&text);
            texts.push('\n');
        }
        insta::assert_snapshot!("settings", texts);
    }
}
