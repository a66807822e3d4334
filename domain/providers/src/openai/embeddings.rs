//! A request for embeddings, parsed once.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::bound::InputBound;
use super::fields::Fields;
use super::request_error::RequestError;
use super::rewrite::{Object, text};
use super::scan::text_bytes;
use super::surcharge::raw_list;

/// OpenAI's limit of inputs in one request.
const MAX_INPUTS: usize = 2048;

/// Some models begin and end each input with a token of their own.
const PER_INPUT: u64 = 4;

/// The form in which vectors are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// An array of numbers.
    #[default]
    Float,
    /// 32-bit floats, little-endian, in base64. OpenAI's SDKs ask for this.
    Base64,
}

/// One thing to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingsInput<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Tokens of the model's own tokenizer.
    Tokens(Vec<u32>),
}

/// A request for embeddings.
#[derive(Debug, Clone)]
pub struct EmbeddingsRequest<'a> {
    fields: Fields<'a>,
    model: String,
    encoding: Encoding,
    dimensions: Option<u64>,
    inputs: Vec<&'a str>,
    text_bytes: u64,
    tokens: u64,
}

impl<'a> EmbeddingsRequest<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`RequestError`] when it is not a request whose price can be told.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let fields = Fields::parse(body)?;
        let model = fields.model()?;
        let input = fields.get("input").ok_or(RequestError::Missing("input"))?;
        fields.check_depth("")?;
        let inputs = match raw_list(&fields, "input") {
            Ok(list) if list.first().is_some_and(|first| is_number(first)) => vec![input],
            Ok(list) => list.into_iter().map(RawValue::get).collect(),
            Err(_) => vec![input],
        };
        if inputs.is_empty() {
            return Err(RequestError::Empty("input"));
        }
        if inputs.len() > MAX_INPUTS {
            return Err(RequestError::OutOfRange { param: "input", min: 1, max: MAX_INPUTS as u64 });
        }
        let (mut bytes, mut tokens) = (0_u64, 0_u64);
        for input in &inputs {
            match read(input)? {
                EmbeddingsInput::Text(_) => bytes = bytes.saturating_add(text_bytes(input)),
                EmbeddingsInput::Tokens(list) => tokens = tokens.saturating_add(list.len() as u64),
            }
        }
        let encoding = match fields.string("encoding_format")?.as_deref() {
            None | Some("float") => Encoding::Float,
            Some("base64") => Encoding::Base64,
            Some(_) => {
                return Err(RequestError::WrongType { param: "encoding_format", expected: "float or base64" });
            }
        };
        // The largest vectors on offer have some 8,000 dimensions.
        let dimensions = fields.count("dimensions", Some(65_536))?;
        Ok(Self { model, encoding, dimensions, inputs, text_bytes: bytes, tokens, fields })
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The form in which vectors are wanted.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How long the vectors shall be.
    #[must_use]
    pub const fn dimensions(&self) -> Option<u64> {
        self.dimensions
    }

    /// What to embed.
    pub fn inputs(&self) -> impl Iterator<Item = EmbeddingsInput<'a>> {
        self.inputs.iter().filter_map(|input| read(input).ok())
    }

    /// Bounds the input: a token for each byte of text, tokens as they are,
    /// and four around each.
    #[must_use]
    pub fn input_bound(&self) -> InputBound {
        let around = (self.inputs.len() as u64).saturating_mul(PER_INPUT);
        let tokens = self.text_bytes.saturating_add(self.tokens).saturating_add(around);
        let likely_tokens = self.text_bytes.div_ceil(3).saturating_add(self.tokens);
        InputBound { tokens, likely_tokens, image_tokens: 0, audio_tokens: 0 }
    }

    /// Writes the body to send: the model's name is changed, nothing else.
    #[must_use]
    pub fn rewrite(&self, upstream_model: &str) -> Vec<u8> {
        let mut object = Object::default();
        for (key, value) in self.fields.iter() {
            match key {
                "model" => object.member(key, &text(upstream_model)),
                _ => object.member(key, value.get()),
            }
        }
        object.finish()
    }
}

fn is_number(value: &RawValue) -> bool {
    value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn read(input: &str) -> Result<EmbeddingsInput<'_>, RequestError> {
    let wrong = RequestError::WrongType {
        param: "input",
        expected: "a string, an array of strings, an array of tokens, or an array of arrays of tokens",
    };
    let read = if input.starts_with('"') {
        EmbeddingsInput::Text(serde_json::from_str::<String>(input).map_err(|_| wrong)?.into())
    } else {
        EmbeddingsInput::Tokens(serde_json::from_str(input).map_err(|_| wrong)?)
    };
    match &read {
        EmbeddingsInput::Text(text) if text.is_empty() => Err(RequestError::Empty("input")),
        EmbeddingsInput::Tokens(tokens) if tokens.is_empty() => Err(RequestError::Empty("input")),
        _ => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        for (input, tokens) in [
            (r#""abc""#, 3 + 4),
            (r#""é\n""#, 3 + 4),
            (r#"["ab","c"]"#, 3 + 8),
            ("[1,2,3]", 3 + 4),
            ("[[1,2],[3]]", 3 + 8),
            (r#"["ab",[1,2,3]]"#, 5 + 8),
        ] {
            let body = format!(r#"{{"model":"e","input":{input}}}"#);
            let request = EmbeddingsRequest::parse(body.as_bytes()).unwrap();
            assert_eq!(request.input_bound().tokens, tokens, "{input}");
            assert_eq!(
                String::from_utf8(request.rewrite("up")).unwrap(),
                format!(r#"{{"model":"up","input":{input}}}"#)
            );
        }
    }

    #[test]
    fn refusals() {
        for (rest, code) in [
            ("", "missing_required_parameter"),
            (r#","input":null"#, "missing_required_parameter"),
            (r#","input":"""#, "empty_value"),
            (r#","input":[]"#, "empty_value"),
            (r#","input":[[]]"#, "empty_value"),
            (r#","input":["a",""]"#, "empty_value"),
            (r#","input":7"#, "invalid_type"),
            (r#","input":{}"#, "invalid_type"),
            (r#","input":[-1]"#, "invalid_type"),
            (r#","input":[1.5]"#, "invalid_type"),
            (r#","input":[1,"a"]"#, "invalid_type"),
            (r#","input":"a","encoding_format":"hex""#, "invalid_type"),
            (r#","input":"a","dimensions":0"#, "invalid_value"),
            (r#","input":"a","input":"b""#, "duplicate_parameter"),
            (&format!(r#","input":[{}1]"#, "[1],".repeat(2048)), "invalid_value"),
        ] {
            let body = format!(r#"{{"model":"e"{rest}}}"#);
            let error = EmbeddingsRequest::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code, "{body}: {error}");
        }
    }
}
