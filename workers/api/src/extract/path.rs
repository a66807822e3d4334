//! Where in a JSON text something is: the field's path in place of line and
//! column. Found afterwards in the text, because the usual way, to keep the path
//! while reading, doubles the code of every type that is read.

/// The path of the value that an error is about.
pub(super) fn path_of(text: &str, error: &serde_json::Error) -> String {
    let end = offset(text, error.line(), error.column());
    let read = text.as_bytes().get(..end).unwrap_or_default().trim_ascii_end();
    let last = read.len().checked_sub(1).filter(|last| matches!(text.as_bytes().get(*last), Some(b'}' | b']' | b',')));
    match last {
        // A value that says itself what is wrong with it does so when it has been read, and an object or list is then
        // read on to its end if it was the last in there, a list to the next one. What an object lacks is no value of
        // its, and of forms that are told apart by a field, which value is meant is not known any more.
        Some(last) if !error.to_string().starts_with("missing field") => {
            let mut steps = within(text, last);
            steps.pop_if(|step| matches!(step, Within::Object { is_form: true, .. }));
            path(steps)
        }
        _ => path(within(text, end)),
    }
}

/// Within which objects and lists the value is that is read when so many bytes
/// of a JSON text have been read.
fn within(text: &str, offset: usize) -> Vec<Within> {
    let mut bytes = text.bytes().enumerate().take(offset);
    let mut within: Vec<Within> = Vec::new();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => within.push(Within::Object { key: None, is_form: false }),
            b'[' => within.push(Within::List { index: 0 }),
            b'}' | b']' => {
                within.pop();
            }
            b',' => match within.last_mut() {
                Some(Within::Object { key, .. }) => *key = None,
                Some(Within::List { index }) => *index = index.saturating_add(1),
                None => {}
            },
            b'"' => {
                let begin = at.saturating_add(1);
                let mut end = begin;
                while let Some((at, byte)) = bytes.next() {
                    end = at;
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
                if let Some(Within::Object { key: key @ None, is_form }) = within.last_mut() {
                    *key = text.get(begin..end).map(|key| key.chars().take(80).collect());
                    *is_form |= matches!(key.as_deref(), Some("kind" | "type"));
                }
            }
            _ => {}
        }
    }
    within
}

/// As people write it: `settings.addresses[2]`, and nothing for the whole.
fn path(within: Vec<Within>) -> String {
    let mut path = String::new();
    for step in within {
        match step {
            Within::Object { key: Some(key), .. } if path.is_empty() => path = key,
            Within::Object { key: Some(key), .. } => path = format!("{path}.{key}"),
            Within::Object { key: None, .. } => {}
            Within::List { index } => path = format!("{path}[{index}]"),
        }
    }
    path
}

/// How many bytes of a text are before a column of a line, both from 1 on.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    before.saturating_add(column)
}

enum Within {
    /// The field that is read, and whether one has said which form it is.
    Object {
        key: Option<String>,
        is_form: bool,
    },
    List {
        index: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let text = r#"{"a": 1, "b": {"c\"": [true, {"d": "x,]}"}, null]}, "e": 2}"#;
        let at = |part: &str| {
            let begin = text.find(part).unwrap();
            path(within(text, begin + part.len()))
        };
        assert_eq!(path(within(text, 0)), "");
        assert_eq!(at("1"), "a");
        assert_eq!(at("true"), r#"b.c\"[0]"#);
        assert_eq!(at("x,]"), r#"b.c\"[1].d"#);
        assert_eq!(at(r#""x,]}"}"#), r#"b.c\"[1]"#);
        assert_eq!(at("null"), r#"b.c\"[2]"#);
        assert_eq!(at("null]}"), "b");
        assert_eq!(at("2"), "e");
        assert_eq!(path(within(text, text.len())), "");
        assert_eq!(path(within("nonsense } ] , \"", 99)), "");
    }

    #[test]
    fn what_values_say_of_themselves() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "it is only read")]
        struct Outer {
            #[serde(default)]
            ids: Vec<identity::MemberId>,
            #[serde(default)]
            inner: Option<Inner>,
            #[serde(default)]
            tagged: Option<Tagged>,
            #[serde(default)]
            last: u8,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "it is only read")]
        struct Inner {
            id: identity::MemberId,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[expect(dead_code, reason = "it is only read")]
        enum Tagged {
            List { only: Vec<u8> },
        }
        for (text, expected) in [
            (r#"{"ids":["x"]}"#, "ids[0]"),
            (r#"{"ids":["x", "y"],"last":1}"#, "ids[0]"),
            (r#"{"inner":{"id":"x"}}"#, "inner.id"),
            (r#"{"inner":{"id":"x"},"last":1}"#, "inner.id"),
            (r#"{"inner":{}}"#, "inner"),
            (r#"{"inner":{},"last":1}"#, "inner"),
            (r#"{"tagged":{"kind":"list","only":1}}"#, "tagged"),
            (r#"{"tagged":{"kind":"list","only":1},"last":1}"#, "tagged"),
            (r#"{"last":"x"}"#, "last"),
            (r#"{"last":{}}"#, "last"),
            (r#"{"last":300}"#, "last"),
            (r#"{"last":1,"last":1}"#, "last"),
        ] {
            let error = serde_json::from_str::<Outer>(text).unwrap_err();
            assert_eq!(path_of(text, &error), expected, "{text}: {error}");
        }
    }

    #[test]
    fn offsets() {
        assert_eq!(offset("{\n \"a\": 1}", 2, 4), 6);
        assert_eq!(offset("{}", 1, 2), 2);
        assert_eq!(offset("", 7, 3), 3);
    }
}
