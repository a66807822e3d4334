//! What of a request the provider understands, and how it counts its input.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A chat completion or an embedding: the fields that matter here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Question {
    #[serde(default)]
    pub(crate) model: String,
    stream: Option<bool>,
    n: Option<u64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    tools: Text,
    /// Of an embedding.
    #[serde(default)]
    pub(crate) input: Text,
    pub(crate) dimensions: Option<u32>,
    pub(crate) encoding_format: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    fake: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Content,
}

/// As OpenAI's, so that 128 choices of a long answer stay bounded.
const MAX_CHOICES: u64 = 128;

impl Question {
    pub(crate) fn stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    pub(crate) fn choices(&self) -> u64 {
        self.n.unwrap_or(1).clamp(1, MAX_CHOICES)
    }

    /// The most output tokens a choice may have.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    pub(crate) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// The plan that travels in the request's metadata.
    pub(crate) fn plan(&self) -> Option<&str> {
        self.metadata.as_ref()?.fake.as_deref()
    }

    /// As OpenAI counts a chat: three tokens before the answer, three for
    /// each message, and here one for each four bytes of text, 85 an image.
    pub(crate) fn chat_tokens(&self) -> u64 {
        let bytes: u64 = self.messages.iter().map(|message| message.content.bytes).sum();
        let images: u64 = self.messages.iter().map(|message| message.content.images).sum();
        let messages = self.messages.len().try_into().unwrap_or(u64::MAX);
        (bytes + self.tools.bytes).div_ceil(4) + 85 * images + 3 * messages + 3
    }

    /// One token for each four bytes, or as many as were sent ready made.
    pub(crate) fn embedding_tokens(&self) -> u64 {
        self.input.bytes.div_ceil(4) + self.input.numbers
    }
}

/// A message's content: a text, or parts.
#[derive(Debug, Default)]
struct Content {
    bytes: u64,
    images: u64,
}

#[derive(Deserialize)]
struct Part {
    text: Option<Text>,
    image_url: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content { bytes: length(text), images: 0 })
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
        let mut content = Content::default();
        while let Some(part) = parts.next_element::<Part>()? {
            content.bytes += part.text.map_or(0, |text| text.bytes);
            content.images += u64::from(part.image_url.is_some());
        }
        Ok(content)
    }
}

/// Any JSON: the bytes of its texts, how many numbers it has, and how many
/// values if it is a list. Nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Text {
    bytes: u64,
    numbers: u64,
    /// Elements of the list; numbers count as one input together.
    elements: u64,
}

impl Text {
    /// How many embeddings are asked for.
    pub(crate) fn inputs(&self) -> u64 {
        self.elements.max(1)
    }

    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.numbers += other.numbers;
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text { bytes: length(text), ..Text::default() })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text { numbers: 1, ..Text::default() })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Text, A::Error> {
        let mut sum = Text::default();
        while let Some(value) = values.next_element::<Text>()? {
            // A list of numbers is one input, a list of anything else many.
            let of_its_own = value.bytes > 0 || value.elements > 0 || value.numbers == 0;
            sum.elements += u64::from(of_its_own);
            sum.add(&value);
        }
        sum.elements = sum.elements.max(1);
        Ok(sum)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Text, A::Error> {
        let mut sum = Text::default();
        while let Some((key, value)) = entries.next_entry::<Text, Text>()? {
            sum.add(&key);
            sum.add(&value);
        }
        Ok(sum)
    }
}

fn length(text: &str) -> u64 {
    text.len().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: &str) -> Question {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn input_is_counted() {
        for (json, tokens) in [
            (r#"{"messages":[]}"#, 3),
            (r#"{"messages":[{"role":"user","content":"hello"}]}"#, 3 + 3 + 2),
            (r#"{"messages":[{"role":"assistant","content":null},{"role":"user"}]}"#, 3 + 6),
            (
                r#"{"messages":[{"content":[{"type":"text","text":"12345678"},{"type":"image_url","image_url":{"url":"data:"}}]}]}"#,
                3 + 3 + 2 + 85,
            ),
            (r#"{"messages":[],"tools":[{"type":"function","ok":true,"n":-1,"x":1.5,"y":null}]}"#, 3 + 5),
        ] {
            assert_eq!(question(json).chat_tokens(), tokens, "{json}");
        }
        for (json, tokens, inputs) in [
            (r#"{"input":"12345678"}"#, 2, 1),
            (r#"{"input":["1234","12345678"]}"#, 3, 2),
            (r#"{"input":[5,6,7]}"#, 3, 1),
            (r#"{"input":[[5,6,7],[8]]}"#, 4, 2),
        ] {
            let question = question(json);
            assert_eq!((question.embedding_tokens(), question.input.inputs()), (tokens, inputs), "{json}");
        }
    }

    #[test]
    fn limit_is_the_newer_name_first() {
        assert_eq!(question(r#"{"max_tokens":5,"max_completion_tokens":7}"#).limit(), Some(7));
        assert_eq!(question(r#"{"max_tokens":5}"#).limit(), Some(5));
        assert_eq!(question("{}").limit(), None);
    }
}
