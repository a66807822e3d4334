//! A chat's answer as a stream of events.

use std::fmt::Write as _;
use std::time::Duration;

use super::body::split;
use super::books::Progress;
use super::outline::{CREATED, Outline, words};
use super::plan::{Answer, Fault, Frames, Reporting};
use super::refuse;
use super::script::Step;
use super::usage::Usage;

/// Long enough that what was written before has left when the socket closes.
pub(crate) const FLUSH: Duration = Duration::from_millis(2);

/// The padding of one giant frame.
pub(crate) const GIANT: usize = 3_000_000;

/// Without `chunks`, a long answer has several tokens in each chunk.
const MOST_CHUNKS: u64 = 1000;

/// One event, and what it carries.
struct Event {
    bytes: Vec<u8>,
    progress: Progress,
}

/// The stream's steps.
pub(crate) fn chat(outline: &Outline<'_>) -> Vec<Step> {
    let mut events = Writer { outline, usage_null: outline.ends_with_usage, events: Vec::new() }.write();
    let plan = outline.plan;
    let after = place_after(&events, plan.after);
    match plan.frames {
        Frames::InvalidJson => events.insert(after, bare(outline, br#"{"id":"chatcmpl-fake","choices":[{"ind"#)),
        Frames::InvalidUtf8 => events.insert(after, bare(outline, b"{\"spoilt\":\"\xff\xfe\"}")),
        _ => {}
    }
    let end = match plan.fault {
        Fault::Cut => break_off(&mut events, after, Some(Step::Cut)),
        Fault::Hang => break_off(&mut events, after, Some(Step::Hang)),
        Fault::CutInside => {
            let half = events.get(after).map(|event| event.bytes.iter().take(event.bytes.len() / 2).copied().collect());
            let end = break_off(&mut events, after, Some(Step::Cut));
            events.extend(half.map(|bytes| Event { bytes, progress: Progress::default() }));
            end
        }
        Fault::ErrorFrame => {
            let end = break_off(&mut events, after, None);
            events.push(bare(outline, refuse::error_json(500).as_bytes()));
            end
        }
        _ => None,
    };
    let mut steps = written(events, outline);
    if let Some(end) = end {
        steps.extend([Step::Pause(FLUSH), end]);
    }
    steps
}

/// Where the stream stands after so many content chunks.
fn place_after(events: &[Event], chunks: u32) -> usize {
    let mut seen = 0;
    for (place, event) in events.iter().enumerate() {
        if event.progress.chunks > 0 && seen == chunks {
            return place;
        }
        seen += event.progress.chunks;
    }
    // Fewer chunks than that: after the last of them.
    events.iter().rposition(|event| event.progress.chunks > 0).map_or(0, |place| place + 1)
}

fn break_off(events: &mut Vec<Event>, place: usize, end: Option<Step>) -> Option<Step> {
    events.truncate(place);
    end
}

fn bare(outline: &Outline<'_>, data: &[u8]) -> Event {
    Event { bytes: framed(outline.plan.frames, data), progress: Progress::default() }
}

fn framed(frames: Frames, data: &[u8]) -> Vec<u8> {
    let (before, after): (&[u8], &[u8]) = match frames {
        Frames::Crlf => (b"data: ", b"\r\n\r\n"),
        Frames::Comments => (b": keep-alive\n\nevent: message\nid: 7\ndata:", b"\n: between\n\n"),
        _ => (b"data: ", b"\n\n"),
    };
    [before, data, after].concat()
}

/// The events as they go to the socket.
fn written(events: Vec<Event>, outline: &Outline<'_>) -> Vec<Step> {
    let plan = outline.plan;
    if plan.frames == Frames::Burst {
        let mut all = Event { bytes: Vec::new(), progress: Progress::default() };
        for event in events {
            all.bytes.extend(event.bytes);
            all.progress = all.progress.and(event.progress);
        }
        return vec![Step::Send(all.bytes.into(), all.progress)];
    }
    let pause = Duration::from_millis(plan.delay_chunk_ms);
    let mut steps = Vec::with_capacity(events.len());
    for (place, Event { bytes, progress }) in events.into_iter().enumerate() {
        if place > 0 && !pause.is_zero() {
            steps.push(Step::Pause(pause));
        }
        match plan.frames {
            Frames::Split => {
                if place > 0 {
                    steps.push(Step::Pause(Duration::from_millis(1)));
                }
                steps.extend(split(&bytes, plan.piece, progress));
            }
            _ => steps.push(Step::Send(bytes.into(), progress)),
        }
    }
    steps
}

/// Writes a stream's events in order.
struct Writer<'a> {
    outline: &'a Outline<'a>,
    /// A stream that ends with its usage says `null` everywhere before.
    usage_null: bool,
    events: Vec<Event>,
}

impl Writer<'_> {
    fn write(mut self) -> Vec<Event> {
        let outline = self.outline;
        for choice in 0..outline.choices {
            self.choice(choice, self.opening(), None, Progress::default());
        }
        self.content();
        let last = (outline.plan.usage == Reporting::LastChunk).then_some(outline.usage);
        for choice in 0..outline.choices {
            // Usage is for all choices, so it stands on the last of them.
            let usage = last.filter(|_| choice + 1 == outline.choices);
            self.choice(choice, "{}", Some(outline.finish), Progress { usage, ..Progress::default() });
        }
        if outline.ends_with_usage {
            self.push("[]", Some(outline.usage), Progress { usage: Some(outline.usage), ..Progress::default() });
        }
        let bytes = framed(outline.plan.frames, b"[DONE]");
        self.events.push(Event { bytes, progress: Progress::default() });
        self.events
    }

    fn opening(&self) -> &'static str {
        match self.outline.plan.answer {
            Answer::Text => r#"{"role":"assistant","content":"","refusal":null}"#,
            Answer::ToolCall => {
                r#"{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_fake","type":"function","function":{"name":"say","arguments":""}}]}"#
            }
        }
    }

    fn content(&mut self) {
        let outline = self.outline;
        let rounds = match (outline.plan.chunks, outline.plan.frames) {
            (Some(chunks), _) => u64::from(chunks).max(u64::from(outline.words > 0)),
            (None, Frames::Burst) => MOST_CHUNKS,
            (None, _) => outline.words.min(MOST_CHUNKS),
        };
        let mut running = Usage { output: 0, reasoning: 0, ..outline.usage };
        for round in 0..rounds {
            let count = outline.words * (round + 1) / rounds - outline.words * round / rounds;
            let delta = self.delta(&words(count), round == 0, round + 1 == rounds);
            // Reasoning comes before the first word.
            let reasoning = if round == 0 { outline.reasoning } else { 0 };
            for choice in 0..outline.choices {
                running.output += count + reasoning;
                running.reasoning += reasoning;
                let usage = (outline.plan.usage == Reporting::EveryChunk).then_some(running);
                self.choice(choice, &delta, None, Progress { chunks: 1, tokens: count + reasoning, usage });
            }
        }
    }

    fn delta(&self, text: &str, first: bool, last: bool) -> String {
        match self.outline.plan.answer {
            Answer::Text => format!(r#"{{"content":"{text}"}}"#),
            Answer::ToolCall => {
                let start = if first { r#"{\"text\":\""# } else { "" };
                let end = if last { r#"\"}"# } else { "" };
                format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{start}{text}{end}"}}}}]}}"#)
            }
        }
    }

    fn choice(&mut self, index: u64, delta: &str, finish: Option<&str>, progress: Progress) {
        let finish = finish.map_or_else(|| "null".to_owned(), |finish| format!("\"{finish}\""));
        let choices = format!(r#"[{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]"#);
        self.push(&choices, progress.usage, progress);
    }

    fn push(&mut self, choices: &str, usage: Option<Usage>, progress: Progress) {
        let Outline { number, model, plan, .. } = self.outline;
        let mut json = format!(
            r#"{{"id":"chatcmpl-fake-{number}","object":"chat.completion.chunk","created":{CREATED},"model":{model},"choices":{choices}"#
        );
        let first_content = progress.chunks > 0 && !self.events.iter().any(|event| event.progress.chunks > 0);
        if plan.frames == Frames::Giant && first_content {
            // OpenAI pads its chunks with a field of this name too.
            let _ = write!(json, r#","obfuscation":"{}""#, "x".repeat(GIANT));
        }
        match usage {
            Some(usage) => {
                let _ = write!(json, r#","usage":{}"#, usage.to_json());
            }
            None if self.usage_null => json.push_str(r#","usage":null"#),
            None => {}
        }
        json.push('}');
        self.events.push(Event { bytes: framed(plan.frames, json.as_bytes()), progress });
    }
}
