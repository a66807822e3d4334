//! Measures JSON text without building anything of it.

/// What one pass over a JSON text finds. The text must be valid JSON as far
/// as brackets and quotes go, which a `RawValue` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scan {
    /// Bytes of the text as UTF-8 once escapes are decoded. White space
    /// between the parts counts too: never too few.
    pub(crate) bytes: u64,
    /// Commas between the parts.
    pub(crate) commas: u64,
    /// How deep arrays and objects nest.
    pub(crate) depth: u64,
}

/// Measures `json`.
pub(crate) fn scan(json: &str) -> Scan {
    let mut found = Scan::default();
    let (mut depth, mut inside) = (0_u64, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        found.bytes += 1;
        match byte {
            b'"' => inside = !inside,
            // The backslash stands for the first byte of what it makes.
            b'\\' if inside => found.bytes += escaped(&mut bytes) - 1,
            _ if inside => {}
            b',' => found.commas += 1,
            b'[' | b'{' => {
                depth += 1;
                found.depth = found.depth.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// Bytes of a JSON value that is text for the model: of a string what is in
/// it, of anything else its JSON.
pub(crate) fn text_bytes(json: &str) -> u64 {
    match json {
        "null" => 0,
        _ if json.starts_with('"') => scan(json).bytes.saturating_sub(2),
        _ => scan(json).bytes,
    }
}

/// UTF-8 bytes of what an escape makes, from after its backslash.
fn escaped(bytes: &mut std::str::Bytes<'_>) -> u64 {
    if bytes.next() == Some(b'u') { unit_bytes(bytes) } else { 1 }
}

/// UTF-8 bytes of the four hexadecimal digits after `\u`. Half of a surrogate
/// pair counts 3, as it would if it stood alone and was replaced by U+FFFD;
/// the pair is then 6 where 4 would do.
fn unit_bytes(digits: &mut std::str::Bytes<'_>) -> u64 {
    let unit =
        digits.by_ref().take(4).fold(0_u32, |unit, digit| unit * 16 + char::from(digit).to_digit(16).unwrap_or(0));
    match unit {
        0..0x80 => 1,
        0x80..0x800 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (json, bytes, commas, depth) in [
            ("null", 4, 0, 0),
            (r#""abc""#, 5, 0, 0),
            (r#""a\nb\\\"""#, 7, 0, 0),
            (r#""\u0041\u00e9\u20ac""#, 8, 0, 0),
            (r#""\ud83d\ude00""#, 8, 0, 0),
            ("\"é€😀\"", 11, 0, 0),
            (r#"[1,2,[3],"a,[b"]"#, 16, 3, 2),
            (r#"{"a":{"b":[{}]}}"#, 16, 0, 4),
        ] {
            assert_eq!(scan(json), Scan { bytes, commas, depth }, "{json}");
        }
        assert_eq!(text_bytes("null"), 0);
        assert_eq!(text_bytes(r#""a\tb""#), 3);
        assert_eq!(text_bytes("12"), 2);
    }

    proptest! {
        #[test]
        fn never_less_than_the_string(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(text_bytes(&json), text.len() as u64);
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escaped}\"");
            prop_assert!(text_bytes(&json) >= text.len() as u64);
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = scan(&text);
        }
    }
}
