//! How one call is answered: the plan, its named modes and its bounds.

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What stands before a mode in the name of a model: `fake-cut`.
pub const MODEL_PREFIX: &str = "fake-";

/// A million words of five bytes are 5 MB of answer.
const MAX_TOKENS: u64 = 1_000_000;
/// Each frame is about 200 bytes: 20 MB of stream.
const MAX_CHUNKS: u32 = 100_000;
/// Longer than any test waits.
const MAX_DELAY_MS: u64 = 600_000;

/// How one call is answered. As JSON every field may be left out, and `mode`
/// names a preset (see [`MODES`]) that the other fields then refine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Output tokens a choice, before the caller's own limit is honoured.
    pub tokens: u64,
    /// Input tokens to report, in place of those counted.
    pub input: Option<u64>,
    /// Input tokens reported as cached; never checked against the input.
    pub cached: u64,
    /// How many of the output tokens are reasoning, which has no text.
    pub reasoning: u64,
    /// What the answer consists of.
    pub answer: Answer,
    /// Wait before the response's headers.
    pub delay_headers_ms: u64,
    /// Wait before each frame of a stream but the first.
    pub delay_chunk_ms: u64,
    /// Content chunks a choice; without it one for each token with text.
    pub chunks: Option<u32>,
    /// Where usage is reported.
    pub usage: Reporting,
    /// What the reported usage says.
    pub lie: Lie,
    /// For [`Lie::Over`]: by how many tokens.
    pub over_by: u64,
    /// How a stream's frames look on the wire.
    pub frames: Frames,
    /// For [`Frames::Split`]: bytes in each write.
    pub piece: usize,
    /// What goes wrong.
    pub fault: Fault,
    /// After how many content chunks of a stream it goes wrong. The half of a
    /// body that is not a stream.
    pub after: u32,
    /// For [`Fault::Status`] and [`Fault::Html`].
    pub status: u16,
    /// Seconds in a `retry-after` header; 429 and 503 have one anyway.
    pub retry_after: Option<u64>,
    /// A body that is not a stream comes without content-length.
    pub chunked: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tokens: 16,
            input: None,
            cached: 0,
            reasoning: 0,
            answer: Answer::Text,
            delay_headers_ms: 0,
            delay_chunk_ms: 0,
            chunks: None,
            usage: Reporting::Standard,
            lie: Lie::Honest,
            over_by: 1,
            frames: Frames::Plain,
            // A prime, so that the cuts wander through the frames.
            piece: 61,
            fault: Fault::None,
            after: 2,
            status: 500,
            retry_after: None,
            chunked: false,
        }
    }
}

/// What an answer consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Words.
    Text,
    /// One call of a function, the words in its arguments.
    ToolCall,
}

/// Where usage is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reporting {
    /// In the body; in a stream at its end and only if asked for.
    Standard,
    /// At a stream's end although nobody asked.
    Always,
    /// Nowhere.
    None,
    /// The usage so far on every content chunk, and at the end if asked for.
    EveryChunk,
    /// On the last chunk that has a choice, and nowhere else.
    LastChunk,
}

/// What the reported usage says of the output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// The truth.
    Honest,
    /// A number below zero.
    Negative,
    /// Half a token more.
    Fractional,
    /// The right number as a text.
    String,
    /// `null`.
    Null,
    /// The field is left out.
    Missing,
    /// 10^15, which is readable.
    Huge,
    /// 10^20, which fits into no 64-bit integer.
    Overflow,
    /// Exactly `over_by` more than the caller's limit, or than the truth if
    /// there was none.
    Over,
}

/// How a stream's frames look on the wire. What is not a stream obeys
/// `invalid_json`, `invalid_utf8`, `giant` and `split`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frames {
    /// `data: {…}` and an empty line.
    Plain,
    /// Lines end in CR LF.
    Crlf,
    /// Comments, `event:` and `id:` lines around the data, no space after
    /// `data:`.
    Comments,
    /// Cut into small pieces, each its own write.
    Split,
    /// The first content chunk has 3 MB of padding.
    Giant,
    /// All frames in one write; a thousand unless `chunks` says otherwise.
    Burst,
    /// One more frame, after `after` chunks, that is not JSON.
    InvalidJson,
    /// One more frame, after `after` chunks, that is not UTF-8.
    InvalidUtf8,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing.
    None,
    /// The socket closes between two frames.
    Cut,
    /// The socket closes in the middle of a frame.
    CutInside,
    /// The socket closes before any header.
    CutHeaders,
    /// Nothing more comes, for ever.
    Hang,
    /// Nothing comes, not even headers.
    HangHeaders,
    /// Refused with `status` and an error body of OpenAI's shape.
    Status,
    /// Refused with `status` and a page of HTML.
    Html,
    /// An error in the middle of a stream, which then ends; without a stream
    /// an error body under status 200.
    ErrorFrame,
}

