//! The demo models' answers.

use super::ask::{Ask, Form};
use super::text::{filler, pieces, tokens};
use super::{DemoError, MODELS};
use crate::openai::{ChatRequest, ReportedUsage};

/// Prompts above this are partly read from the demo models' cache.
const CACHE_FROM: u64 = 1024;

/// `demo-reasoner` thinks for so many tokens before it answers.
const REASONING: u64 = 128;

/// How much of the user's words an answer quotes.
const QUOTE: usize = 80;

/// A demo model's answer, ready to be sent whole or as a stream.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) model: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: ReportedUsage,
    pub(crate) include_usage: bool,
    delay_ms: u64,
}

/// One choice of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The answer, or the call's arguments.
    pub(crate) text: String,
    /// The tool that is called.
    pub(crate) call: Option<String>,
    pub(crate) finish_reason: &'static str,
    reasoning: u64,
}

/// What a demo model answers. The request names it.
///
/// # Errors
/// [`DemoError`] when the request names no demo model, or the one that only
/// embeds.
pub fn answer(request: &ChatRequest<'_>) -> Result<Answer, DemoError> {
    let model = request.model();
    if !MODELS.contains(&model) || model == "demo-embed" {
        return Err(DemoError::NoSuchModel(model.to_owned()));
    }
    let ask = Ask::read(request);
    let choices: Vec<Choice> = (0..request.n()).map(|place| choice(&ask, model, place)).collect();
    let reasoning_tokens = choices.iter().map(|choice| choice.reasoning).sum();
    let output_tokens = choices.iter().map(Choice::tokens).sum();
    let cached_input_tokens = if ask.prompt_tokens > CACHE_FROM { ask.prompt_tokens / 2 / 128 * 128 } else { 0 };
    let usage = ReportedUsage {
        input_tokens: ask.prompt_tokens,
        cached_input_tokens,
        output_tokens,
        reasoning_tokens,
        ..ReportedUsage::default()
    };
    let include_usage = request.include_usage();
    Ok(Answer { model: model.to_owned(), choices, usage, include_usage, delay_ms: ask.delay_ms })
}

impl Answer {
    /// The pause before each frame of a stream, in milliseconds.
    #[must_use]
    pub const fn delay_ms(&self) -> u64 {
        self.delay_ms
    }

    /// What the answer reports as its usage.
    #[must_use]
    pub const fn usage(&self) -> ReportedUsage {
        self.usage
    }
}

impl Choice {
    /// A call's name is among the billed tokens, as elsewhere.
    fn tokens(&self) -> u64 {
        self.reasoning + self.call.as_deref().map_or(0, tokens) + tokens(&self.text)
    }
}

fn choice(ask: &Ask, model: &str, place: u64) -> Choice {
    let reasoning = if model == "demo-reasoner" { REASONING.min(ask.limit) } else { 0 };
    let mut left = ask.limit - reasoning;
    let mut call = None;
    let (mut text, wanted): (Vec<&str>, u64);
    let intro;
    match &ask.form {
        Form::Words => {
            let usual = if model == "demo-large" { 96 } else { 48 };
            wanted = ask.length.unwrap_or(usual);
            intro = greeting(&ask.last_user_text);
            let most = usize::try_from(wanted.min(left)).unwrap_or(usize::MAX);
            text = pieces(&intro).chain(filler(place)).take(most).collect();
        }
        Form::Json(json) => {
            text = pieces(json).collect();
            wanted = text.len() as u64;
        }
        Form::Call { name, arguments } => {
            // A name is not cut: without room for it there is no call.
            text = pieces(arguments).collect();
            wanted = text.len() as u64;
            match left.checked_sub(tokens(name)) {
                Some(rest) => (call, left) = (Some(name.clone()), rest),
                None => left = 0,
            }
        }
    }
    text.truncate(usize::try_from(left).unwrap_or(usize::MAX));
    let mut finish_reason = match (wanted > left, &call) {
        (true, _) => "length",
        (false, Some(_)) => "tool_calls",
        (false, None) => "stop",
    };
    let mut text = text.concat();
    if call.is_none()
        && let Some(cut) = cut_at(&text, &ask.stop)
    {
        text.truncate(cut);
        finish_reason = "stop";
    }
    Choice { text, call, finish_reason, reasoning }
}

fn greeting(user_text: &str) -> String {
    let quote = user_text.get(..user_text.floor_char_boundary(QUOTE)).unwrap_or_default();
    if quote.trim().is_empty() {
        return "Hello, this is the demo model.".to_owned();
    }
    format!("You said: \"{}\". This is the demo model.", quote.trim())
}

/// Where the first stop sequence in the text begins.
fn cut_at(text: &str, stops: &[String]) -> Option<usize> {
    stops.iter().filter_map(|stop| text.find(stop.as_str())).min()
}
