//! Telegram's Bot API (<https://core.telegram.org/bots/api>): the methods that
//! Alfred calls, and the updates that people cause.

use serde_json::{Value, json};

use super::{Answer, Books, Letter, Options, Sent};

/// Telegram counts characters without markup; a message within the limit with
/// it is within it without.
const TEXT: usize = 4096;
const DATA: usize = 64;

fn refuse(status: u16, description: &str) -> Answer {
    (status, json!({"ok": false, "error_code": status, "description": description}))
}

/// Calls a method.
pub(super) fn call(books: &mut Books, options: &Options, sent: &Sent<'_>) -> Result<Letter, Answer> {
    let (bot, method) = sent.path.split_once('/').ok_or_else(|| refuse(404, "Not Found"))?;
    if bot != format!("bot{}", options.token) {
        return Err(refuse(401, "Unauthorized"));
    }
    let body = sent.json().ok_or_else(|| refuse(400, "Bad Request: can't parse JSON object"))?;
    let number = |name: &str| body.get(name).and_then(Value::as_i64);
    if method == "answerCallbackQuery" {
        let id = body.get("callback_query_id").and_then(Value::as_str).unwrap_or_default();
        let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
        if !books.queries.remove(id) || text.chars().count() > 200 {
            return Err(refuse(
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
            ));
        }
        books.said.push(text.to_owned());
        return Err((200, json!({"ok": true, "result": true})));
    }
    let chat = number("chat_id").ok_or_else(|| refuse(400, "Bad Request: chat_id is empty"))?;
    content(&body).map_err(|why| refuse(400, &format!("Bad Request: {why}")))?;
    let result =
        |id: i64| json!({"ok": true, "result": {"message_id": id, "date": 1, "chat": {"id": chat, "type": "private"}}});
    match method {
        "sendMessage" if !books.chats.contains(&chat) => {
            Err(refuse(403, "Forbidden: bot can't initiate conversation with a user"))
        }
        "sendMessage" => {
            let id = i64::try_from(books.letters.len()).unwrap_or_default() + 1;
            let key = Some(format!("{chat}/{id}"));
            let answer = (200, result(id));
            Ok(Letter { desk: "telegram".to_owned(), path: method.to_owned(), key, message: body, answer, again: 0 })
        }
        "editMessageText" => {
            let id = number("message_id").unwrap_or_default();
            let known = books.known("telegram", &format!("{chat}/{id}"));
            let known = known.ok_or_else(|| refuse(400, "Bad Request: message to edit not found"))?;
            let same = |name: &str| known.message.get(name) == body.get(name);
            if same("text") && same("reply_markup") {
                return Err(refuse(400, "Bad Request: message is not modified: specified new message content"));
            }
            known.message = body;
            known.again += 1;
            Err((200, result(id)))
        }
        _ => Err(refuse(404, "Not Found: method not found")),
    }
}

fn content(body: &Value) -> Result<(), String> {
    let known = ["chat_id", "message_id", "text", "parse_mode", "link_preview_options", "reply_markup"];
    if let Some(field) = body.as_object().and_then(|body| body.keys().find(|name| !known.contains(&name.as_str()))) {
        return Err(format!("there is no parameter {field}"));
    }
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > TEXT {
        return Err("message text is empty or too long".to_owned());
    }
    if body.get("parse_mode") != Some(&json!("HTML")) {
        return Err("unsupported parse_mode".to_owned());
    }
    html(text)?;
    let rows = body.pointer("/reply_markup/inline_keyboard").and_then(Value::as_array).cloned().unwrap_or_default();
    for button in rows.iter().filter_map(Value::as_array).flatten() {
        let text = |name: &str| button.get(name).and_then(Value::as_str);
        let good = match (text("callback_data"), text("url")) {
            (Some(data), None) => (1..=DATA).contains(&data.len()),
            (None, Some(url)) => url.starts_with("https://"),
            _ => false,
        };
        if !good || text("text").unwrap_or_default().is_empty() {
            return Err("BUTTON_DATA_INVALID".to_owned());
        }
    }
    Ok(())
}

/// Tags are closed in their order, and nothing else is a tag or an entity.
fn html(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&', '>']) {
        let (_, here) = rest.split_at(at);
        if let Some(entity) = ["&lt;", "&gt;", "&amp;", "&quot;"].iter().find(|entity| here.starts_with(**entity)) {
            rest = here.strip_prefix(*entity).unwrap_or_default();
            continue;
        }
        let (tag, after) =
            here.strip_prefix('<').and_then(|here| here.split_once('>')).ok_or("can't parse entities")?;
        match tag.strip_prefix('/') {
            Some(closed) if open.pop() == Some(closed) => {}
            None if ["b", "i", "u", "s", "code", "pre"].contains(&tag) => open.push(tag),
            _ => return Err(format!("can't parse entities: unsupported tag {tag}")),
        }
        rest = after;
    }
    if open.is_empty() { Ok(()) } else { Err("can't parse entities: a tag is open".to_owned()) }
}

/// What Telegram sends when somebody presses a button of a message, or writes.
/// `asked` has `user`, and either `key` and `action` or `text`; `value`,
/// `secret`, `update` and `chat` are for what is not as it should be.
pub(super) fn update(books: &mut Books, options: &Options, asked: &Value) -> Answer {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let number = |name: &str| asked.get(name).and_then(Value::as_i64);
    let user = number("user").unwrap_or_default();
    let chat = number("chat").unwrap_or(user);
    books.numbers += 1;
    let from = json!({"id": user, "is_bot": false, "first_name": "Somebody"});
    let id = number("update").unwrap_or_else(|| i64::try_from(books.numbers).unwrap_or_default());
    let place = json!({"id": chat, "type": if chat == user { "private" } else { "group" }});
    let body = match text("key") {
        None => {
            books.chats.insert(chat);
            let message = json!({"message_id": id, "from": from, "chat": place, "date": 1, "text": text("text")});
            json!({"update_id": id, "message": message})
        }
        Some(key) => {
            let Some(letter) = books.known("telegram", key) else { return (404, json!({"error": "no such message"})) };
            let rows = letter.message.pointer("/reply_markup/inline_keyboard").and_then(Value::as_array);
            let mut buttons = rows.into_iter().flatten().filter_map(Value::as_array).flatten();
            let button = buttons.find(|button| button.get("text").and_then(Value::as_str) == text("action"));
            let data = button.and_then(|button| button.get("callback_data")).and_then(Value::as_str);
            let Some(data) = text("value").or(data).map(str::to_owned) else {
                return (404, json!({"error": "no such button"}));
            };
            let query = format!("query-{}", books.numbers);
            books.queries.insert(query.clone());
            let message: i64 = key.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or_default();
            let message = json!({"message_id": message, "chat": place, "date": 1});
            json!({"update_id": id, "callback_query": {"id": query, "from": from, "message": message, "chat_instance": "1", "data": data}})
        }
    };
    let secret = text("secret").unwrap_or(&options.telegram_secret);
    let headers = json!({"content-type": "application/json", "x-telegram-bot-api-secret-token": secret});
    (200, json!({"headers": headers, "body": body.to_string()}))
}
