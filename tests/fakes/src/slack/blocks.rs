//! The limits of Block Kit: <https://docs.slack.dev/reference/block-kit>.

use std::collections::BTreeSet;

use serde_json::Value;

/// Refuses what Slack would.
pub(super) fn check(sent: &Value) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("invalid_blocks: {why}"));
    let text = sent.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() || text.chars().count() > 40_000 {
        return Err("no_text".to_owned());
    }
    let blocks = sent.get("blocks").and_then(Value::as_array).cloned().unwrap_or_default();
    if blocks.is_empty() || blocks.len() > 50 {
        return refuse("1 to 50 blocks");
    }
    let mut actions = BTreeSet::new();
    for block in &blocks {
        match block.get("type").and_then(Value::as_str) {
            Some("header") => plain(block.get("text"), 150)?,
            Some("section") => {
                let fields = block.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
                if fields.len() > 10 || (fields.is_empty() && block.get("text").is_none()) {
                    return refuse("a section has a text or 1 to 10 fields");
                }
                block.get("text").map_or(Ok(()), |text| plain(Some(text), 3000))?;
                fields.iter().try_for_each(|field| plain(Some(field), 2000))?;
            }
            Some("actions") => {
                let elements = block.get("elements").and_then(Value::as_array).cloned().unwrap_or_default();
                if elements.is_empty() || elements.len() > 25 {
                    return refuse("1 to 25 elements");
                }
                for button in &elements {
                    plain(button.get("text"), 75)?;
                    let id = button.get("action_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                    if id.is_empty() || id.len() > 255 || !actions.insert(id) {
                        return refuse("an `action_id` is missing or there twice");
                    }
                    let value = button.get("value").and_then(Value::as_str).unwrap_or_default();
                    if value.chars().count() > 2000 {
                        return refuse("a button's value is too long");
                    }
                }
            }
            Some("input") => plain(block.get("label"), 2000)?,
            other => return refuse(&format!("{other:?} is no block")),
        }
    }
    Ok(())
}

fn plain(text: Option<&Value>, most: usize) -> Result<(), String> {
    let is_plain = text.and_then(|text| text.get("type")).and_then(Value::as_str) == Some("plain_text");
    let text = text.and_then(|text| text.get("text")).and_then(Value::as_str).unwrap_or_default();
    let fits = (1..=most).contains(&text.chars().count());
    if is_plain && fits { Ok(()) } else { Err(format!("invalid_blocks: a plain text of 1 to {most} characters")) }
}
