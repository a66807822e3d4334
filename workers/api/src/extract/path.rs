//! Where in a JSON text something is: the field's path in place of line and
//! column. Found afterwards in the text, because the usual way, to keep the path
//! while reading, doubles the code of every type that is read.

/// The path of the value that is read when so many bytes of a JSON text have
/// been read: `settings.addresses[2]`, and nothing for the whole.
pub(super) fn path_at(text: &str, offset: usize) -> String {
    let mut bytes = text.bytes().enumerate().take(offset);
    let mut within: Vec<Within> = Vec::new();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => within.push(Within::Object { key: None }),
            b'[' => within.push(Within::List { index: 0 }),
            b'}' | b']' => {
                within.pop();
            }
            b',' => match within.last_mut() {
                Some(Within::Object { key }) => *key = None,
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
                if let Some(Within::Object { key: key @ None }) = within.last_mut() {
                    *key = text.get(begin..end).map(|key| key.chars().take(80).collect());
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    for step in within {
        match step {
            Within::Object { key: Some(key) } if path.is_empty() => path = key,
            Within::Object { key: Some(key) } => path = format!("{path}.{key}"),
            Within::Object { key: None } => {}
            Within::List { index } => path = format!("{path}[{index}]"),
        }
    }
    path
}

/// How many bytes of a text are before a column of a line, both from 1 on.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    before.saturating_add(column)
}

enum Within {
    Object { key: Option<String> },
    List { index: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let text = r#"{"a": 1, "b": {"c\"": [true, {"d": "x,]}"}, null]}, "e": 2}"#;
        let at = |part: &str| {
            let begin = text.find(part).unwrap();
            path_at(text, begin + part.len())
        };
        assert_eq!(path_at(text, 0), "");
        assert_eq!(at("1"), "a");
        assert_eq!(at("true"), r#"b.c\"[0]"#);
        assert_eq!(at("x,]"), r#"b.c\"[1].d"#);
        assert_eq!(at(r#""x,]}"}"#), r#"b.c\"[1]"#);
        assert_eq!(at("null"), r#"b.c\"[2]"#);
        assert_eq!(at("null]}"), "b");
        assert_eq!(at("2"), "e");
        assert_eq!(path_at(text, text.len()), "");
        assert_eq!(path_at("nonsense } ] , \"", 99), "");
    }

    #[test]
    fn offsets() {
        assert_eq!(offset("{\n \"a\": 1}", 2, 4), 6);
        assert_eq!(offset("{}", 1, 2), 2);
        assert_eq!(offset("", 7, 3), 3);
    }
}
