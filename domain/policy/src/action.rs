//! What can be done: every operation of the API and every movement of credits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Actions that go together. Roles are made of areas, so that a new operation
/// only has to say which area it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Whoever runs the installation.
    Operate,
    /// Reading the tree, its keys, limits, providers and prices.
    ViewTree,
    /// Reading balances, usage, requests and journals.
    ViewMoney,
    /// Reading roles, policies and who may do what.
    ViewAccess,
    /// Reading the audit trail.
    ViewAudit,
    /// The organization's settings.
    ManageSettings,
    /// Who serves models.
    ManageProviders,
    /// What models cost.
    ManagePrices,
    /// Departments.
    ManageDepartments,
    /// Teams.
    ManageTeams,
    /// Members.
    ManageMembers,
    /// Members' keys.
    ManageKeys,
    /// Caps and rate limits.
    ManageLimits,
    /// Credits up and down the tree.
    MoveCredits,
    /// Admin keys, service accounts, roles and sign-in.
    ManageAccess,
    /// Lending one's own role.
    LendRoles,
    /// The organization's own policies.
    ManagePolicies,
    /// Personal data: export and erasure.
    ManagePrivacy,
    /// Credits between people.
    Share,
    /// Calling models.
    Call,
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The organization, a department or a team.
    Node,
    /// The organization itself, for what is about all of it.
    Root,
    /// A person.
    Member,
    /// What is told about a node: what was used, called, moved or done there.
    Report,
    /// The same about a person.
    PersonReport,
    /// A person's account.
    Wallet,
    /// A team's shared account.
    Pool,
    /// A person's key.
    Key,
    /// A model, as requests name it.
    Model,
    /// A policy of the organization's own.
    Policy,
}

macro_rules! areas {
    ($($area:ident = $text:literal),+ $(,)?) => {
        impl Area {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$area),+];

            /// The name of the group of actions in policies.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$area => $text),+
                }
            }
        }
    };
}

areas! {
    Operate = "operate",
    ViewTree = "view_tree",
    ViewMoney = "view_money",
    ViewAccess = "view_access",
    ViewAudit = "view_audit",
    ManageSettings = "manage_settings",
    ManageProviders = "manage_providers",
    ManagePrices = "manage_prices",
    ManageDepartments = "manage_departments",
    ManageTeams = "manage_teams",
    ManageMembers = "manage_members",
    ManageKeys = "manage_keys",
    ManageLimits = "manage_limits",
    MoveCredits = "move_credits",
    ManageAccess = "manage_access",
    LendRoles = "lend_roles",
    ManagePolicies = "manage_policies",
    ManagePrivacy = "manage_privacy",
    Share = "share",
    Call = "call",
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $text:literal in $area:ident on $($kind:ident)|+;)+) => {
        /// One operation of the API, by its `operationId`, or one movement of
        /// credits. Policies name them; the names never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $action),+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),+];

            /// The name, in policies and in the audit trail.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $text),+
                }
            }

            /// The area that it belongs to.
            #[must_use]
            pub const fn area(self) -> Area {
                match self {
                    $(Self::$action => Area::$area),+
                }
            }

            /// What it can be done to.
            #[must_use]
            pub const fn kinds(self) -> &'static [Kind] {
                match self {
                    $(Self::$action => &[$(Kind::$kind),+]),+
                }
            }
        }
    };
}

