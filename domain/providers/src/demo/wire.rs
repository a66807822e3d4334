//! The demo models' answers as bytes.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::answer::{Answer, Choice};
use super::text::pieces;

impl Answer {
    /// The body of the whole answer. `created` is in seconds since 1970.
    #[must_use]
    pub fn body(&self, id: &str, created: u64) -> Vec<u8> {
        let choices: Vec<Value> =
            (0_u64..).zip(&self.choices).map(|(index, choice)| whole(index, choice, id)).collect();
        let body = json!({
            "id": id,
            "object": "chat.completion",
            "created": created,
            "model": self.model,
            "choices": choices,
            "usage": self.usage_json(),
            "service_tier": "default",
            "system_fingerprint": "demo",
        });
        body.to_string().into_bytes()
    }

    /// The frames of the answer as a stream, `[DONE]` included. Choices take
    /// turns.
    pub fn frames<'a>(&'a self, id: &'a str, created: u64) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let mut turns: VecDeque<_> =
            (0_u64..).zip(&self.choices).map(|(index, choice)| (index, deltas(index, choice, id))).collect();
        let chunks = std::iter::from_fn(move || {
            loop {
                let (index, mut rest) = turns.pop_front()?;
                // A choice that has ended drops out.
                if let Some((delta, finish)) = rest.next() {
                    turns.push_back((index, rest));
                    let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
                    return Some(self.chunk(id, created, &json!([choice]), &Value::Null));
                }
            }
        });
        let usage = self.include_usage.then(|| self.chunk(id, created, &json!([]), &self.usage_json()));
        chunks.chain(usage).chain(std::iter::once(b"data: [DONE]\n\n".to_vec()))
    }

    fn chunk(&self, id: &str, created: u64, choices: &Value, usage: &Value) -> Vec<u8> {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": self.model,
            "choices": choices,
            "service_tier": "default",
            "system_fingerprint": "demo",
        });
        // As OpenAI does: on every chunk once it is asked for.
        if self.include_usage
            && let Some(object) = chunk.as_object_mut()
        {
            object.insert("usage".to_owned(), usage.clone());
        }
        format!("data: {chunk}\n\n").into_bytes()
    }

    fn usage_json(&self) -> Value {
        let usage = self.usage;
        json!({
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        })
    }
}

fn whole(index: u64, choice: &Choice, id: &str) -> Value {
    let text = choice.text.as_str();
    let mut message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
    if let (Some(name), Some(object)) = (&choice.call, message.as_object_mut()) {
        let function = json!({"name": name, "arguments": text});
        object.insert("content".to_owned(), Value::Null);
        object.insert(
            "tool_calls".to_owned(),
            json!([{"id": call_id(id, index), "type": "function", "function": function}]),
        );
    }
    json!({"index": index, "message": message, "logprobs": null, "finish_reason": choice.finish_reason})
}

/// What a choice sends, one delta a frame, with its finish reason at the last.
fn deltas<'a>(index: u64, choice: &'a Choice, id: &str) -> impl Iterator<Item = (Value, Value)> + use<'a> {
    let mut start = json!({"role": "assistant", "content": "", "refusal": null});
    if let (Some(name), Some(object)) = (&choice.call, start.as_object_mut()) {
        let function = json!({"name": name, "arguments": ""});
        object.insert("content".to_owned(), Value::Null);
        object.insert(
            "tool_calls".to_owned(),
            json!([{"index": 0, "id": call_id(id, index), "type": "function", "function": function}]),
        );
    }
    let text = pieces(&choice.text).map(|piece| match choice.call {
        Some(_) => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        None => json!({"content": piece}),
    });
    let text = std::iter::once(start).chain(text).map(|delta| (delta, Value::Null));
    text.chain(std::iter::once((json!({}), choice.finish_reason.into())))
}

fn call_id(id: &str, index: u64) -> String {
    format!("call_{id}_{index}")
}
