//! Putting texts into queues.

use wasm_bindgen::JsValue;
use worker::{Env, QueueContentType, RawMessageBuilder, Result};

/// Puts a text into the queue of that binding.
///
/// # Errors
/// When it was not taken.
pub async fn enqueue(env: &Env, binding: &str, text: &str) -> Result<()> {
    let message = RawMessageBuilder::new(JsValue::from_str(text)).build_with_content_type(QueueContentType::Text);
    env.queue(binding)?.send_raw(message).await
}
