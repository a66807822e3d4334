//! One walk over `messages` that counts what a model will read, without
//! building any of it.
//!
//! Where the walk meets something whose cost cannot be told from the request
//! (a file by its id, a video, a kind of part that it does not know), it says
//! so in [`Measure::unbounded`]; it never guesses. It goes by the keys that
//! are there, not by a part's `type`, so that a part cannot hide an image
//! behind a wrong or repeated `type`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::audio::AudioLength;
use super::fields::{Key, MAX_DEPTH};
use super::images::ImageCount;
use super::request_error::RequestError;
use super::scan::scan;

/// What is in the messages of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Measure {
    /// Number of messages.
    pub(crate) messages: u64,
    /// Number of content parts and of calls of tools.
    pub(crate) parts: u64,
    /// UTF-8 bytes of everything that is text.
    pub(crate) text_bytes: u64,
    /// Pictures, by the detail asked for.
    pub(crate) images: ImageCount,
    /// Sound.
    pub(crate) audio: AudioLength,
    /// The first thing whose cost the request does not bound.
    pub(crate) unbounded: Option<&'static str>,
    too_deep: bool,
}

impl Measure {
    /// Measures the value of `messages`.
    pub(crate) fn of(messages: &str) -> Result<Self, RequestError> {
        let mut measure = Self::default();
        let mut json = serde_json::Deserializer::from_str(messages);
        Walk { at: At::Messages, into: &mut measure }.deserialize(&mut json).map_err(|_| RequestError::WrongType {
            param: "messages",
            expected: "an array of objects, each with a role and a content",
        })?;
        if measure.messages == 0 {
            return Err(RequestError::Empty("messages"));
        }
        if measure.too_deep {
            return Err(RequestError::TooDeep("messages".to_owned()));
        }
        Ok(measure)
    }

    fn unbounded(&mut self, what: &'static str) {
        self.unbounded = self.unbounded.or(Some(what));
    }

    fn text(&mut self, raw: &RawValue) {
        let found = scan(raw.get());
        // The quotes of a string are not in it.
        let bytes = if raw.get().starts_with('"') { found.bytes.saturating_sub(2) } else { found.bytes };
        self.text_bytes = self.text_bytes.saturating_add(bytes);
        self.too_deep |= found.depth > MAX_DEPTH;
    }
}

/// Where the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Messages,
    Message,
    Content,
    Part,
    /// Text of any shape.
    Text,
    /// Text of any shape whose elements cost a little each.
    Calls,
    /// Named in a message, costs nothing.
    Label,
    Image,
    Sound,
    File,
    Unbounded(&'static str),
}

/// What a message's key leads to. Keys that are not known count as text: that
/// is what a template would make of them; media is never taken for text.
fn in_message(key: &str) -> At {
    match key {
        "content" => At::Content,
        "tool_calls" => At::Calls,
        "audio" => At::Unbounded("an earlier answer's audio"),
        "images" | "image" | "image_url" => At::Unbounded("an image outside of `content`"),
        "input_audio" | "audios" | "audio_url" => At::Unbounded("audio outside of `content`"),
        "video" | "videos" | "video_url" => At::Unbounded("a video"),
        "file" | "files" | "file_ids" | "attachments" | "documents" => At::Unbounded("an attached file"),
        _ => At::Text,
    }
}

/// What a content part's key leads to. Here what is not known is not bounded:
/// it may be a reference to anything.
fn in_part(key: &str) -> At {
    match key {
        "type" | "cache_control" | "annotations" => At::Label,
        "text" | "refusal" | "thinking" | "reasoning" | "signature" => At::Text,
        "image_url" => At::Image,
        "input_audio" => At::Sound,
        "file" => At::File,
        "video" | "video_url" => At::Unbounded("a video"),
        _ => At::Unbounded("a kind of content that is not known here"),
    }
}

struct Walk<'m> {
    at: At,
    into: &'m mut Measure,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.at {
            At::Messages | At::Message | At::Content | At::Part => deserializer.deserialize_any(self),
            At::Image | At::Sound | At::File | At::Text | At::Calls | At::Label | At::Unbounded(_) => {
                let raw = <&RawValue as serde::Deserialize>::deserialize(deserializer)?;
                self.leaf(raw);
                Ok(())
            }
        }
    }
}

impl Walk<'_> {
    fn leaf(self, raw: &RawValue) {
        match self.at {
            _ if raw.get() == "null" => {}
            At::Label => {}
            At::Image if raw.get().starts_with('[') => self.into.unbounded("a list of images in one part"),
            At::Image => self.into.images.add(raw.get()),
            At::Sound => self.into.audio.add(raw.get()),
            At::File => self.into.unbounded("a file"),
            At::Unbounded(what) => self.into.unbounded(what),
            At::Calls => {
                // Each call has an `id` key, so commas are never fewer than
                // the calls but for the last one.
                let found = scan(raw.get());
                self.into.parts = self.into.parts.saturating_add(found.commas).saturating_add(1);
                self.into.text(raw);
            }
            _ => self.into.text(raw),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let at = match self.at {
            At::Messages => At::Message,
            At::Content => At::Part,
            _ => return Err(A::Error::custom("an array where none may be")),
        };
        while seq.next_element_seed(Walk { at, into: &mut *self.into })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let child = match self.at {
            At::Message => {
                self.into.messages += 1;
                in_message
            }
            // A single part without the array around it is taken as one.
            At::Part | At::Content => {
                self.into.parts += 1;
                in_part
            }
            _ => return Err(A::Error::custom("an object where none may be")),
        };
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            map.next_value_seed(Walk { at: child(&key), into: &mut *self.into })?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        // A part may be a bare string, which OpenAI takes as text.
        match self.at {
            At::Content | At::Part => {
                self.into.text_bytes = self.into.text_bytes.saturating_add(text.len() as u64);
                Ok(())
            }
            _ => Err(E::custom("a string where none may be")),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.at {
            At::Content | At::Part => Ok(()),
            _ => Err(E::custom("null where it may not be")),
        }
    }
}

/// Gives `each` every key of the object `json` with its value, repeated ones
/// too. `false` when it is no object.
pub(crate) fn members<'a>(json: &'a str, mut each: impl FnMut(Cow<'a, str>, &'a str)) -> bool {
    struct Each<'e, F>(&'e mut F);
    impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Each<'_, F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                (self.0)(key, value.get());
            }
            Ok(())
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_map(Each(&mut each)).is_ok()
}
