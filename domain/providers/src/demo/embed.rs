//! The demo model's embeddings.

use serde::Serialize;

use super::DemoError;
use super::encode::base64;
use super::text::tokens;
use crate::openai::{EmbeddingsInput, EmbeddingsRequest, Encoding};

/// Length of a vector unless the request says otherwise.
const DIMENSIONS: u64 = 256;
/// The longest.
const MAX_DIMENSIONS: u64 = 3072;

/// The body of an answer to a request for embeddings: for each input a
/// vector of length one, the same for the same input.
///
/// # Errors
/// [`DemoError`] when the request names another model.
pub fn embeddings(request: &EmbeddingsRequest<'_>) -> Result<Vec<u8>, DemoError> {
    if request.model() != "demo-embed" {
        return Err(DemoError::NoSuchModel(request.model().to_owned()));
    }
    let dimensions = request.dimensions().unwrap_or(DIMENSIONS).min(MAX_DIMENSIONS);
    let mut prompt_tokens = 0;
    let data = (0_u64..)
        .zip(request.inputs())
        .map(|(index, input)| {
            let seed = match &input {
                EmbeddingsInput::Text(text) => {
                    prompt_tokens += tokens(text);
                    hash(text.bytes())
                }
                EmbeddingsInput::Tokens(list) => {
                    prompt_tokens += list.len() as u64;
                    hash(list.iter().flat_map(|token| token.to_le_bytes()))
                }
            };
            let vector = vector(seed, dimensions);
            let embedding = match request.encoding() {
                Encoding::Float => Vector::Float(vector),
                Encoding::Base64 => {
                    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                    Vector::Base64(base64(&bytes))
                }
            };
            Item { object: "embedding", index, embedding }
        })
        .collect();
    let usage = Usage { prompt_tokens, total_tokens: prompt_tokens };
    let body = Body { object: "list", data, model: request.model(), usage };
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

#[derive(Serialize)]
struct Body<'a> {
    object: &'static str,
    data: Vec<Item>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: u64,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Float(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A direction that looks random, of length one.
fn vector(seed: u64, dimensions: u64) -> Vec<f32> {
    let values: Vec<f32> = (1..=dimensions)
        .map(|place| {
            // SplitMix64; its upper 24 bits are exact in an f32.
            let mut bits = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((bits ^ bits >> 31) >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    values.into_iter().map(|value| value / length).collect()
}