/// The named modes: what `{"mode": "…"}` and a model `fake-…` stand for.
pub const MODES: &[(&str, &str)] = &[
    ("ok", "{}"),
    ("no_usage", r#"{"usage":"none"}"#),
    ("usage_always", r#"{"usage":"always"}"#),
    ("usage_every_chunk", r#"{"usage":"every_chunk"}"#),
    ("usage_last_chunk", r#"{"usage":"last_chunk"}"#),
    ("cached", r#"{"input":1000,"cached":800}"#),
    ("reasoning", r#"{"reasoning":4}"#),
    ("tool_call", r#"{"answer":"tool_call"}"#),
    ("chunked", r#"{"chunked":true}"#),
    ("slow", r#"{"delay_headers_ms":200,"delay_chunk_ms":50}"#),
    ("lie_negative", r#"{"lie":"negative"}"#),
    ("lie_fractional", r#"{"lie":"fractional"}"#),
    ("lie_string", r#"{"lie":"string"}"#),
    ("lie_null", r#"{"lie":"null"}"#),
    ("lie_missing", r#"{"lie":"missing"}"#),
    ("lie_huge", r#"{"lie":"huge"}"#),
    ("lie_overflow", r#"{"lie":"overflow"}"#),
    ("lie_over", r#"{"lie":"over"}"#),
    ("cut", r#"{"fault":"cut"}"#),
    ("cut_inside", r#"{"fault":"cut_inside"}"#),
    ("cut_headers", r#"{"fault":"cut_headers"}"#),
    ("hang", r#"{"fault":"hang"}"#),
    ("hang_headers", r#"{"fault":"hang_headers"}"#),
    ("status", r#"{"fault":"status"}"#),
    ("400", r#"{"fault":"status","status":400}"#),
    ("401", r#"{"fault":"status","status":401}"#),
    ("404", r#"{"fault":"status","status":404}"#),
    ("429", r#"{"fault":"status","status":429}"#),
    ("500", r#"{"fault":"status","status":500}"#),
    ("503", r#"{"fault":"status","status":503}"#),
    ("html", r#"{"fault":"html","status":502}"#),
    ("error_frame", r#"{"fault":"error_frame"}"#),
    ("crlf", r#"{"frames":"crlf"}"#),
    ("comments", r#"{"frames":"comments"}"#),
    ("split", r#"{"frames":"split"}"#),
    ("giant", r#"{"frames":"giant"}"#),
    ("burst", r#"{"frames":"burst"}"#),
    ("invalid_json", r#"{"frames":"invalid_json"}"#),
    ("invalid_utf8", r#"{"frames":"invalid_utf8"}"#),
];

impl Plan {
    /// Reads a plan written as JSON.
    ///
    /// # Errors
    /// When it is no object, names an unknown mode or field, or is out of
    /// bounds.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Self::from_object(serde_json::from_str(text).context("a plan is a JSON object")?)
    }

    /// The plan of a named mode.
    ///
    /// # Errors
    /// When there is no such mode.
    pub fn of_mode(name: &str) -> anyhow::Result<Self> {
        Self::from_object(Map::from_iter([("mode".to_owned(), name.into())]))
    }

    /// The plan that a model's name asks for, if it asks for one.
    ///
    /// # Errors
    /// When the name starts with [`MODEL_PREFIX`] and no mode follows.
    pub fn of_model(model: &str) -> anyhow::Result<Option<Self>> {
        model.strip_prefix(MODEL_PREFIX).map(Self::of_mode).transpose()
    }

    pub(crate) fn from_object(mut fields: Map<String, Value>) -> anyhow::Result<Self> {
        let mut object = match fields.remove("mode") {
            None => Map::new(),
            Some(Value::String(name)) => preset(&name)?,
            Some(other) => bail!("a mode is a text, not `{other}`"),
        };
        object.extend(fields);
        let plan: Self = serde_json::from_value(Value::Object(object)).context("not a plan")?;
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.tokens <= MAX_TOKENS, "`tokens` is at most {MAX_TOKENS}");
        ensure!(self.chunks.is_none_or(|chunks| chunks <= MAX_CHUNKS), "`chunks` is at most {MAX_CHUNKS}");
        ensure!(self.delay_headers_ms.max(self.delay_chunk_ms) <= MAX_DELAY_MS, "a delay is at most {MAX_DELAY_MS} ms");
        ensure!(self.piece > 0, "`piece` is at least 1");
        ensure!((200..=599).contains(&self.status), "`status` is between 200 and 599");
        Ok(())
    }
}

fn preset(name: &str) -> anyhow::Result<Map<String, Value>> {
    let name = name.replace('-', "_");
    let Some((_, fields)) = MODES.iter().find(|(mode, _)| *mode == name) else {
        let modes: Vec<_> = MODES.iter().map(|(mode, _)| *mode).collect();
        bail!("there is no mode `{name}`; the modes are {}", modes.join(", "));
    };
    Ok(serde_json::from_str(fields)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_a_plan_and_only_ok_is_the_default() {
        for (mode, _) in MODES {
            let plan = Plan::of_mode(mode).unwrap();
            // `status` alone is a 500, which has a name of its own.
            assert_eq!(plan == Plan::default(), *mode == "ok", "{mode}");
            assert_eq!(Plan::of_model(&format!("fake-{}", mode.replace('_', "-"))).unwrap(), Some(plan));
        }
    }

    #[test]
    fn fields_refine_a_mode() {
        let plan = Plan::parse(r#"{"mode":"cut","after":5,"tokens":9}"#).unwrap();
        assert_eq!(plan, Plan { fault: Fault::Cut, after: 5, tokens: 9, ..Plan::default() });
    }

    #[test]
    fn what_is_not_a_plan_is_refused() {
        for text in [
            "[]",
            r#"{"mode":"wobble"}"#,
            r#"{"mode":7}"#,
            r#"{"token":7}"#,
            r#"{"tokens":-1}"#,
            r#"{"tokens":1000001}"#,
            r#"{"chunks":100001}"#,
            r#"{"delay_chunk_ms":600001}"#,
            r#"{"piece":0}"#,
            r#"{"status":99}"#,
        ] {
            assert!(Plan::parse(text).is_err(), "{text}");
        }
        assert!(Plan::of_model("fake-wobble").is_err());
        assert_eq!(Plan::of_model("gpt-4o-mini").unwrap(), None);
    }
}
