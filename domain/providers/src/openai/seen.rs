//! What was seen of an answer, for when no usage was reported.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::MAX_CHOICES;
use super::scan::text_bytes;

/// Why a choice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// It was complete, or met a stop sequence.
    Stop,
    /// It met the output limit.
    Length,
    /// It calls tools.
    ToolCalls,
    /// A filter cut it.
    ContentFilter,
    /// Something else.
    Other,
}

impl FinishReason {
    fn read(text: &str) -> Self {
        match text {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            _ => Self::Other,
        }
    }
}

/// What was seen of one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChoiceSeen {
    /// Bytes of the answer.
    pub content_bytes: u64,
    /// Bytes of reasoning that was shown.
    pub reasoning_bytes: u64,
    /// Bytes of a refusal.
    pub refusal_bytes: u64,
    /// Bytes of names and arguments of tool calls.
    pub tool_bytes: u64,
    /// Characters of sound in base64.
    pub audio_chars: u64,
    /// Frames that had any of these.
    pub frames: u64,
    /// Why it ended, once it did.
    pub finish: Option<FinishReason>,
}

/// A token of sound is 50 ms; at 24 kHz with 16 bits, the only form that is
/// streamed, 2400 bytes or 3200 characters of base64.
const CHARS_PER_AUDIO_TOKEN: u64 = 3200;

impl ChoiceSeen {
    /// The greater of the frames (a provider sends a token or more in each)
    /// and a quarter of the bytes (what a token holds of English prose; of
    /// code and other languages it holds less, and there the frames tell).
    fn tokens(&self) -> u64 {
        let bytes = self.content_bytes.saturating_add(self.reasoning_bytes);
        let bytes = bytes.saturating_add(self.refusal_bytes).saturating_add(self.tool_bytes);
        let audio = self.audio_chars.div_ceil(CHARS_PER_AUDIO_TOKEN);
        bytes.div_ceil(4).saturating_add(audio).max(self.frames)
    }

    fn any_bytes(&self) -> bool {
        self.content_bytes | self.reasoning_bytes | self.refusal_bytes | self.tool_bytes | self.audio_chars != 0
    }

    fn add(&mut self, more: &Self) {
        for (sum, part) in [
            (&mut self.content_bytes, more.content_bytes),
            (&mut self.reasoning_bytes, more.reasoning_bytes),
            (&mut self.refusal_bytes, more.refusal_bytes),
            (&mut self.tool_bytes, more.tool_bytes),
            (&mut self.audio_chars, more.audio_chars),
        ] {
            *sum = sum.saturating_add(part);
        }
        self.frames = self.frames.saturating_add(u64::from(more.any_bytes()));
        self.finish = more.finish.or(self.finish);
    }
}

/// What was seen of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    choices: BTreeMap<u64, ChoiceSeen>,
    unreadable_bytes: u64,
}

impl Seen {
    /// What was seen, by the choices' indexes. Indexes from 128 on, which no
    /// request can ask for, are kept together as 128.
    pub fn choices(&self) -> impl Iterator<Item = (u64, &ChoiceSeen)> {
        self.choices.iter().map(|(index, seen)| (*index, seen))
    }

    /// Bytes that could not be read as chunks: some of them may be output.
    #[must_use]
    pub const fn unreadable_bytes(&self) -> u64 {
        self.unreadable_bytes
    }

    /// Whether every choice that began has ended.
    #[must_use]
    pub fn finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|seen| seen.finish.is_some())
    }

    /// An estimate of the output tokens, used for payment only when no usage
    /// arrived. For each choice the greater of the frames with content and a
    /// quarter of the bytes; of what could not be read a quarter of the
    /// bytes. Reasoning that a provider hides is not in it.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        let choices = self.choices.values().map(ChoiceSeen::tokens).fold(0, u64::saturating_add);
        choices.saturating_add(self.unreadable_bytes.div_ceil(4))
    }

    pub(crate) fn unreadable(&mut self, bytes: usize) {
        self.unreadable_bytes = self.unreadable_bytes.saturating_add(bytes as u64);
    }

    /// Adds what is in the JSON of `choices`. `false` when there are none.
    pub(crate) fn add(&mut self, choices: &str) -> bool {
        let Ok(choices) = serde_json::from_str::<Vec<Choice<'_>>>(choices) else {
            self.unreadable(choices.len());
            return true;
        };
        for choice in &choices {
            let index = choice.index.unwrap_or(0).min(MAX_CHOICES);
            self.choices.entry(index).or_default().add(&choice.seen());
        }
        !choices.is_empty()
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<Audio<'a>>,
}

#[derive(Deserialize)]
struct Audio<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    transcript: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Called<'a>>,
    #[serde(borrow)]
    custom: Option<Called<'a>>,
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

impl Choice<'_> {
    fn seen(&self) -> ChoiceSeen {
        let mut seen = ChoiceSeen {
            content_bytes: length(self.text),
            finish: self.finish_reason.as_deref().map(FinishReason::read),
            ..ChoiceSeen::default()
        };
        for part in [self.delta, self.message].into_iter().flatten() {
            let Ok(delta) = serde_json::from_str::<Delta<'_>>(part.get()) else {
                seen.content_bytes = seen.content_bytes.saturating_add(length(Some(part)));
                continue;
            };
            seen.content_bytes = seen.content_bytes.saturating_add(length(delta.content));
            // Some send the same reasoning under both names.
            seen.reasoning_bytes = length(delta.reasoning).max(length(delta.reasoning_content));
            seen.refusal_bytes = length(delta.refusal);
            seen.tool_bytes = tools(delta.tool_calls).saturating_add(called(delta.function_call));
            if let Some(audio) = delta.audio {
                seen.audio_chars = length(audio.data);
                seen.content_bytes = seen.content_bytes.saturating_add(length(audio.transcript));
            }
        }
        seen
    }
}

fn length(value: Option<&RawValue>) -> u64 {
    value.map_or(0, |value| text_bytes(value.get()))
}

fn tools(calls: Option<&RawValue>) -> u64 {
    let Some(calls) = calls else { return 0 };
    let Ok(list) = serde_json::from_str::<Vec<ToolCall<'_>>>(calls.get()) else {
        return length(Some(calls));
    };
    list.iter()
        .flat_map(|call| [&call.function, &call.custom])
        .flatten()
        .map(Called::bytes)
        .fold(0, u64::saturating_add)
}

fn called(call: Option<&RawValue>) -> u64 {
    let Some(call) = call else { return 0 };
    serde_json::from_str::<Called<'_>>(call.get()).map_or_else(|_| length(Some(call)), |called| called.bytes())
}

impl Called<'_> {
    fn bytes(&self) -> u64 {
        length(self.name).saturating_add(length(self.arguments)).saturating_add(length(self.input))
    }
}
