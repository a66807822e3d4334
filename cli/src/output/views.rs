//! What is shown of each resource.

use super::{Column, Form, View};

macro_rules! views {
    ($($name:ident: $schema:literal { $($header:literal $at:literal $form:ident),* $(,)? })*) => {
        $(pub(crate) const $name: View = View {
            schema: $schema,
            columns: &[$(Column { header: $header, at: $at, form: Form::$form }),*],
        };)*

        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[View] = &[$($name),*];
    };
}

views! {
    ORGANIZATION: "Organization" {
        "ORGANIZATION" "/name" Text, "ID" "/id" Text, "TREASURY" "/treasury" Amount, "ISSUED" "/issued" Amount,
        "DEPARTMENTS" "/departments" Number, "TEAMS" "/teams" Number, "MEMBERS" "/members" Number,
        "TIME ZONE" "/settings/time_zone" Text, "OUTPUT LIMIT" "/settings/output_limit" Text,
        "USD PER MILLION CREDITS" "/settings/usd_per_million_credits" Amount, "HELP" "/settings/help" Text,
        "ADDRESSES" "/settings/addresses" List,
    }
    BALANCE: "Balance" {
        "NAME" "/name" Text, "NODE" "/node" Text, "AVAILABLE" "/available" Amount, "RESERVED" "/reserved" Amount,
        "BALANCE" "/balance" Amount, "WALLETS" "/wallets" Amount, "ALLOTTED" "/allotted" Amount,
        "SPENT" "/spent" Amount,
    }
    MY_BALANCE: "Me" {
        "MEMBER" "/member/name" Text, "TEAM" "/team/name" Text, "AVAILABLE" "/available/credits" Amount,
        "WORTH USD" "/available/usd" Amount, "WALLET" "/wallet/balance/credits" Amount,
        "RESERVED" "/wallet/reserved/credits" Amount, "POOL" "/pool/available/credits" Amount,
    }
    ME: "Me" {
        "MEMBER" "/member/name" Text, "ID" "/member/id" Text, "STATUS" "/member/status" Text,
        "TEAM" "/team/name" Text, "ORGANIZATION" "/organization/name" Text, "KEY" "/key/name" Text,
        "KEY ID" "/key/id" Text, "MODELS" "/key/models" List, "AVAILABLE" "/available/credits" Amount,
        "HELP" "/organization/help" Text,
    }
    DEPARTMENT: "Department" { "NAME" "/name" Text, "ID" "/id" Text, "BALANCE" "/balance" Amount }
    TEAM: "Team" {
        "NAME" "/name" Text, "ID" "/id" Text, "DEPARTMENT" "/department_id" Text, "MODELS" "/models" List,
        "ADDRESSES" "/addresses" List, "POOL DRAW" "/pool_draw" Text, "CHUNK" "/allotment_plan/chunk" Amount,
    }
    TEAM_DETAIL: "TeamDetail" {
        "TEAM" "/name" Text, "ID" "/id" Text, "DEPARTMENT" "/department_id" Text,
        "POOL" "/pool/available" Amount, "RESERVED" "/pool/reserved" Amount, "WALLETS" "/wallets" Amount,
        "ALLOTTED" "/allotted" Amount, "SPENT" "/spent" Amount, "OVERRUN" "/overrun" Amount,
        "MEMBERS" "/members" Number, "KEYS" "/keys" Number, "CALLS IN FLIGHT" "/calls_in_flight" Number,
        "MODELS" "/models" List, "ADDRESSES" "/addresses" List, "POOL DRAW" "/pool_draw" Text,
        "DRAWN BY EACH" "/pool_rules/each" Amount, "IN A" "/pool_rules/window" Text,
        "FLOOR" "/pool_rules/floor" Amount,
        "CHUNK" "/allotment_plan/chunk" Amount, "LOW WATER" "/allotment_plan/low_water" Amount,
        "MONTHLY CAP" "/allotment_plan/monthly_cap" Amount,
    }
    MEMBER: "Member" {
        "NAME" "/name" Text, "ID" "/id" Text, "E-MAIL" "/email" Text, "STATUS" "/status" Text,
        "TEAM" "/team_id" Text, "MODELS" "/models" List,
    }
    MEMBER_DETAIL: "MemberDetail" {
        "MEMBER" "/name" Text, "ID" "/id" Text, "E-MAIL" "/email" Text, "STATUS" "/status" Text,
        "TEAM" "/team_id" Text, "MODELS" "/models" List, "AVAILABLE" "/wallet/available" Amount,
        "RESERVED" "/wallet/reserved" Amount, "SPENT" "/spent" Amount,
    }
    KEY: "Key" {
        "NAME" "/name" Text, "ID" "/id" Text, "KEY" "/hint" Text, "MEMBER" "/member_id" Text, "TEAM" "/team_id" Text,
        "SPENT" "/spent" Amount, "CREATED" "/created_at" Time, "EXPIRES" "/expires_at" Time,
        "REVOKED" "/revoked_at" Time, "MODELS" "/models" List,
    }
    SERVICE_KEY: "ServiceKey" {
        "NAME" "/name" Text, "ID" "/id" Text, "KEY" "/hint" Text, "CREATED" "/created_at" Time,
        "EXPIRES" "/expires_at" Time, "REVOKED" "/revoked_at" Time, "SCOPES" "/scopes" List,
    }
    LIMIT: "Limit" {
        "ID" "/id" Text, "TEAM" "/team_id" Text, "ON" "/subject/type" Text, "OF" "/subject/id" Text,
        "KIND" "/kind" Text, "WINDOW" "/window" Text, "UNIT" "/unit" Text, "AMOUNT" "/amount" Number,
        "USED" "/used" Number, "RESERVED" "/reserved" Number, "LEFT" "/left" Number, "RESETS" "/resets_at" Time,
    }
    MOVEMENT: "Movement" {
        "MOVED" "/amount" Amount, "FROM" "/from" Text, "TO" "/to" Text, "LEFT" "/from_available" Amount,
        "ID" "/id" Text,
    }
    SENT: "Moved" {
        "MOVED" "/amount" Amount, "FROM" "/transfer/from" Text, "TO" "/transfer/to" Text, "LEFT" "/available" Amount,
        "STATUS" "/transfer/status" Text, "UNDO UNTIL" "/transfer/undo_until" Time, "ID" "/transfer/id" Text,
    }
    PREVIEW: "TransferPreview" {
        "WOULD BE" "/verdict" Text, "APPROVAL BY" "/approval" List, "AMOUNT" "/amount" Amount, "FROM" "/from" Text,
        "TO" "/to" Text, "LEFT NOW" "/available" Amount, "LEFT THEN" "/available_after" Amount,
        "SENT TODAY" "/sent_today" Amount, "UNDO MINUTES" "/undo_minutes" Number,
    }
    TRANSFER: "Transfer" {
        "TIME" "/time" Time, "ID" "/id" Text, "AMOUNT" "/amount" Amount, "FROM" "/from" Text, "TO" "/to" Text,
        "STATUS" "/status" Text, "UNDONE" "/undone" Amount, "UNDO UNTIL" "/undo_until" Time, "WHO" "/who" Text,
        "NOTE" "/note" Text, "REFUSED BECAUSE" "/refused_because" Text,
    }
    APPROVAL: "Approval" {
        "ASKED" "/asked_at" Time, "ID" "/id" Text, "STATE" "/state" Text, "OUTCOME" "/outcome" Text,
        "AMOUNT" "/amount" Amount, "FROM" "/from" Text, "TO" "/to" Text, "REQUESTER" "/requester" Text,
        "CHAIN" "/chain/name" Text, "EXPIRES" "/expires_at" Time, "REASON" "/reason" Text,
        "FAILED BECAUSE" "/failed_because" Text,
    }
    BOOST: "Boost" {
        "TIME" "/time" Time, "ID" "/id" Text, "MEMBER" "/member_id" Text, "AMOUNT" "/amount" Amount,
        "LEFT" "/available" Amount, "RETURNED" "/returned" Amount, "ENDS" "/ends_at" Time, "ENDED" "/ended_at" Time,
        "FROM" "/from" Text, "REASON" "/reason" Text,
    }
    ABSENCE: "Absence" {
        "ID" "/id" Text, "MEMBER" "/member_id" Text, "STATE" "/state" Text, "FROM" "/from" Time, "UNTIL" "/until" Time,
        "ENDED" "/ended_at" Time, "SHARES" "/share/kind" Text, "WITH" "/delegate_id" Text, "LEFT" "/available" Amount,
        "LENT" "/lent" Amount, "RETURNED" "/returned" Amount, "REASON" "/reason" Text,
    }
    USAGE: "UsageRow" {
        "TIME" "/time" Time, "DEPARTMENT" "/department" Text, "TEAM" "/team" Text, "MEMBER" "/member" Text,
        "KEY" "/key_id" Text, "MODEL" "/model" Text, "PROVIDER" "/provider" Text, "TAG" "/tag" Text,
        "REQUESTS" "/requests" Number, "FAILED" "/failed" Number, "INPUT" "/input_tokens" Number,
        "CACHED" "/cached_tokens" Number, "OUTPUT" "/output_tokens" Number, "COST" "/cost" Amount,
        "USD" "/cost_usd" Amount,
    }
    REQUEST: "CallEnd" {
        "TIME" "/time" Time, "REQUEST" "/request_id" Text, "MEMBER" "/member_id" Text, "MODEL" "/model" Text,
        "PROVIDER" "/provider" Text, "OUTCOME" "/outcome" Text, "INPUT" "/input_tokens" Number,
        "OUTPUT" "/output_tokens" Number, "MS" "/duration_ms" Number, "COST" "/cost" Amount, "TAG" "/tag" Text,
    }
    ENTRY: "Entry" {
        "TIME" "/time" Time, "KIND" "/kind" Text, "AMOUNT" "/amount" Amount, "FROM" "/debit" Text,
        "TO" "/credit" Text, "JOURNAL" "/actor" Text, "PLACE" "/sequence" Number, "WHO" "/who" Text,
        "CAUSE" "/reference" Text, "NOTE" "/note" Text,
    }
    GRANT: "Grant" {
        "ID" "/id" Text, "TO" "/to" Text, "ROLE" "/role" Text, "ON" "/on" Text, "UNTIL" "/until" Time,
        "ACTIONS" "/only" List, "LENT BY" "/lender" Text, "BY" "/by" Text,
    }
    POLICY: "Policy" {
        "NAME" "/name" Text, "ID" "/id" Text, "VERSION" "/version" Number, "MODE" "/mode" Text,
        "CHANGED" "/changed_at" Time, "BY" "/changed_by" Text,
    }
    PERMISSION: "MatrixRow" { "AREA" "/area" Text, "ACTION" "/action" Text, "ALLOWED" "/allowed" List }
}
