//! Embeddings: vectors of zeros, as numbers or in base 64.

use super::body;
use super::books::Progress;
use super::plan::{Plan, Reporting};
use super::request::Question;
use super::script::Step;
use super::usage::{Kind, Usage};

/// Small, because nobody looks at them.
const DIMENSIONS: u32 = 8;
/// As many as OpenAI's largest model has.
const MAX_DIMENSIONS: u32 = 3072;
/// As OpenAI's.
const MAX_INPUTS: u64 = 2048;

/// What the answer reports.
pub(crate) fn usage(question: &Question, plan: &Plan) -> Usage {
    let input = plan.input.unwrap_or_else(|| question.embedding_tokens());
    Usage {
        kind: Kind::Embeddings,
        input,
        output: 0,
        cached: 0,
        reasoning: 0,
        lie: plan.lie,
        over: input.saturating_add(plan.over_by),
    }
}

/// The body's steps and the length to announce.
pub(crate) fn answer(question: &Question, plan: &Plan, usage: Usage) -> (Vec<Step>, Option<u64>) {
    let vector = vector(question);
    let data: Vec<_> = (0..question.input.inputs().min(MAX_INPUTS))
        .map(|index| format!(r#"{{"object":"embedding","index":{index},"embedding":{vector}}}"#))
        .collect();
    let reported = (plan.usage != Reporting::None).then_some(usage);
    let tail = reported.map_or_else(String::new, |usage| format!(r#","usage":{}"#, usage.to_json()));
    let model = serde_json::Value::from(question.model.as_str());
    let json = format!(r#"{{"object":"list","data":[{}],"model":{model}{tail}}}"#, data.join(","));
    body::steps(json, Progress { chunks: 1, tokens: 0, usage: reported }, plan)
}

fn vector(question: &Question) -> String {
    let dimensions = question.dimensions.unwrap_or(DIMENSIONS).clamp(1, MAX_DIMENSIONS);
    let dimensions = usize::try_from(dimensions).unwrap_or(1);
    if question.encoding_format.as_deref() == Some("base64") {
        return format!("\"{}\"", base64_of_zeros(4 * dimensions));
    }
    format!("[{}]", vec!["0.0"; dimensions].join(","))
}

/// Zero bytes are the letter A in base 64: only the padding takes thought.
fn base64_of_zeros(bytes: usize) -> String {
    let letters = (bytes * 8).div_ceil(6);
    let padding = letters.next_multiple_of(4) - letters;
    "A".repeat(letters) + &"=".repeat(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_zeros() {
        for (bytes, text) in [(0, ""), (1, "AA=="), (2, "AAA="), (3, "AAAA"), (4, "AAAAAA==")] {
            assert_eq!(base64_of_zeros(bytes), text);
        }
    }
}
