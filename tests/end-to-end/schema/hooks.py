"""What schemathesis has to know of Alfred beyond its document.

Nothing here turns a check off. What a hook lets pass, it lets pass at the
operations where that can happen and for the reason that the answer gives.
"""

import itertools
import json
import os
import re

import schemathesis

numbers = itertools.count()

# Requests that are as the document says and that no schema could rule out: why
# not, at which operations, and what the refusal says. Anything else that is
# valid must be accepted.
BEYOND_A_SCHEMA = [
    # It depends on what was asked before, or on what is there by now.
    ("a cursor is what a list answered", "list_.*", r"^`cursor` is not one that this list answered|^cursor: it is not one that"),
    ("a limit keeps its unit", "change_limit", r"^the amount of a limit in (credits|tokens|requests) is written as "),
    ("a provider keeps its kind", "change_provider", r"^`base_url` (must be left out|is missing): "),
    ("a key is not sent elsewhere", "change_provider", r"^another `base_url` needs its `api_key` again"),
    ("others were there before", "change_overrides", r"^`[0-9]+` overrides are too many: at most 1000; "),
    # It depends on the time.
    ("time passes", "create_key|create_service_key|create_grant|lend_role", r" is in the past: "),
    # It compares one value with another.
    ("a report ends after it begins", "get_usage", r"^`from` must be before `to`$|about ten years at most$"),
    ("credits go one step at a time", "allot", r"^credits cannot be allotted from `.+` to `.+`: they go one step at a"),
    ("tiers ascend", "(replace|change)_overrides", r"the tiers must be in ascending order"),
    ("an override is there once", "(replace|change)_overrides", r"has two overrides for the same provider: keep one$"),
    ("the built-in provider is nowhere", "create_provider", r"^`base_url` (must be left out|is missing): "),
    ("one key at a time", "(create|change)_provider", r"only one can be sent$"),
    ("a secret is given once", "change_sign_in", r"^`client_secret` is missing$"),
    ("a policy is tried in one way", "test_policies", r"^write the policy either in `cedar` or as a `setting`, or name one by"),
    ("an erasure is meant", "erase_member", r"^`confirm` is `.+` and not the member's own id"),
    ("scopes have a grammar", "change_sign_in", r" is not a scope$|^the name of the groups claim is empty"),
    ("a rule gives one thing", "change_sign_in", r"^the rule for `.*` needs `role` and `on`, or `team_id`$"),
    ("a workload is somebody's", "create_workload", r"^a workload is for a `member_id` or |^`scopes` are for a service account"),
    ("credits go somewhere else", "transfer|preview_transfer|request_approval", r"^a transfer needs two different places$"),
    ("a chain ends, and escalates before", "change_organization", r"^the chain `.*` must expire after |^there are two chains of approvers "),
    ("a name is more than blanks", "change_organization", r"^a chain needs a name of 1 to 100 characters"),
    # Whoever calls with an admin key has no wallet.
    ("whose credits", "transfer|preview_transfer|request_approval", r"^say with `from` whose credits they are: |^say `(from|to)`: only who"),
    ("whose boosts", "list_boosts", r"^say whose boosts: |^`member_id` and `team_id` exclude"),
    ("whose absences", "list_absences|create_absence", r"^say whose absences: |^`member_id` and `team_id` exclude|^say with `member_id` who is away"),
    ("an absence ends after its begin", "(create|change)_absence", r"^an absence ends in the future and after its begin: "),
    ("a delegate is a colleague", "(create|change)_absence", r"^nobody lends to themselves: | is in another team: "),
    ("whose calendar", "(create|change)_calendar", r"^say with `member_id` whose calendar it is: |^leave out `member_id`: "),
    ("a plan ends later", "(create|change)_plan", r"^a plan ends in the future, not at "),
    ("a boost ends later", "boost", r"^a boost ends in the future, not at |^rate limits are lifted for a while: the boost needs an end$"),
    ("whose transfers", "(list|export)_transfers", r"^say whose transfers: |^`member_id` and `team_id` exclude|^`direction` is about a member: "),
    # What is beside an id decides which of them make sense there.
    ("roles are for some nodes", "create_grant|lend_role|change_sign_in", r"^the role `\w+` makes no sense on `.+`: choose a node above"),
    # It has a grammar or a list of its own, which is somebody else's.
    ("time zones have names", "(create|change)_organization|get_usage", r" is not a time zone: "),
    ("Cedar has a grammar", "(create|change)_policy|test_policies", r"^the policy cannot be read: "),
    ("webhooks have addresses", "(create|change)_channel", r"^the channel: `(url|secret|from)`"),
    ("some channels are everybody's", "test_channel", r"^say `member_id`: |^leave out `member_id`: "),
    ("URLs have a grammar", "(create|change)_provider", r"^`base_url` (is not an address|names no host)"),
    ("some headers are the connection's", "(create|change)_provider", r"^the header `.+` is not yours to set: "),
    ("domains have a grammar", "change_sign_in|change_domains", r" is not a domain: "),
    ("addresses have a grammar", "sign_in|set_up", r"^`email` must be an e-mail address|write an e-mail address like"),
    ("a place is of this site", "sign_in", r"^`return_to` must be a path of this site"),
    ("claims have patterns", "create_workload", r"^a `\*` may only be the last character|^a rule needs "),
    # Nobody is there whom the request names, or they are not what it says.
    ("issuers are asked", "change_sign_in", r"^the sign-in provider cannot be used: "),
    ("issuers are addresses", "change_sign_in|create_workload", r" is not an issuer: | is not a tenant id: | is Okta's admin"),
    ("issuers sign", "change_sign_in", r"^the provider signs with none of `algorithms`"),
    ("issuers of workloads are asked", "create_workload", r"^the issuer cannot be used: "),
    # A schema counts characters, and what is stored has bytes.
    ("policies are counted in bytes", "(create|change)_policy|test_policies", r"^a policy can have 10000 bytes in Cedar$"),
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Lets pass what is refused for a reason that no schema can say."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    problem = json.loads(response.content)
    if problem["code"] != "invalid_request":
        return True
    operation = case.operation.definition.raw["operationId"]
    return not any(
        re.fullmatch(operations, operation) and re.search(detail, problem["detail"])
        for _, operations, detail in BEYOND_A_SCHEMA
    )


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request an idempotency key of its own, in place of one that can be used.

    Schemathesis has few values for a header and sends them with many bodies,
    each of which but the first would be answered by 409 and so not be tried.
    Keys that cannot be used stay as they are and must be refused.
    """
    key = (case.headers or {}).get("idempotency-key")
    if isinstance(key, str) and re.fullmatch(r"[!-~]([ -~]{0,253}[!-~])?", key):
        case.headers["idempotency-key"] = f"{key[:200]}-{next(numbers)}"


@schemathesis.hook
def filter_path_parameters(context, path_parameters):
    """Keeps the admin key with which the run asks: without it all that follows would be 401."""
    return (path_parameters or {}).get("admin_key_id") != os.environ["ALFRED_KEY_ID"]
