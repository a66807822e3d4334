//! Takes what looks like a secret out of a text.

/// How keys, organizations and projects of common providers begin.
const PREFIXES: &[&str] = &[
    "sk-", "sk_", "gsk_", "xai-", "pplx-", "hf_", "r8_", "nvapi-", "AIza", "AKIA", "ya29.", "ghp_", "org-", "proj_",
    "eyJ",
];

/// What stands before a secret, in lower case.
const MARKS: &[&str] =
    &["bearer", "basic", "x-api-key", "api-key", "api_key", "apikey", "authorization", "key", "token"];

/// A word this long with letters and digits is taken for a secret. Names of
/// models and codes are shorter.
const OPAQUE: usize = 32;

const REDACTED: &str = "[redacted]";

/// The text with each secret replaced. Words are divided by what cannot be
/// part of a secret.
pub(crate) fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut marked = false;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !word.is_empty() {
            let lower = word.to_ascii_lowercase();
            let mark = MARKS.contains(&lower.as_str());
            let secret = looks_secret(word) || (marked && !mark && word.len() >= 8 && has_digit(word));
            clean.push_str(if secret { REDACTED } else { word });
            marked = mark || (marked && !secret && word.len() < 3);
        }
        let mut letters = after.chars();
        if let Some(letter) = letters.next() {
            clean.push(letter);
        }
        rest = letters.as_str();
    }
    clean
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '*' | '.' | '+')
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

fn looks_secret(word: &str) -> bool {
    let prefixed = PREFIXES.iter().any(|prefix| word.len() >= prefix.len() + 4 && word.starts_with(prefix));
    prefixed || (word.len() >= OPAQUE && has_digit(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, expected) in [
            ("nothing to hide in gpt-4o-mini-2024-07-18", "nothing to hide in gpt-4o-mini-2024-07-18"),
            ("key sk-proj-abc_DEF-123, ok", "key [redacted], ok"),
            ("(sk-ant-api03-xxxx)", "([redacted])"),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted]"),
            ("api_key=\"abcd1234efgh\"", "api_key=\"[redacted]\""),
            ("token limit exceeded: 8192", "token limit exceeded: 8192"),
            ("in org-AbCdEf012345", "in [redacted]"),
            ("id 0123456789abcdef0123456789abcdef", "id [redacted]"),
            ("risk-free task-based", "risk-free task-based"),
            ("sk-", "sk-"),
            ("é sk-alf-0000 é", "é [redacted] é"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
