//! Files and what is there go in, lines of the diff come out; and what would
//! be sent is held against the OpenAPI document.

use std::collections::BTreeMap;

use super::*;
use crate::apply::export;
use crate::apply::testing;
use crate::document;

fn options(prune: bool) -> Options {
    Options { prune, send_keys: false }
}

/// The diff, after checking that Alfred would take every request.
fn diff(text: &str, state: &State, options: Options) -> String {
    let plan = match plan(&File::parse(text).unwrap(), state, options) {
        Ok(plan) => plan,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut made = BTreeMap::new();
    for step in &plan.steps {
        assert!(!step.changes.is_empty());
        assert_eq!(step.ids.len(), step.operation.path.matches('{').count(), "{step:?}");
        for id in &step.ids {
            id.resolve(&made, &|_| None).unwrap();
        }
        if let Some(body) = &step.body {
            document::accepts(step.operation, &body.resolve(&made, &|_| Some("sk-x".into())).unwrap());
        }
        if let Some(label) = &step.makes {
            made.insert(label.clone(), "dep_01h2xcejqtf2nbrexx3vqjhp41".to_owned());
        }
    }
    plan.changes().map(|change| format!("{change}\n")).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let expected: String = expected.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(diff(text, &testing::state(), options(false)), expected, "{text}");
}

#[test]
fn nothing_said_is_nothing_done() {
    check("", &[]);
    check("[departments.Research.teams.Compilers.members.ada]\n[providers.demo]\n[policies.'No robots']", &[]);
}

#[test]
fn the_organization() {
    check("[organization]\nname = 'Acme'\ntime_zone = 'Europe/Berlin'\nusd_per_million_credits = '1.00'", &[]);
    check(
        "[organization]\nname = 'Acme AG'\nhelp = ''\noutput_limit = 'refuse'\nusd_per_million_credits = '2'",
        &[
            "~ organization name: Acme -> Acme AG",
            "~ organization help: ask -> none",
            "~ organization output_limit: clamp -> refuse",
            "~ organization usd_per_million_credits: 1 -> 2",
        ],
    );
    check("[organization]\naddresses = ['192.0.2.0/24']", &[]);
    check("[organization.retention]\nrequests = 400\nusage = 0", &[]);
    check(
        "[organization.retention]\nrequests = 0\nusage = 800",
        &["~ organization retention requests: 400 -> for ever", "~ organization retention usage: for ever -> 800"],
    );
    check("[organization]\naddresses = 'all'", &[r#"~ organization addresses: ["192.0.2.0/24"] -> all"#]);
}

#[test]
fn teams() {
    let compilers = |fields: &str| format!("[departments.Research.teams.Compilers]\n{fields}");
    check(&compilers("models = ['demo-*']\npool_draw = 'off'\npool_rules = 'none'\naddresses = ['10.0.0.0/8']"), &[]);
    check(&compilers("allotment_plan = { chunk = '100.0', low_water = '50' }"), &[]);
    check(
        &compilers("allotment_plan = { chunk = '100', low_water = '50', monthly_cap = '1' }"),
        &[
            r#"~ team Research/Compilers allotment_plan: {"chunk":"100","low_water":"50","monthly_cap":null} -> {"chunk":"100","low_water":"50","monthly_cap":"1"}"#,
        ],
    );
    check(
        &compilers("models = 'all'\naddresses = 'all'\nallotment_plan = 'none'\npool_draw = 'automatic'"),
        &[
            r#"~ team Research/Compilers allotment_plan: {"chunk":"100","low_water":"50","monthly_cap":null} -> by hand"#,
            "~ team Research/Compilers pool_draw: off -> automatic",
            r#"~ team Research/Compilers models: ["demo-*"] -> all"#,
            r#"~ team Research/Compilers addresses: ["10.0.0.0/8"] -> all"#,
        ],
    );
    check(
        &compilers("pool_rules = { window = 'month', each = '50' }"),
        &[r#"~ team Research/Compilers pool_rules: none -> {"each":"50","floor":"0","window":"month"}"#],
    );
    check(
        "[departments.Research.teams.Vision]\nmodels = ['a', 'b*']",
        &[r#"~ team Research/Vision models: all -> ["a","b*"]"#],
    );
    check(
        "[departments.Product.teams.Vision]",
        &["error: the team `Vision` is in the department `Research`, and a team cannot be moved"],
    );
}

#[test]
fn what_is_new_and_all_that_belongs_to_it() {
    check(
        r#"
        [departments.Design.teams.Print]
        models = ["demo-*"]
        limits = [{ window = "month", unit = "credits", amount = "10" }]
        [departments.Design.teams.Print.members.zoe]
        email = "zoe@acme.example"
        status = "suspended"
        limits = [{ window = "minute", unit = "requests", amount = 5 }]
        [service_accounts.ci]
        disabled = true
        [[grants]]
        to = { member = "Design/Print/zoe" }
        role = "team_manager"
        on = { team = "Design/Print" }
        [[grants]]
        to = { service_account = "ci" }
        role = "auditor"
        on = "organization"
        until = "2027-01-01T00:00:00Z"
        only = ["list_teams"]
        [policies.Print]
        setting = { kind = "models", only = ["demo-*"], on = { department = "Design" }, members = ["Design/Print/zoe"] }
        "#,
        &[
            "+ department Design",
            "+ team Design/Print",
            "+ limit Design/Print cap per month in credits: 10",
            "+ member Design/Print/zoe",
            "~ member Design/Print/zoe status: active -> suspended",
            "+ limit Design/Print/zoe rate per minute in requests: 5",
            "+ service account ci",
            "~ service account ci disabled: false -> true",
            "+ grant team_manager on team Design/Print to member Design/Print/zoe",
            "+ grant auditor on organization to service account ci only list_teams until 2027-01-01T00:00:00Z",
            "+ policy Print",
        ],
    );
}

#[test]
fn members_and_limits() {
    let ada = |fields: &str| format!("[departments.Research.teams.Compilers.members.ada]\n{fields}");
    check(&ada("email = 'ada@acme.example'\nstatus = 'active'\nmodels = 'all'"), &[]);
    check(
        &ada("email = ''\nstatus = 'suspended'\nmodels = ['demo-small']"),
        &[
            "~ member Research/Compilers/ada email: ada@acme.example -> none",
            "~ member Research/Compilers/ada status: active -> suspended",
            r#"~ member Research/Compilers/ada models: all -> ["demo-small"]"#,
        ],
    );
    check(&ada("limits = [{ window = 'day', unit = 'credits', amount = '10.50' }]"), &[]);
    check(
        &ada("limits = [{ window = 'day', unit = 'credits', amount = '11' }]"),
        &["~ limit Research/Compilers/ada cap per day in credits amount: 10.5 -> 11"],
    );
    check(
        &ada(
            "limits = [{ window = 'day', unit = 'tokens', amount = 1 }, { window = 'day', unit = 'tokens', amount = 2 }]",
        ),
        &["error: the file has `limit Research/Compilers/ada cap per day in tokens` twice"],
    );
    let twice = {
        let mut state = testing::state();
        let again = state.members[0].clone();
        state.members.push(again);
        state
    };
    assert!(diff(&ada(""), &twice, options(false)).contains("several of `member Research/Compilers/ada`"));
    assert_eq!(diff("[departments.Research]", &twice, options(false)), "");
}

#[test]
fn providers_and_their_keys() {
    let openai = |fields: &str| format!("[providers.open-ai]\n{fields}");
    check(
        &openai(
            "api_key_env = 'OPENAI_API_KEY'\nbase_url = 'HTTPS://API.openai.com/v1/'\nheaders = { X-Project = 'alpha', x-token = 'z' }",
        ),
        &[],
    );
    check(
        &openai("api_key_env = 'K'\nbase_url = 'https://other.example/v1'\nheaders = { x-project = 'beta' }"),
        &[
            "~ provider open-ai base_url: https://api.openai.com/v1 -> https://other.example/v1",
            "~ provider open-ai header x-project: (another) -> (not shown)",
            "~ provider open-ai api_key: (stored) -> from K",
        ],
    );
    check(
        "[providers.demo]\nprices = 'demo'\nidle_timeout_seconds = 30",
        &["~ provider demo prices: none -> demo", "~ provider demo idle_timeout_seconds: 60 -> 30"],
    );
    check("[providers.new]\nkind = 'openai'", &["error: provider new is new and needs `models`"]);
    check(
        "[providers.new]\nkind = 'openai'\nbase_url = 'https://x.example/v1'\nmodels = ['*']\napi_key_env = 'K'\nheaders = { a = 'b' }",
        &["+ provider new"],
    );
    let send = Options { prune: false, send_keys: true };
    let plan = plan(&File::parse(&openai("api_key_env = 'K'")).unwrap(), &testing::state(), send).unwrap();
    assert_eq!(plan.secrets(), ["K"]);
}

#[test]
fn prices() {
    check("[[prices]]\nmodel = 'gpt-4o*'\nprovider = 'OPEN-AI'\nchange = { discount_basis_points = 500 }", &[]);
    check(
        "[[prices]]\nmodel = 'gpt-4o*'\nprovider = 'open-ai'\nchange = { discount_basis_points = 600 }\n[[prices]]\nmodel = 'new'\nchange = { price = { rates = { input = '1' } } }",
        &[
            r#"~ price gpt-4o* at open-ai change: {"discount_basis_points":500} -> {"discount_basis_points":600}"#,
            "+ price new",
        ],
    );
}

#[test]
fn grants_and_policies() {
    let grant = |more: &str| {
        format!(
            "[[grants]]\nto = {{ member = 'Research/Compilers/ada' }}\nrole = 'team_manager'\non = {{ team = 'Research/Compilers' }}\n{more}"
        )
    };
    check(&grant("until = '2027-01-01T01:00:00+01:00'\nonly = ['create_limit', 'create_key']"), &[]);
    check(&grant(""), &["+ grant team_manager on team Research/Compilers to member Research/Compilers/ada"]);
    check(&grant("until = 'soon'"), &["error: `soon` is no time: write it like 2027-01-01T00:00:00Z"]);
    check(
        &format!("{}\n{}", grant(""), grant("")),
        &["error: the file has `grant team_manager on team Research/Compilers to member Research/Compilers/ada` twice"],
    );
    check(
        "[[grants]]\nto = { member = 'nobody' }\nrole = 'finance'\non = 'organization'",
        &["error: there is no member nobody, neither in the file nor in the organization"],
    );
    let policy = |setting: &str| format!("[policies.'Large allotments']\nsetting = {{ {setting} }}");
    check(&policy("kind = 'allotments', most = '2.50', on = { department = 'Research' }"), &[]);
    check(
        &policy("kind = 'allotments', most = '3'"),
        &[
            r#"~ policy Large allotments setting: {"kind":"allotments","most":"2.5","on":"dep_00000000000000000000000001"} -> {"kind":"allotments","most":"3"}"#,
        ],
    );
    check("[policies.'No robots']\nmode = 'enforce'", &["~ policy No robots mode: shadow -> enforce"]);
    check("[policies.new]\nmode = 'enforce'", &["error: policy new is new and needs `cedar` or `setting`"]);
}

#[test]
fn pruning_removes_what_the_file_does_not_have() {
    let text = "[departments.Research.teams.Compilers.members.ada]\n[providers.demo]\n[[prices]]\nmodel = 'llama3*'\nchange = { discount_basis_points = 1 }";
    let pruned = diff(text, &testing::state(), options(true));
    insta::assert_snapshot!(pruned, @r#"
    ~ price llama3* change: {"price":{"rates":{"input":"0.1","output":"0.4"}}} -> {"discount_basis_points":1}
    - price gpt-4o* at open-ai
    - policy No robots
    - policy Large allotments
    - grant auditor on organization to service account deploy
    - grant team_manager on team Research/Compilers to member Research/Compilers/ada
    - provider open-ai
    - limit Research/Compilers/ada cap per day in credits: 10.5
    - limit Research/Compilers rate per minute in requests: 600
    - limit Research/Compilers cap per month in credits: 1000
    "#);
}

#[test]
fn what_is_exported_changes_nothing() {
    let state = testing::state();
    let text = export::write(&export::file(&state).unwrap()).unwrap();
    for prune in [false, true] {
        assert_eq!(diff(&text, &state, options(prune)), "", "{text}");
    }
    // And makes the same elsewhere, once people have asked for nothing but that.
    let again = export::write(&File::parse(&text).unwrap()).unwrap();
    assert_eq!(again, text);
    insta::assert_snapshot!(text);
}
