//! The operations of the management API that this client calls.
//!
//! One place spells the paths. A test holds each against `openapi.json`.

/// How an operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// An operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its `operationId`.
    pub(crate) id: &'static str,
    /// Its method.
    pub(crate) method: Method,
    /// Its path below `/api/v1`.
    pub(crate) path: &'static str,
    /// The query parameters that this client sends, besides `cursor` and `limit`.
    pub(crate) query: &'static [&'static str],
}

impl Operation {
    /// The path with `ids` in the place of its parameters.
    pub(crate) fn path_to(&self, ids: &[&str]) -> String {
        let mut ids = ids.iter();
        let part = |part: &str| match part.strip_prefix('{') {
            Some(_) => encoded(ids.next().copied().unwrap_or_default()),
            None => part.to_owned(),
        };
        self.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

macro_rules! operations {
    ($($name:ident: $method:ident $path:literal $id:literal $([$($query:literal),*])?;)*) => {
        $(pub(crate) const $name: &Operation =
            &Operation { id: $id, method: Method::$method, path: $path, query: &[$($($query),*)?] };)*

        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[&Operation] = &[$($name),*];
    };
}

operations! {
    GET_ME: Get "/me" "get_me";
    GET_ORGANIZATION: Get "/organization" "get_organization";
    CHANGE_ORGANIZATION: Patch "/organization" "change_organization";
    LIST_ORGANIZATIONS: Get "/organizations" "list_organizations";
    LIST_BALANCES: Get "/balances" "list_balances";
    GET_BALANCE: Get "/balances/{node}" "get_balance";
    ALLOT: Post "/allotments" "allot";
    TRANSFER: Post "/transfers" "transfer";
    PREVIEW_TRANSFER: Post "/transfers/preview" "preview_transfer";
    LIST_TRANSFERS: Get "/transfers" "list_transfers" ["member_id", "team_id", "direction"];
    GET_TRANSFER: Get "/transfers/{transfer_id}" "get_transfer";
    UNDO_TRANSFER: Post "/transfers/{transfer_id}/undo" "undo_transfer";
    REQUEST_APPROVAL: Post "/approvals" "request_approval";
    LIST_APPROVALS: Get "/approvals" "list_approvals" ["only", "state"];
    GET_APPROVAL: Get "/approvals/{approval_id}" "get_approval";
    APPROVE: Post "/approvals/{approval_id}/approve" "approve";
    DENY: Post "/approvals/{approval_id}/deny" "deny";
    CANCEL_APPROVAL: Post "/approvals/{approval_id}/cancel" "cancel_approval";
    BOOST: Post "/boosts" "boost";
    LIST_BOOSTS: Get "/boosts" "list_boosts" ["member_id", "team_id", "state"];
    GET_BOOST: Get "/boosts/{boost_id}" "get_boost";
    END_BOOST: Post "/boosts/{boost_id}/end" "end_boost";
    CREATE_ABSENCE: Post "/absences" "create_absence";
    LIST_ABSENCES: Get "/absences" "list_absences" ["member_id", "team_id", "state"];
    GET_ABSENCE: Get "/absences/{absence_id}" "get_absence";
    END_ABSENCE: Post "/absences/{absence_id}/end" "end_absence";
    WATCH_EVENTS: Get "/events" "watch_events" ["team_id"];
    LIST_DEPARTMENTS: Get "/departments" "list_departments";
    CREATE_DEPARTMENT: Post "/departments" "create_department";
    LIST_TEAMS: Get "/teams" "list_teams" ["department_id"];
    GET_TEAM: Get "/teams/{team_id}" "get_team";
    CREATE_TEAM: Post "/teams" "create_team";
    CHANGE_TEAM: Patch "/teams/{team_id}" "change_team";
    LIST_MEMBERS: Get "/members" "list_members" ["team_id"];
    GET_MEMBER: Get "/members/{member_id}" "get_member";
    CREATE_MEMBER: Post "/members" "create_member";
    CHANGE_MEMBER: Patch "/members/{member_id}" "change_member";
    LIST_KEYS: Get "/teams/{team_id}/keys" "list_keys" ["member_id"];
    CREATE_KEY: Post "/teams/{team_id}/keys" "create_key";
    REVOKE_KEY: Delete "/teams/{team_id}/keys/{key_id}" "revoke_key";
    ROTATE_KEY: Post "/teams/{team_id}/keys/{key_id}/rotate" "rotate_key";
    LIST_LIMITS: Get "/teams/{team_id}/limits" "list_limits" ["member_id", "key_id"];
    CREATE_LIMIT: Post "/teams/{team_id}/limits" "create_limit";
    CHANGE_LIMIT: Patch "/teams/{team_id}/limits/{limit_id}" "change_limit";
    REMOVE_LIMIT: Delete "/teams/{team_id}/limits/{limit_id}" "remove_limit";
    GET_USAGE: Get "/usage" "get_usage" ["from", "to", "interval", "group_by", "department_id", "team_id",
        "member_id", "model", "provider", "tag"];
    LIST_REQUESTS: Get "/requests" "list_requests" ["request_id", "team_id", "member_id", "model", "provider", "tag",
        "outcome", "from", "to"];
    LIST_JOURNAL: Get "/journal" "list_journal" ["actor", "kind", "reference", "from", "to"];
    LIST_PROVIDERS: Get "/providers" "list_providers";
    CREATE_PROVIDER: Post "/providers" "create_provider";
    CHANGE_PROVIDER: Patch "/providers/{provider_id}" "change_provider";
    REMOVE_PROVIDER: Delete "/providers/{provider_id}" "remove_provider";
    GET_OVERRIDES: Get "/prices/overrides" "get_overrides";
    CHANGE_OVERRIDES: Patch "/prices/overrides" "change_overrides";
    LIST_SERVICE_ACCOUNTS: Get "/service-accounts" "list_service_accounts";
    CREATE_SERVICE_ACCOUNT: Post "/service-accounts" "create_service_account";
    CHANGE_SERVICE_ACCOUNT: Patch "/service-accounts/{service_account_id}" "change_service_account";
    CREATE_SERVICE_KEY: Post "/service-accounts/{service_account_id}/keys" "create_service_key";
    REVOKE_SERVICE_KEY: Delete "/service-accounts/{service_account_id}/keys/{service_key_id}" "revoke_service_key";
    LIST_GRANTS: Get "/grants" "list_grants" ["to", "on"];
    CREATE_GRANT: Post "/grants" "create_grant";
    REVOKE_GRANT: Delete "/grants/{grant_id}" "revoke_grant";
    LIST_POLICIES: Get "/policies" "list_policies";
    CREATE_POLICY: Post "/policies" "create_policy";
    CHANGE_POLICY: Put "/policies/{policy_id}" "change_policy";
    REMOVE_POLICY: Delete "/policies/{policy_id}" "remove_policy";
    GET_MATRIX: Get "/permissions/matrix" "get_matrix";
    LIST_AUDIT: Get "/audit" "list_audit" ["actor", "action", "outcome", "who", "resource", "request_id", "from", "to"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(REVOKE_KEY.path_to(&["team_1", "key/../x?"]), "/teams/team_1/keys/key%2F..%2Fx%3F");
        assert_eq!(encoded("a b+ä"), "a%20b%2B%C3%A4");
    }
}
