//! A chat's answer in one piece.

use std::time::Duration;

use bytes::Bytes;

use super::books::Progress;
use super::outline::{CREATED, Outline, words};
use super::plan::{Answer, Fault, Frames, Plan, Reporting};
use super::refuse;
use super::script::Step;
use super::stream::{FLUSH, GIANT};

/// The body's steps and the length to announce.
pub(crate) fn chat(outline: &Outline<'_>) -> (Vec<Step>, Option<u64>) {
    let usage = (outline.plan.usage != Reporting::None).then_some(outline.usage);
    let progress = Progress { chunks: 1, tokens: outline.usage.output, usage };
    steps(chat_json(outline), progress, outline.plan)
}

/// What the plan makes of a body.
pub(crate) fn steps(json: String, progress: Progress, plan: &Plan) -> (Vec<Step>, Option<u64>) {
    let mut bytes = match plan.fault {
        Fault::ErrorFrame => refuse::error_json(500).into_bytes(),
        _ => spoil(json, plan.frames),
    };
    let length = (!plan.chunked).then(|| bytes.len().try_into().unwrap_or(u64::MAX));
    let last = match plan.fault {
        Fault::Cut | Fault::CutInside => Some(Step::Cut),
        Fault::Hang => Some(Step::Hang),
        _ => None,
    };
    // Half a body or an error has neither its tokens nor its usage.
    let whole = last.is_none() && plan.fault != Fault::ErrorFrame;
    let progress = if whole { progress } else { Progress::default() };
    if last.is_some() {
        bytes.truncate(bytes.len() / 2);
    }
    let mut steps = match plan.frames {
        Frames::Split => split(&bytes, plan.piece, progress),
        _ => vec![Step::Send(bytes.into(), progress)],
    };
    if let Some(last) = last {
        steps.extend([Step::Pause(FLUSH), last]);
    }
    (steps, length)
}

fn spoil(json: String, frames: Frames) -> Vec<u8> {
    match frames {
        // Half of it is not JSON any more.
        Frames::InvalidJson => json.into_bytes().into_iter().take(40).collect(),
        Frames::InvalidUtf8 => {
            let mut bytes = json.into_bytes();
            let end = bytes.pop();
            bytes.extend_from_slice(b",\"spoilt\":\"\xff\xfe\"");
            bytes.extend(end);
            bytes
        }
        Frames::Giant => json.into_bytes().into_iter().chain(std::iter::repeat_n(b' ', GIANT)).collect(),
        _ => json.into_bytes(),
    }
}

/// Pieces with a pause between them. What they carry is complete with the
/// last.
pub(crate) fn split(bytes: &[u8], piece: usize, progress: Progress) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        steps.push(Step::Send(Bytes::copy_from_slice(piece), Progress::default()));
        steps.push(Step::Pause(Duration::from_millis(1)));
    }
    // The books turn over with the last piece, so no pause stands after it.
    steps.pop();
    if let Some(Step::Send(_, last)) = steps.last_mut() {
        *last = progress;
    }
    steps
}

fn chat_json(outline: &Outline<'_>) -> String {
    let Outline { number, model, finish, .. } = outline;
    let text = words(outline.words);
    let message = match outline.plan.answer {
        Answer::Text => format!(r#""content":"{text}","refusal":null"#),
        Answer::ToolCall => format!(
            r#""content":null,"tool_calls":[{{"id":"call_{number}","type":"function","function":{{"name":"say","arguments":"{{\"text\":\"{text}\"}}"}}}}]"#
        ),
    };
    let choices: Vec<_> = (0..outline.choices)
        .map(|index| {
            format!(
                r#"{{"index":{index},"message":{{"role":"assistant",{message}}},"logprobs":null,"finish_reason":"{finish}"}}"#
            )
        })
        .collect();
    let usage = match outline.plan.usage {
        Reporting::None => String::new(),
        _ => format!(r#","usage":{}"#, outline.usage.to_json()),
    };
    format!(
        r#"{{"id":"chatcmpl-fake-{number}","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{}]{usage}}}"#,
        choices.join(",")
    )
}
