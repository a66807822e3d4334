//! What a chat's answer will say, before it is put into any form.

use super::plan::{Answer, Plan, Reporting};
use super::request::Question;
use super::usage::{Kind, Usage};

/// Five bytes for each token: an answer never has more tokens than bytes.
pub(crate) const WORD: &str = " word";

/// 2023-11-14; the provider has no clock to show.
pub(crate) const CREATED: u64 = 1_700_000_000;

/// One chat's answer in numbers.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) number: u64,
    /// The model's name as JSON.
    pub(crate) model: String,
    pub(crate) choices: u64,
    /// Tokens with text, of each choice.
    pub(crate) words: u64,
    /// Tokens without text, of each choice.
    pub(crate) reasoning: u64,
    pub(crate) finish: &'static str,
    /// Whether a stream ends with its usage.
    pub(crate) ends_with_usage: bool,
    /// What is reported in the end.
    pub(crate) usage: Usage,
}

impl<'a> Outline<'a> {
    pub(crate) fn new(question: &Question, plan: &'a Plan, number: u64) -> Self {
        let tokens = question.limit().map_or(plan.tokens, |limit| limit.min(plan.tokens));
        let reasoning = plan.reasoning.min(tokens);
        let choices = question.choices();
        let limit = question.limit().unwrap_or(tokens);
        Self {
            plan,
            number,
            model: serde_json::Value::from(question.model.as_str()).to_string(),
            choices,
            words: tokens - reasoning,
            reasoning,
            finish: match plan.answer {
                _ if tokens < plan.tokens => "length",
                Answer::Text => "stop",
                Answer::ToolCall => "tool_calls",
            },
            ends_with_usage: match plan.usage {
                Reporting::Standard | Reporting::EveryChunk => question.include_usage(),
                Reporting::Always => true,
                Reporting::None | Reporting::LastChunk => false,
            },
            usage: Usage {
                kind: Kind::Chat,
                input: plan.input.unwrap_or_else(|| question.chat_tokens()),
                output: tokens * choices,
                cached: plan.cached,
                reasoning: reasoning * choices,
                lie: plan.lie,
                over: limit.saturating_mul(choices).saturating_add(plan.over_by),
            },
        }
    }
}

pub(crate) fn words(count: u64) -> String {
    WORD.repeat(usize::try_from(count).unwrap_or(0))
}
