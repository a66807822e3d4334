//! What a call used, and what is said about it.

use super::plan::Lie;

/// Usage as it is written on the wire, truth or lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) kind: Kind,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
    pub(crate) reasoning: u64,
    pub(crate) lie: Lie,
    /// What [`Lie::Over`] says.
    pub(crate) over: u64,
}

/// Which endpoint's usage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    /// Has no output: lies are about the input.
    Embeddings,
}

const HUGE: u64 = 1_000_000_000_000_000;

impl Usage {
    /// The JSON object.
    pub(crate) fn to_json(self) -> String {
        match self.kind {
            Kind::Embeddings => {
                let input = self.field("prompt_tokens", self.input);
                format!(r#"{{{input}"total_tokens":{}}}"#, self.input)
            }
            Kind::Chat => format!(
                r#"{{"prompt_tokens":{},{}"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}},"completion_tokens_details":{{"reasoning_tokens":{}}}}}"#,
                self.input,
                self.field("completion_tokens", self.output),
                self.input.saturating_add(self.output),
                self.cached,
                self.reasoning,
            ),
        }
    }

    /// The field that may lie, with its comma.
    fn field(self, name: &str, truth: u64) -> String {
        let value = match self.lie {
            Lie::Missing => return String::new(),
            Lie::Honest => truth.to_string(),
            Lie::Negative => format!("-{}", truth.max(1)),
            Lie::Fractional => format!("{truth}.5"),
            Lie::String => format!("\"{truth}\""),
            Lie::Null => "null".to_owned(),
            Lie::Huge => HUGE.to_string(),
            Lie::Overflow => "100000000000000000000".to_owned(),
            Lie::Over => self.over.to_string(),
        };
        format!("\"{name}\":{value},")
    }

    /// Input and output as a reader of whole numbers takes them, or nothing
    /// if it cannot.
    pub(crate) fn readable(self) -> Option<(u64, u64)> {
        let said = |truth| match self.lie {
            Lie::Honest => Some(truth),
            Lie::Huge => Some(HUGE),
            Lie::Over => Some(self.over),
            Lie::Negative | Lie::Fractional | Lie::String | Lie::Null | Lie::Missing | Lie::Overflow => None,
        };
        match self.kind {
            Kind::Chat => Some((self.input, said(self.output)?)),
            Kind::Embeddings => Some((said(self.input)?, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn usage(kind: Kind, lie: Lie) -> Usage {
        Usage { kind, input: 9, output: 5, cached: 2, reasoning: 1, lie, over: 77 }
    }

    #[test]
    fn readable_is_what_a_reader_of_whole_numbers_sees() {
        for lie in [
            Lie::Honest,
            Lie::Negative,
            Lie::Fractional,
            Lie::String,
            Lie::Null,
            Lie::Missing,
            Lie::Huge,
            Lie::Overflow,
            Lie::Over,
        ] {
            let chat = usage(Kind::Chat, lie);
            let json: Value = serde_json::from_str(&chat.to_json()).unwrap();
            assert_eq!(chat.readable().map(|(_, output)| output), json["completion_tokens"].as_u64(), "{lie:?}");
            let embeddings = usage(Kind::Embeddings, lie);
            let json: Value = serde_json::from_str(&embeddings.to_json()).unwrap();
            assert_eq!(embeddings.readable().map(|(input, _)| input), json["prompt_tokens"].as_u64(), "{lie:?}");
        }
    }

    #[test]
    fn form_is_openai_s() {
        assert_eq!(
            usage(Kind::Chat, Lie::Honest).to_json(),
            concat!(
                r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"#,
                r#""prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}"#
            )
        );
        assert_eq!(usage(Kind::Embeddings, Lie::Honest).to_json(), r#"{"prompt_tokens":9,"total_tokens":9}"#);
    }
}