actions! {
    /// Make an organization.
    CreateOrganization = "create_organization" in Operate on Node;
    /// List all organizations.
    ListOrganizations = "list_organizations" in Operate on Node;
    /// Bring credits into being.
    IssueCredits = "issue_credits" in Operate on Root;
    /// Say which e-mail domains are the organization's own.
    ChangeDomains = "change_domains" in Operate on Root;
    /// Show under which master secret the organization's secrets are sealed.
    GetSealed = "get_sealed" in Operate on Root;
    /// Seal the organization's secrets under the current master secret.
    Reseal = "reseal" in Operate on Root;
    /// Read the totals for monitoring.
    Metrics = "metrics" in Operate on Report;

    /// Show the organization.
    GetOrganization = "get_organization" in ViewTree on Root;
    /// List departments.
    ListDepartments = "list_departments" in ViewTree on Node;
    /// Show a department.
    GetDepartment = "get_department" in ViewTree on Node;
    /// List teams.
    ListTeams = "list_teams" in ViewTree on Node;
    /// Show a team.
    GetTeam = "get_team" in ViewTree on Node;
    /// List members.
    ListMembers = "list_members" in ViewTree on Node;
    /// Show a member.
    GetMember = "get_member" in ViewTree on Member;
    /// List a team's keys.
    ListKeys = "list_keys" in ViewTree on Node;
    /// Show a key.
    GetKey = "get_key" in ViewTree on Key;
    /// List a team's limits.
    ListLimits = "list_limits" in ViewTree on Node;
    /// Show a limit.
    GetLimit = "get_limit" in ViewTree on Node;
    /// List providers.
    ListProviders = "list_providers" in ViewTree on Node;
    /// Show a provider.
    GetProvider = "get_provider" in ViewTree on Node;
    /// List calendars.
    ListCalendars = "list_calendars" in ViewAccess on Root;
    /// Show a calendar.
    GetCalendar = "get_calendar" in ViewAccess on Root;
    /// List channels.
    ListChannels = "list_channels" in ViewAccess on Root;
    /// Show a channel.
    GetChannel = "get_channel" in ViewAccess on Root;
    /// List prices.
    ListPrices = "list_prices" in ViewTree on Node;
    /// Show the organization's own prices.
    GetOverrides = "get_overrides" in ViewTree on Node;

    /// List balances.
    ListBalances = "list_balances" in ViewMoney on Node;
    /// Show a balance.
    GetBalance = "get_balance" in ViewMoney on Node | Wallet;
    /// Show usage.
    GetUsage = "get_usage" in ViewMoney on Report | PersonReport;
    /// Read journals.
    ListJournal = "list_journal" in ViewMoney on Report;
    /// List calls.
    ListRequests = "list_requests" in ViewMoney on Report | PersonReport;
    /// List transfers.
    ListTransfers = "list_transfers" in ViewMoney on Report | PersonReport;
    /// Take a list of transfers out of the house, whole.
    ExportTransfers = "export_transfers" in ViewMoney on Report | PersonReport;
    /// Show a transfer.
    GetTransfer = "get_transfer" in ViewMoney on Node | Member;
    /// List absences.
    ListAbsences = "list_absences" in ViewMoney on Node | Member;
    /// Show an absence.
    GetAbsence = "get_absence" in ViewMoney on Node | Member;
    /// List boosts.
    ListBoosts = "list_boosts" in ViewMoney on Node | Member;
    /// Show a boost.
    GetBoost = "get_boost" in ViewMoney on Node | Member;
    /// List plans.
    ListPlans = "list_plans" in ViewMoney on Node | Member;
    /// Show a plan.
    GetPlan = "get_plan" in ViewMoney on Node;
    /// Hear of balances, transfers, boosts and approvals while they happen.
    WatchEvents = "watch_events" in ViewMoney on Node | Member;
    /// List messages that could not be delivered.
    ListDeadLetters = "list_dead_letters" in ViewMoney on Root;

    /// List admin keys.
    ListAdminKeys = "list_admin_keys" in ViewAccess on Root;
    /// List service accounts.
    ListServiceAccounts = "list_service_accounts" in ViewAccess on Root;
    /// Show a service account.
    GetServiceAccount = "get_service_account" in ViewAccess on Root;
    /// List roles that were granted.
    ListGrants = "list_grants" in ViewAccess on Node;
    /// List workloads.
    ListWorkloads = "list_workloads" in ViewAccess on Root;
    /// Show how people sign in.
    GetSignIn = "get_sign_in" in ViewAccess on Root;
    /// Show the organization's e-mail domains.
    GetDomains = "get_domains" in ViewAccess on Root;
    /// List a member's sessions.
    ListSessions = "list_sessions" in ViewAccess on Member;
    /// List one's own linked accounts in chats.
    ListChatLinks = "list_chat_links" in ViewAccess on Member;
    /// List policies.
    ListPolicies = "list_policies" in ViewAccess on Root;
    /// Show a policy.
    GetPolicy = "get_policy" in ViewAccess on Policy;
    /// List the versions of a policy.
    ListPolicyVersions = "list_policy_versions" in ViewAccess on Policy;
    /// Show who may do what.
    GetMatrix = "get_matrix" in ViewAccess on Node;
    /// Try policies on recorded decisions.
    TestPolicies = "test_policies" in ViewAccess on Root;

    /// Read the audit trail.
    ListAudit = "list_audit" in ViewAudit on Report;
    /// Export the audit trail.
    ExportAudit = "export_audit" in ViewAudit on Report;
    /// Verify the audit trail.
    VerifyAudit = "verify_audit" in ViewAudit on Report;
    /// List who is to be told of what.
    ListNotifications = "list_notifications" in ViewAudit on Node;

    /// Change the organization's settings.
    ChangeOrganization = "change_organization" in ManageSettings on Root;
    /// Remove a message that could not be delivered.
    RemoveDeadLetter = "remove_dead_letter" in ManageSettings on Root;
    /// Send again what could not be delivered.
    ResendDeadLetter = "resend_dead_letter" in ManageSettings on Root;
    /// Add a calendar.
    CreateCalendar = "create_calendar" in ManageSettings on Root;
    /// Change a calendar.
    ChangeCalendar = "change_calendar" in ManageSettings on Root;
    /// Remove a calendar.
    RemoveCalendar = "remove_calendar" in ManageSettings on Root;
    /// Add a channel.
    CreateChannel = "create_channel" in ManageSettings on Root;
    /// Change a channel.
    ChangeChannel = "change_channel" in ManageSettings on Root;
    /// Try a channel.
    TestChannel = "test_channel" in ManageSettings on Root;
    /// Remove a channel.
    RemoveChannel = "remove_channel" in ManageSettings on Root;

    /// Add a provider.
    CreateProvider = "create_provider" in ManageProviders on Root;
    /// Change a provider.
    ChangeProvider = "change_provider" in ManageProviders on Root;
    /// Remove a provider.
    RemoveProvider = "remove_provider" in ManageProviders on Root;

    /// Replace the organization's own prices.
    ReplaceOverrides = "replace_overrides" in ManagePrices on Root;
    /// Change some of the organization's own prices.
    ChangeOverrides = "change_overrides" in ManagePrices on Root;

    /// Make a department.
    CreateDepartment = "create_department" in ManageDepartments on Root;
    /// Change a department.
    ChangeDepartment = "change_department" in ManageDepartments on Node;

    /// Make a team in a department.
    CreateTeam = "create_team" in ManageTeams on Node;
    /// Change a team.
    ChangeTeam = "change_team" in ManageTeams on Node;

    /// Add a member to a team.
    CreateMember = "create_member" in ManageMembers on Node;
    /// Change a member.
    ChangeMember = "change_member" in ManageMembers on Member;

    /// End a member's session.
    EndSession = "end_session" in ManageMembers on Member;
    /// End all of a member's sessions.
    EndSessions = "end_sessions" in ManageMembers on Member;

    /// Make a key for a member.
    CreateKey = "create_key" in ManageKeys on Member;
    /// Give a key a new secret.
    RotateKey = "rotate_key" in ManageKeys on Key;
    /// Revoke a key.
    RevokeKey = "revoke_key" in ManageKeys on Key;

    /// Set a limit.
    CreateLimit = "create_limit" in ManageLimits on Node;
    /// Change a limit.
    ChangeLimit = "change_limit" in ManageLimits on Node;
    /// Remove a limit.
    RemoveLimit = "remove_limit" in ManageLimits on Node;

    /// Move credits one step up or down the tree, below the node.
    Allot = "allot" in MoveCredits on Node;
    /// Make a plan by which credits come from the node in every period.
    CreatePlan = "create_plan" in MoveCredits on Node;
    /// Change a plan.
    ChangePlan = "change_plan" in MoveCredits on Node;
    /// Remove a plan.
    RemovePlan = "remove_plan" in MoveCredits on Node;

    /// Make an admin key.
    CreateAdminKey = "create_admin_key" in ManageAccess on Root;
    /// Revoke an admin key.
    RevokeAdminKey = "revoke_admin_key" in ManageAccess on Root;
    /// Make a service account.
    CreateServiceAccount = "create_service_account" in ManageAccess on Root;
    /// Change a service account.
    ChangeServiceAccount = "change_service_account" in ManageAccess on Root;
    /// Make a key for a service account.
    CreateServiceKey = "create_service_key" in ManageAccess on Root;
    /// Revoke a service account's key.
    RevokeServiceKey = "revoke_service_key" in ManageAccess on Root;
    /// Let a workload's tokens stand in place of a key.
    CreateWorkload = "create_workload" in ManageAccess on Root;
    /// Accept a workload's tokens no more.
    RemoveWorkload = "remove_workload" in ManageAccess on Root;
    /// Set at which provider people sign in.
    ChangeSignIn = "change_sign_in" in ManageAccess on Root;
    /// Let nobody sign in any more.
    RemoveSignIn = "remove_sign_in" in ManageAccess on Root;
    /// Say who there is and in which groups, as the identity provider does by SCIM.
    Provision = "provision" in ManageAccess on Root;
    /// Make a setup token.
    CreateSetupToken = "create_setup_token" in ManageAccess on Root;
    /// Make a session for a script of one's own.
    CreateSession = "create_session" in ManageAccess on Member;
    /// Make a code that links one's own account in a chat.
    CreateChatLink = "create_chat_link" in ManageAccess on Member;
    /// Link one's own account in a chat, by sending such a code from there.
    LinkChat = "link_chat" in ManageAccess on Member;
    /// Unlink one's own account in a chat.
    RemoveChatLink = "remove_chat_link" in ManageAccess on Member;
    /// Grant a role on a node.
    CreateGrant = "create_grant" in ManageAccess on Root;
    /// Take a role back.
    RevokeGrant = "revoke_grant" in ManageAccess on Root;

    /// Lend one's own role on a node until a date.
    LendRole = "lend_role" in LendRoles on Node;

    /// Make a policy.
    CreatePolicy = "create_policy" in ManagePolicies on Root;
    /// Change a policy.
    ChangePolicy = "change_policy" in ManagePolicies on Policy;
    /// Remove a policy.
    RemovePolicy = "remove_policy" in ManagePolicies on Policy;

    /// Hand out all that is kept about a member.
    ExportMember = "export_member" in ManagePrivacy on Member;
    /// Erase what is personal about a member who was removed.
    EraseMember = "erase_member" in ManagePrivacy on Member;

    /// Credits from a person's account to another account.
    Transfer = "transfer" in Share on Wallet | Pool;
    /// See what would come of a transfer.
    PreviewTransfer = "preview_transfer" in Share on Wallet | Pool;
    /// Take a transfer back, as far as it is unspent, to the account that it came from.
    UndoTransfer = "undo_transfer" in Share on Wallet | Pool;
    /// Ask for credits that others must approve.
    RequestApproval = "request_approval" in Share on Root;
    /// List what was asked for.
    ListApprovals = "list_approvals" in Share on Root;
    /// Show what was asked for.
    GetApproval = "get_approval" in Share on Root;
    /// Approve what was asked for, for whom the chain names.
    Approve = "approve" in Share on Root;
    /// Deny what was asked for, for whom the chain names.
    Deny = "deny" in Share on Root;
    /// Withdraw what one has asked for.
    CancelApproval = "cancel_approval" in Share on Root;
    /// Credits from the pool to the person who asks.
    Draw = "draw" in Share on Pool;
    /// Say that somebody is away, or will be.
    CreateAbsence = "create_absence" in Share on Wallet;
    /// Say it otherwise.
    ChangeAbsence = "change_absence" in Share on Wallet;
    /// Say that somebody is back, or does not go.
    EndAbsence = "end_absence" in Share on Wallet;
    /// Idle credits to the pool or a delegate during an absence.
    ShareAbsence = "share_absence" in Share on Wallet;
    /// A temporary allotment for a person.
    Boost = "boost" in Share on Wallet;
    /// End a boost before its time.
    EndBoost = "end_boost" in Share on Wallet;

    /// A call of a model through the gateway.
    UseModel = "use_model" in Call on Model;
}

