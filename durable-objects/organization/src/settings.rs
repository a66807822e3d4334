//! What the gateway needs of an organization: who serves models, at what
//! price. It is kept in the isolates' memory by version.

use std::collections::BTreeMap;

use approvals::Chain;
use identity::{
    KeyId, MemberId, Networks, OrganizationId, ProviderId, ServiceAccountId, ServiceKeyId, TeamId, WorkloadId,
};
use openid::{ClaimRule, Issuer};
use policy::Rule;
use pricing::{CreditRate, Overrides};
use serde::{Deserialize, Serialize};
use vault::Sealed;

use crate::retention::Retention;

/// One version of the settings. Versions only grow; a team that has heard of a
/// newer one refuses calls that were prepared with an older.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Which version.
    pub version: u64,
    /// Whose.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// What can be changed at will.
    pub general: General,
    /// Who serves models, in the order in which they are asked.
    pub providers: Vec<Provider>,
    /// The organization's own prices and discounts.
    pub overrides: Overrides,
    /// Workloads whose tokens stand in place of keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// Policies that have a say in calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// A workload whose tokens stand in place of a key: a CI job, a pod, a virtual
/// machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its id.
    pub id: WorkloadId,
    /// What it is called; unique.
    pub name: String,
    /// Who signs its tokens.
    pub issuer: Issuer,
    /// What they must say: all of it.
    pub rules: Vec<ClaimRule>,
    /// Whose key they stand for.
    pub stands_for: StandsFor,
    /// When it was made.
    pub created_ms: i64,
}

/// The key behind a workload's tokens. It has no secret, but limits, scopes
/// and an owner as others have, and can be revoked as they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandsFor {
    /// A member's key, for calls.
    Key {
        /// In which team.
        team: TeamId,
        /// Whose.
        member: MemberId,
        /// Which.
        key: KeyId,
    },
    /// A service account's key, for the management API.
    ServiceKey {
        /// Whose.
        account: ServiceAccountId,
        /// Which.
        key: ServiceKeyId,
    },
}

/// Settings that an admin changes at will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct General {
    /// IANA name; windows and reports are cut in it.
    pub time_zone: String,
    /// Dollars that a million credits are worth.
    pub usd_per_million_credits: CreditRate,
    /// What happens to a call that its payers cannot afford in full.
    pub output_limit: OutputLimit,
    /// Where people ask for more: a sentence or a link, shown with refusals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Networks that members' calls and acts of management may come from.
    /// `None` for all. The operator is not bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Networks>,
    /// What becomes of the credits of members who are removed.
    pub leaver_credits: LeaverCredits,
    /// For how long records are kept.
    #[serde(skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
    /// A transfer can be undone for so long, as far as it is unspent.
    #[serde(skip_serializing_if = "is_usual_undo")]
    pub undo_minutes: u32,
    /// Who must approve what policies name by these chains' names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approval_chains: Vec<Chain>,
}

/// For how many minutes a transfer can be undone where nothing is said.
const UNDO_MINUTES: u32 = 5;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_usual_undo(minutes: &u32) -> bool {
    *minutes == UNDO_MINUTES
}

impl Default for General {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            usd_per_million_credits: CreditRate::default(),
            output_limit: OutputLimit::default(),
            help: None,
            addresses: None,
            leaver_credits: LeaverCredits::default(),
            retention: Retention::default(),
            undo_minutes: UNDO_MINUTES,
            approval_chains: Vec::new(),
        }
    }
}

impl General {
    /// The longest time for which a transfer can be undone: a day. Who got
    /// credits must be able to rely on them.
    pub const MOST_UNDO_MINUTES: u32 = 24 * 60;
    /// More chains than that nobody keeps apart.
    pub const MOST_CHAINS: usize = 50;
}

/// What becomes of the credits of a member who is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaverCredits {
    /// They go back to the team's pool.
    #[default]
    Pool,
    /// They stay in the wallet, where nobody can spend them until an admin
    /// moves them or the member comes back.
    Wallet,
}

/// What happens to a call that its payers cannot afford in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputLimit {
    /// Its output is limited to what they can afford.
    #[default]
    Clamp,
    /// It is refused.
    Refuse,
}

/// Who serves models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// What the organization calls it; unique.
    pub name: String,
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// Where it is; empty for the built-in one.
    #[serde(default)]
    pub base_url: String,
    /// Its key, sealed for its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Sealed>,
    /// Models that it serves: exact names or beginnings that end in `*`. A
    /// beginning with a slash (`groq/*`) is not sent on.
    pub models: Vec<String>,
    /// By which name the price book knows it; its own name where it is left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
    /// Headers that are added or replaced on the way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How it wants the output limited.
    #[serde(default)]
    pub limit_field: LimitField,
    /// How long it may take to begin its answer.
    pub header_timeout_ms: i64,
    /// How long it may be silent in the middle of a stream.
    pub idle_timeout_ms: i64,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// As OpenAI's API.
    #[default]
    Openai,
    /// Not at all: the built-in provider for development.
    Demo,
}

/// By which field a provider limits the output, where the client named none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitField {
    /// OpenAI's newer one.
    #[default]
    MaxCompletionTokens,
    /// The older one, which others kept.
    MaxTokens,
}

impl Provider {
    /// Beyond ten minutes nobody waits for headers.
    pub const LONGEST_TIMEOUT_MS: i64 = 600_000;
    /// Long enough for a model that thinks before it speaks.
    pub const DEFAULT_HEADER_TIMEOUT_MS: i64 = 120_000;
    /// Providers send keep-alives far more often.
    pub const DEFAULT_IDLE_TIMEOUT_MS: i64 = 60_000;

    /// Whether it serves a model.
    #[must_use]
    pub fn serves(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => pattern == model,
        })
    }

    /// The model's name as this provider knows it: without a beginning like
    /// `groq/` that only says who shall serve it.
    #[must_use]
    pub fn upstream_model<'a>(&self, model: &'a str) -> &'a str {
        let beginnings = self.models.iter().filter_map(|pattern| pattern.strip_suffix('*'));
        beginnings
            .filter(|beginning| beginning.ends_with('/'))
            .find_map(|beginning| model.strip_prefix(beginning))
            .unwrap_or(model)
    }

    /// The name under which the price book is asked.
    #[must_use]
    pub fn price_name(&self) -> &str {
        self.prices.as_deref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_by_name_and_beginning() {
        let provider = Provider {
            id: ProviderId::from_u128(1),
            name: "groq".into(),
            kind: ProviderKind::Openai,
            base_url: "https://api.example.com/v1".into(),
            key: None,
            models: vec!["groq/*".into(), "llama-3*".into(), "whisper".into()],
            prices: None,
            headers: BTreeMap::new(),
            limit_field: LimitField::default(),
            header_timeout_ms: 1,
            idle_timeout_ms: 1,
        };
        for (model, upstream) in [
            ("groq/qwen", Some("qwen")),
            ("llama-3.1-8b", Some("llama-3.1-8b")),
            ("whisper", Some("whisper")),
            ("whisper-2", None),
            ("gpt-4o", None),
        ] {
            assert_eq!(provider.serves(model).then(|| provider.upstream_model(model)), upstream, "{model}");
        }
    }
}
