//! The usage that a provider reports.

use serde::Deserialize;

/// Tokens as a provider counted them. `input_tokens` and `output_tokens` are
/// totals; the others are parts of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportedUsage {
    /// All input.
    pub input_tokens: u64,
    /// Input that was read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Input that was written to the provider's cache.
    pub cache_write_tokens: u64,
    /// All output, reasoning included.
    pub output_tokens: u64,
    /// Output that was reasoning.
    pub reasoning_tokens: u64,
    /// Input that was sound.
    pub input_audio_tokens: u64,
    /// Input that was sound and was read from the cache.
    pub cached_audio_tokens: u64,
    /// Output that was sound.
    pub output_audio_tokens: u64,
    /// Input that was pictures.
    pub input_image_tokens: u64,
}

/// Why there is no usage to go by. Asking again cannot help; what was seen
/// on the wire is what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// There is none, or it is `null`.
    #[error("the provider reported no usage")]
    Missing,
    /// It is not an object of numbers.
    #[error("the provider's usage cannot be read")]
    Unreadable,
    /// A count that must be there is not.
    #[error("the provider's usage has no `{0}`")]
    MissingCount(&'static str),
    /// A count is negative, fractional, huge or not a number.
    #[error("the provider's usage has a `{0}` that is not a count")]
    NotACount(&'static str),
    /// A part is greater than its whole.
    #[error("the provider's usage contradicts itself in `{0}`")]
    Inconsistent(&'static str),
}

/// No call has more; sums of a few counts stay far from the end of `u64`, and
/// times a price from the end of `i128`.
const MAX_COUNT: u64 = 1 << 40;

/// Absent, or whatever JSON stands there.
type Given = Option<serde_json::Value>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    prompt_tokens: Given,
    completion_tokens: Given,
    total_tokens: Given,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Given,
    /// Moonshot.
    cached_tokens: Given,
    /// Anthropic's models behind a translating router.
    cache_read_input_tokens: Given,
    cache_creation_input_tokens: Given,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Given,
    audio_tokens: Given,
    image_tokens: Given,
    /// OpenRouter.
    cache_write_tokens: Given,
    cache_creation_tokens: Given,
    cached_tokens_details: Option<CachedDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CachedDetails {
    audio_tokens: Given,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Given,
    audio_tokens: Given,
    accepted_prediction_tokens: Given,
    rejected_prediction_tokens: Given,
}

impl ReportedUsage {
    /// Reads the JSON of a chat completion's or a chunk's `usage`.
    ///
    /// Where `total_tokens` is more than input and output together, the rest
    /// is taken as output: xAI and Gemini leave reasoning out of
    /// `completion_tokens` and bill it as output all the same. Rejected
    /// prediction tokens are in `completion_tokens` already.
    ///
    /// # Errors
    /// [`UsageError`], for the caller to fall back to what was seen.
    pub fn parse(json: &str) -> Result<Self, UsageError> {
        Self::read(json, true)
    }

    /// Reads the JSON of an embeddings answer's `usage`, which has no output.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_embeddings(json: &str) -> Result<Self, UsageError> {
        Self::read(json, false)
    }

    fn read(json: &str, output: bool) -> Result<Self, UsageError> {
        if json.trim() == "null" {
            return Err(UsageError::Missing);
        }
        // serde would take an array for the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err(UsageError::Unreadable);
        }
        let wire: Wire = serde_json::from_str(json).map_err(|_| UsageError::Unreadable)?;
        let input = wire.prompt_tokens_details.unwrap_or_default();
        let cached = input.cached_tokens_details.unwrap_or_default();
        let out = wire.completion_tokens_details.unwrap_or_default();

        let input_tokens = required("prompt_tokens", &wire.prompt_tokens)?;
        let total = count("total_tokens", &wire.total_tokens)?.unwrap_or(0);
        let mut output_tokens = match count("completion_tokens", &wire.completion_tokens)? {
            Some(tokens) => tokens,
            None if output => return Err(UsageError::MissingCount("completion_tokens")),
            None => 0,
        };
        // Zero stands for a total that was not filled in.
        if total > 0 {
            let rest = total.checked_sub(input_tokens).ok_or(UsageError::Inconsistent("total_tokens"))?;
            if rest < output_tokens {
                return Err(UsageError::Inconsistent("total_tokens"));
            }
            output_tokens = if output { rest } else { output_tokens };
        }
        let usage = Self {
            input_tokens,
            output_tokens,
            cached_input_tokens: first(&[
                ("cached_tokens", &input.cached_tokens),
                ("prompt_cache_hit_tokens", &wire.prompt_cache_hit_tokens),
                ("cache_read_input_tokens", &wire.cache_read_input_tokens),
                ("cached_tokens", &wire.cached_tokens),
            ])?,
            cache_write_tokens: first(&[
                ("cache_write_tokens", &input.cache_write_tokens),
                ("cache_creation_tokens", &input.cache_creation_tokens),
                ("cache_creation_input_tokens", &wire.cache_creation_input_tokens),
            ])?,
            reasoning_tokens: first(&[("reasoning_tokens", &out.reasoning_tokens)])?,
            input_audio_tokens: first(&[("audio_tokens", &input.audio_tokens)])?,
            cached_audio_tokens: first(&[("audio_tokens", &cached.audio_tokens)])?,
            output_audio_tokens: first(&[("audio_tokens", &out.audio_tokens)])?,
            input_image_tokens: first(&[("image_tokens", &input.image_tokens)])?,
        };
        let predicted = first(&[("accepted_prediction_tokens", &out.accepted_prediction_tokens)])?
            + first(&[("rejected_prediction_tokens", &out.rejected_prediction_tokens)])?;
        usage.consistent(predicted)
    }

    /// Sums cannot overflow: each is at most [`MAX_COUNT`].
    fn consistent(self, predicted: u64) -> Result<Self, UsageError> {
        for (part, whole, name) in [
            (self.cached_input_tokens + self.cache_write_tokens, self.input_tokens, "cached_tokens"),
            (self.input_audio_tokens + self.input_image_tokens, self.input_tokens, "prompt_tokens_details"),
            (self.cached_audio_tokens, self.input_audio_tokens.min(self.cached_input_tokens), "cached_tokens_details"),
            (self.reasoning_tokens + self.output_audio_tokens, self.output_tokens, "completion_tokens_details"),
            (predicted, self.output_tokens, "prediction_tokens"),
        ] {
            if part > whole {
                return Err(UsageError::Inconsistent(name));
            }
        }
        Ok(self)
    }
}

