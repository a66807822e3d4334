"""What schemathesis has to know of Alfred beyond its document."""

import itertools
import json
import os
import re

import schemathesis

numbers = itertools.count()

# Requests that are as the schema says and that no schema could rule out, by
# what their refusals say. Anything else that is valid must be accepted.
BEYOND_A_SCHEMA = {
    "a cursor is what a list answered": r"^`cursor` is not one that this list answered",
    "time passes": r"is in the past: ",
    "a stretch of time ends after it begins": r"^`from` must be before `to`$|about ten years at most$",
    "time zones have names": r"is not a time zone: ",
    "a limit keeps its unit": r"^the amount of a limit in (credits|tokens|requests) is written as ",
    "credits go one step at a time": r"^credits cannot be allotted from `.+` to `.+`: they go one step at a time",
    "roles are for some nodes": r"^the role `\w+` makes no sense on `.+`: choose a node above$",
    "a policy is written in one way of two": r"^write the policy either in `cedar` or as a `setting`$",
    "policies are counted in bytes": r"^`cedar`: a policy can have 10000 bytes$",
    "Cedar has a grammar": r"^the policy cannot be read: ",
    "the built-in provider is nowhere": r"^`base_url` must be left out: |^`base_url` is missing: ",
    "URLs have a grammar": r"^`base_url` (is not an address|names no host)",
    "a key is not sent elsewhere": r"^another `base_url` needs its `api_key` again",
    "headers have names": r"is not the name of a header$|is not yours to set: |cannot be sent: write 1 to 2000",
    "an override is there once": r"has two overrides for the same provider: keep one$",
    "others were there before": r"overrides are too many: at most 1000; ",
    "whole numbers are written without a point": r"invalid type: floating point `[0-9]+\.0`, expected ",
    "issuers are asked": r"^the (sign-in provider|issuer) cannot be used: |is not an issuer: |is not a domain: |is not a tenant id: |is Okta's admin console: ",
    "claims have patterns": r"^a rule needs |^a `\*` may only be the last character",
    "a secret is given once": r"^`client_secret` is missing$",
    "a workload is for one": r"^`scopes` are for a service account|^a workload is for a `member_id` or for a `service_account_id`$",
    "a rule gives one thing": r"^the rule for `.*` needs `role` and `on`, or `team_id`$",
    "an algorithm is one of the provider's": r"^the provider signs with none of `algorithms`",
    "a place is of this site": r"^`return_to` must be a path of this site",
    "addresses have a grammar": r"^`email` must be an e-mail address like ",
    "tiers ascend": r"the tiers must be in ascending order",
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Lets pass what is refused for a reason that no schema can say."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    problem = json.loads(response.content)
    if problem["code"] != "invalid_request":
        return True
    return not any(re.search(reason, problem["detail"]) for reason in BEYOND_A_SCHEMA.values())


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request an idempotency key of its own, in place of one that can be used.

    Schemathesis has few values for a header and sends them with many bodies,
    each of which but the first would be answered by 409 and so not be tried.
    """
    key = (case.headers or {}).get("idempotency-key")
    if isinstance(key, str) and re.fullmatch(r"[!-~]([ -~]{0,253}[!-~])?", key):
        case.headers["idempotency-key"] = f"{key[:200]}-{next(numbers)}"


@schemathesis.hook
def filter_path_parameters(context, path_parameters):
    """Keeps the admin key with which the run asks: without it all that follows would be 401."""
    return (path_parameters or {}).get("admin_key_id") != os.environ["ALFRED_KEY_ID"]
