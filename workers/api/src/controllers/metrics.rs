//! Totals for Prometheus (text exposition format 0.0.4).
//!
//! A counter in an isolate would mean nothing: there are many, and they come
//! and go. So all of this is summed up from D1, which makes it right over all
//! of them and over restarts, and a few seconds late. A scrape reads every
//! hourly sum there is; once a minute is plenty.

use std::fmt::Write;

use axum::response::IntoResponse;
use http::header;
use ledger::Millicredits;
use serde::Deserialize;

use super::health::LAG;
use crate::extract::Operator;
use crate::problem::Problem;
use crate::sql::Sql;

/// Series of one metric. The rest of the teams and models are in the totals
/// of their organization, which are all there.
const MOST_SERIES: i64 = 1000;

/// What is summed up, and by what.
const METRICS: [(&str, &str, &[&str]); 3] = [
    ("alfred", "of each organization", &["organization"]),
    ("alfred_team", "of the teams that spent most", &["organization", "team"]),
    ("alfred_model", "of the models that cost most", &["organization", "model", "provider"]),
];

#[derive(Debug, Deserialize)]
struct Sums {
    labels: Vec<String>,
    requests: i64,
    failed: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost: i64,
}

fn sums_statement(labels: &[&str]) -> Sql {
    let columns = labels.join(", ");
    Sql::new("SELECT json_object('labels', json_array(")
        .push(&columns)
        .push(
            "), 'requests', sum(requests), 'failed', sum(failed), 'input_tokens', sum(input_tokens),
            'output_tokens', sum(output_tokens), 'cost', sum(cost)) AS row FROM usage_hours GROUP BY ",
        )
        .push(&columns)
        .push(" ORDER BY sum(cost) DESC LIMIT ")
        .int(MOST_SERIES)
}

#[derive(Debug, Deserialize)]
struct Lag {
    entries: i64,
    journals: i64,
}

#[derive(Debug, Deserialize)]
struct Letters {
    queue: String,
    count: i64,
}

const LETTERS: &str = "SELECT json_object('queue', queue, 'count', count(*)) AS row FROM dead_letters GROUP BY queue";

/// Show totals in Prometheus' text format. Only the operator may.
#[utoipa::path(get, path = "/metrics", tag = "Operations",
    responses((status = 200, description = "The totals", body = String, content_type = "text/plain")))]
#[worker::send]
pub(crate) async fn metrics(Operator { app }: Operator) -> Result<impl IntoResponse, Problem> {
    let mut text = String::new();
    for (prefix, what, labels) in METRICS {
        let sums: Vec<Sums> = app.rows(sums_statement(labels)).await?;
        usage(&mut text, (prefix, what, labels), &sums);
    }
    let lag: Vec<Lag> = app.rows(Sql::new(LAG)).await?;
    let letters: Vec<Letters> = app.rows(Sql::new(LETTERS)).await?;
    state(&mut text, &lag, &letters);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn usage(text: &mut String, (prefix, what, labels): (&str, &str, &[&str]), sums: &[Sums]) {
    type Value = fn(&Sums) -> String;
    let metrics: [(&str, &str, Value); 5] = [
        ("requests_total", "Calls that ended", |sums| sums.requests.to_string()),
        ("failed_requests_total", "Calls that ended without a cost", |sums| sums.failed.to_string()),
        ("input_tokens_total", "Tokens of input", |sums| sums.input_tokens.to_string()),
        ("output_tokens_total", "Tokens of output", |sums| sums.output_tokens.to_string()),
        ("cost_credits_total", "Credits paid for calls", |sums| Millicredits::new(sums.cost).to_string()),
    ];
    for (name, help, value) in metrics {
        head(text, &format!("{prefix}_{name}"), &format!("{help}, {what}."), "counter");
        for sum in sums {
            let pairs = labels.iter().zip(&sum.labels).map(|(name, value)| (*name, value.as_str()));
            line(text, &format!("{prefix}_{name}"), pairs, &value(sum));
        }
    }
}

fn state(text: &mut String, lag: &[Lag], letters: &[Letters]) {
    let (entries, journals) = lag.first().map_or((0, 0), |lag| (lag.entries, lag.journals));
    head(text, "alfred_projection_entries_behind", "Journal entries that D1 lacks.", "gauge");
    line(text, "alfred_projection_entries_behind", [], &entries.to_string());
    head(text, "alfred_projection_journals_behind", "Journals of which D1 lacks entries.", "gauge");
    line(text, "alfred_projection_journals_behind", [], &journals.to_string());
    head(text, "alfred_dead_letters", "Messages that a queue gave up on.", "gauge");
    for letter in letters {
        line(text, "alfred_dead_letters", [("queue", letter.queue.as_str())], &letter.count.to_string());
    }
}

// Writing to a String cannot fail.

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line<'a>(text: &mut String, name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>, value: &str) {
    let labels = labels.into_iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    let labels = labels.collect::<Vec<_>>().join(",");
    let _ =
        if labels.is_empty() { writeln!(text, "{name} {value}") } else { writeln!(text, "{name}{{{labels}}} {value}") };
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn text_format() {
        let database = testing::database();
        database
            .execute_batch(
                r#"INSERT INTO usage_hours VALUES
                ('org_1', 0, 'team_1', 'm', 'k', 'gpt "4"', 'p', '', 2, 1, 3, 0, 5, 0, 1500),
                ('org_1', 1, 'team_1', 'm', 'k', 'b', 'p', '', 1, 0, 3, 0, 5, 0, 9007199254740993)"#,
            )
            .unwrap();
        let mut text = String::new();
        for (prefix, what, labels) in METRICS {
            usage(&mut text, (prefix, what, labels), &testing::rows::<Sums>(&database, sums_statement(labels)));
        }
        state(&mut text, &[Lag { entries: 3, journals: 1 }], &[]);
        for expected in [
            "# TYPE alfred_requests_total counter\nalfred_requests_total{organization=\"org_1\"} 3\n",
            "alfred_cost_credits_total{organization=\"org_1\"} 9007199254742.493\n",
            "alfred_team_failed_requests_total{organization=\"org_1\",team=\"team_1\"} 1\n",
            "alfred_model_cost_credits_total{organization=\"org_1\",model=\"gpt \\\"4\\\"\",provider=\"p\"} 1.5\n",
            "alfred_projection_entries_behind 3\n",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