fn required(name: &'static str, given: &Given) -> Result<u64, UsageError> {
    count(name, given)?.ok_or(UsageError::MissingCount(name))
}

fn count(name: &'static str, given: &Given) -> Result<Option<u64>, UsageError> {
    match given {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(count) if count <= MAX_COUNT => Ok(Some(count)),
            _ => Err(UsageError::NotACount(name)),
        },
    }
}

/// The first that is given and not zero. All are read, so that a broken one
/// is never passed over.
fn first(given: &[(&'static str, &Given)]) -> Result<u64, UsageError> {
    let mut found = 0;
    for (name, value) in given {
        let count = count(name, value)?.unwrap_or(0);
        found = if found == 0 { count } else { found };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> ReportedUsage {
        ReportedUsage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            ..ReportedUsage::default()
        }
    }

    #[test]
    fn table() {
        use UsageError::{Inconsistent, Missing, MissingCount, NotACount, Unreadable};
        for (json, expected) in [
            (r#"{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}"#, Ok(usage(9, 0, 12, 0))),
            (
                r#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":192,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":8}}"#,
                Ok(usage(2006, 1920, 300, 192)),
            ),
            // DeepSeek.
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}"#,
                Ok(usage(10, 6, 2, 0)),
            ),
            // xAI: reasoning is beside the completion.
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":112,"completion_tokens_details":{"reasoning_tokens":100}}"#,
                Ok(usage(10, 0, 102, 100)),
            ),
            // OpenRouter.
            (
                r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cost":0.00014,"is_byok":false,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":7},"cost_details":{"upstream_inference_cost":null}}"#,
                Ok(ReportedUsage { cache_write_tokens: 7, ..usage(10, 0, 2, 0) }),
            ),
            (
                r#"{"prompt_tokens":50,"completion_tokens":30,"prompt_tokens_details":{"audio_tokens":20,"image_tokens":5,"cached_tokens":9,"cached_tokens_details":{"audio_tokens":8}},"completion_tokens_details":{"audio_tokens":25}}"#,
                Ok(ReportedUsage {
                    input_audio_tokens: 20,
                    input_image_tokens: 5,
                    cached_audio_tokens: 8,
                    output_audio_tokens: 25,
                    ..usage(50, 9, 30, 0)
                }),
            ),
            (
                r#"{"prompt_tokens":1,"completion_tokens":0,"total_tokens":null,"prompt_tokens_details":null}"#,
                Ok(usage(1, 0, 0, 0)),
            ),
            ("null", Err(Missing)),
            ("7", Err(Unreadable)),
            ("[1,2]", Err(Unreadable)),
            (r#"{"prompt_tokens":1"#, Err(Unreadable)),
            ("{}", Err(MissingCount("prompt_tokens"))),
            (r#"{"prompt_tokens":1}"#, Err(MissingCount("completion_tokens"))),
            (r#"{"prompt_tokens":null,"completion_tokens":1}"#, Err(MissingCount("prompt_tokens"))),
            (r#"{"prompt_tokens":-1,"completion_tokens":1}"#, Err(NotACount("prompt_tokens"))),
            (r#"{"prompt_tokens":1,"completion_tokens":1.5}"#, Err(NotACount("completion_tokens"))),
            (r#"{"prompt_tokens":"1","completion_tokens":1}"#, Err(NotACount("prompt_tokens"))),
            (r#"{"prompt_tokens":1,"completion_tokens":1e30}"#, Err(NotACount("completion_tokens"))),
            (r#"{"prompt_tokens":1,"completion_tokens":18446744073709551615}"#, Err(NotACount("completion_tokens"))),
            (
                r#"{"prompt_tokens":1,"completion_tokens":1,"prompt_cache_hit_tokens":-4}"#,
                Err(NotACount("prompt_cache_hit_tokens")),
            ),
            (r#"{"prompt_tokens":1,"prompt_tokens":1,"completion_tokens":1}"#, Err(Unreadable)),
            (r#"{"prompt_tokens":5,"completion_tokens":5,"total_tokens":9}"#, Err(Inconsistent("total_tokens"))),
            (r#"{"prompt_tokens":5,"completion_tokens":5,"total_tokens":4}"#, Err(Inconsistent("total_tokens"))),
            (
                r#"{"prompt_tokens":5,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":6}}"#,
                Err(Inconsistent("cached_tokens")),
            ),
            (
                r#"{"prompt_tokens":5,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}"#,
                Err(Inconsistent("completion_tokens_details")),
            ),
        ] {
            assert_eq!(ReportedUsage::parse(json), expected, "{json}");
        }
        assert_eq!(ReportedUsage::parse_embeddings(r#"{"prompt_tokens":5,"total_tokens":5}"#), Ok(usage(5, 0, 0, 0)));
    }
}
