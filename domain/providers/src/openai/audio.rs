//! How long a request's sound is, and what that costs.
//!
//! Providers bill sound by its length. The file's own bytes bound the length:
//!
//! - WAV with uncompressed samples: bytes / (sample rate x bytes per sample
//!   of all channels), as its header says;
//! - MP3: the least bit rate of any frame is 8 kbit/s, so a second takes at
//!   least 1000 bytes;
//! - anything else: no codec in use gets below 10 bytes a second even for
//!   silence (Opus with gaps sends a packet each 400 ms, with its container
//!   some 10 bytes), so a byte is at most 100 ms.

use super::images::bare_name;
use super::measure::members;

/// Length of the sound in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AudioLength {
    milliseconds: u64,
    clips: u64,
}

impl AudioLength {
    /// Counts the clip in the value of `input_audio`: an object with `data`
    /// in base64.
    pub(crate) fn add(&mut self, sound: &str) {
        let mut milliseconds = 0_u64;
        let object = members(sound, |key, value| {
            // Whatever it is called, it may be what is decoded.
            if key != "format" {
                milliseconds = milliseconds.saturating_add(length(value.trim_matches('"')));
            }
        });
        if !object {
            milliseconds = length(sound.trim_matches('"'));
        }
        self.milliseconds = self.milliseconds.saturating_add(milliseconds);
        self.clips = self.clips.saturating_add(1);
    }

    /// The most tokens that the clips cost with `model`. OpenAI bills a token
    /// for each 100 ms; others up to 32 a second (Gemini), taken as 50. A clip
    /// is begun and ended by a token each.
    pub(crate) fn tokens(self, model: &str) -> u64 {
        let per_second = if bare_name(model).starts_with("gpt-") { 10 } else { 50 };
        let tokens = self.milliseconds.saturating_mul(per_second).div_ceil(1000);
        tokens.saturating_add(self.clips.saturating_mul(3))
    }
}

fn length(base64: &str) -> u64 {
    // A data URL's head is not sound.
    let data = base64.split_once(";base64,").map_or(base64, |(_, data)| data);
    let bytes = (data.len() as u64).div_ceil(4).saturating_mul(3);
    let head = decode(data.as_bytes().get(..512).unwrap_or(data.as_bytes()));
    let per_second = match head.as_slice() {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', rest @ ..] => wav_rate(rest),
        [b'I', b'D', b'3', ..] => Some(1000),
        [0xff, second, ..] if second & 0xe0 == 0xe0 => Some(1000),
        _ => None,
    };
    // Less than 10 bytes a second is no sound, whatever its header says.
    let per_second = per_second.unwrap_or(10).max(10);
    bytes.saturating_mul(1000).div_ceil(per_second)
}

/// Bytes a second of a WAV file with uncompressed samples.
fn wav_rate(mut chunks: &[u8]) -> Option<u64> {
    loop {
        let (name, rest) = chunks.split_at_checked(4)?;
        let (size, rest) = rest.split_at_checked(4)?;
        if name == b"fmt " {
            return match rest {
                // PCM, float, A-law, µ-law, extensible: all are uncompressed.
                [kind, high, _, _, r0, r1, r2, r3, _, _, _, _, a0, a1, ..]
                    if matches!(u16::from_le_bytes([*kind, *high]), 1 | 3 | 6 | 7 | 0xfffe) =>
                {
                    let rate = u32::from_le_bytes([*r0, *r1, *r2, *r3]);
                    Some(u64::from(rate) * u64::from(u16::from_le_bytes([*a0, *a1])))
                }
                _ => None,
            };
        }
        let size = u32::from_le_bytes(size.try_into().ok()?);
        // Chunks are padded to an even length.
        chunks = rest.get(usize::try_from(size).ok()?.checked_next_multiple_of(2)?..)?;
    }
}

/// Decodes the start of a base64 text, as far as it is base64.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::base64;

    fn wav(kind: u16, rate: u32, align: u16, data: usize) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEJUNK\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        file.extend(kind.to_le_bytes());
        file.extend(1_u16.to_le_bytes());
        file.extend(rate.to_le_bytes());
        // The byte rate is not trusted.
        file.extend(u32::MAX.to_le_bytes());
        file.extend(align.to_le_bytes());
        file.extend([8, 0]);
        file.resize(file.len() + data, 7);
        file
    }

    fn tokens(file: &[u8], model: &str) -> u64 {
        let mut audio = AudioLength::default();
        audio.add(&format!(r#"{{"data":"{}","format":"wav"}}"#, base64(file)));
        audio.tokens(model)
    }

    #[test]
    fn table() {
        let mut mp3 = vec![0xff, 0xfb];
        mp3.resize(30_000, 0);
        for (name, file, model, least, most) in [
            // Ten seconds at 16 kHz with 16 bits are 100 tokens.
            ("wav", wav(1, 16_000, 2, 320_000), "gpt-4o-audio-preview", 100, 110),
            ("wav elsewhere", wav(1, 16_000, 2, 320_000), "gemini-2.5-pro", 320, 510),
            ("wav that claims one sample a second", wav(1, 1, 1, 100), "gpt-audio", 100, 200),
            ("compressed wav", wav(0x31, 8000, 65, 1000), "gpt-audio", 1000, 1100),
            ("mp3 at 8 kbit/s", mp3, "gpt-audio", 300, 305),
            ("unknown", vec![1; 1000], "gpt-audio", 1000, 1010),
            ("empty", vec![], "gpt-audio", 0, 3),
        ] {
            let tokens = tokens(&file, model);
            assert!((least..=most).contains(&tokens), "{name}: {tokens}");
        }
    }
}