impl Action {
    /// Whether it reads a report, and not what the report is about.
    #[must_use]
    pub fn is_report(self) -> bool {
        self.kinds().iter().any(|kind| kind.subject().is_some())
    }

    /// Whether it only looks: then nothing is written about it where it is
    /// allowed.
    #[must_use]
    pub const fn is_read(self) -> bool {
        match self {
            Self::ListOrganizations
            | Self::GetSealed
            | Self::Metrics
            | Self::PreviewTransfer
            | Self::ListApprovals
            | Self::GetApproval => true,
            _ => matches!(self.area(), Area::ViewTree | Area::ViewMoney | Area::ViewAccess | Area::ViewAudit),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an action: `GET /api/v1/permissions/matrix` lists them")]
pub struct ActionError(String);

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, ActionError> {
        let found = Self::ALL.iter().copied().find(|action| action.as_str() == text);
        found.ok_or_else(|| ActionError(text.chars().take(80).collect()))
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Kind {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Node, Self::Member, Self::Report, Self::Wallet, Self::Pool, Self::Key, Self::Model, Self::Policy];

    /// The type's name in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node | Self::Root => "Node",
            Self::Member => "Member",
            Self::Report | Self::PersonReport => "Report",
            Self::Wallet => "Wallet",
            Self::Pool => "Pool",
            Self::Key => "Key",
            Self::Model => "Model",
            Self::Policy => "Policy",
        }
    }

    /// Of a report: the type of what it is about.
    #[must_use]
    pub const fn subject(self) -> Option<Self> {
        match self {
            Self::Report => Some(Self::Node),
            Self::PersonReport => Some(Self::Member),
            _ => None,
        }
    }
}
