//! Lists that leave the house whole: in which form, and how CSV is written.

use serde::Deserialize;
use utoipa::ToSchema;

/// In which form a list leaves the house.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// For spreadsheets.
    Csv,
}

impl Format {
    /// The media type, and how a file of it ends.
    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Ndjson => ("application/x-ndjson", "ndjson"),
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
        }
    }
}

/// RFC 4180. A text that a spreadsheet would take for a formula gets a quote.
pub(crate) fn line<const COLUMNS: usize>(fields: [String; COLUMNS]) -> String {
    let quoted = fields.map(|field| {
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let field = if formula { format!("'{field}") } else { field };
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.join(",") + "\r\n"
}
