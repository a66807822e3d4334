//! A trail outside the house: a file that says of itself whether it is whole.
//!
//! One JSON object a line. The first line is a [`Header`], then come the
//! records in the order of their sequences, and the last line is a [`Trailer`]
//! with their number and the head: a file without it was truncated.

use identity::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::{Expected, Fault, Head, Record, Report, Verifier};

/// What the first line calls the format.
pub const FORMAT: &str = "alfred-audit";

/// The version that this code writes and reads.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Whose trail.
    pub organization: OrganizationId,
    /// Which actor's: the organization's id, or a team's.
    pub actor: String,
    /// When it was written, in milliseconds since 1970.
    pub exported_ms: i64,
    /// What the first record comes after, when that is not the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Head>,
}

impl Header {
    /// For a whole trail, from its first record on.
    #[must_use]
    pub fn new(organization: OrganizationId, actor: impl Into<String>, exported_ms: i64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            organization,
            actor: actor.into(),
            exported_ms,
            after: None,
        }
    }
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// How many records stand before it.
    pub records: u64,
    /// Where the trail ends.
    pub head: Head,
}

/// Writes an export, line by line.
#[derive(Debug)]
pub struct Writer {
    records: u64,
    head: Head,
}

impl Writer {
    /// Begins; the text is the first line.
    ///
    /// # Errors
    /// None that can happen: texts and numbers can be written.
    pub fn begin(header: &Header) -> serde_json::Result<(Self, String)> {
        let head = header.after.unwrap_or(Head::START);
        Ok((Self { records: 0, head }, line(header)?))
    }

    /// The line of the next record.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn record(&mut self, record: &Record) -> serde_json::Result<String> {
        self.records = self.records.saturating_add(1);
        self.head = Head { sequence: record.sequence, hash: record.hash };
        line(record)
    }

    /// Ends; the text is the last line.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn end(self) -> serde_json::Result<String> {
        line(&Trailer { records: self.records, head: self.head })
    }
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| text + "\n")
}

/// Why an export is not what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The trail in it does not hold.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The first line is not a header.
    #[error("it is not an export of an audit trail: {0}")]
    NotAnExport(String),
    /// It was written by a version that this code does not know.
    #[error("version {0} of the format is not known: a newer program is needed")]
    UnknownVersion(u32),
    /// A line is neither a record nor the last line.
    #[error("line {line} cannot be read: {error}")]
    Unreadable {
        /// From 1.
        line: u64,
        /// Why not.
        error: String,
    },
    /// The last line does not say what stands before it.
    #[error("the last line says that there are {} records up to record {}, there are {} up to record {}",
        said.records, said.head.sequence, found.records, found.head.sequence)]
    Trailer {
        /// What it says.
        said: Trailer,
        /// What there is.
        found: Trailer,
    },
    /// There is something after the last line.
    #[error("line {0} comes after the last line")]
    AfterTheEnd(u64),
}

/// Reads an export line by line, and verifies it.
#[derive(Debug)]
pub struct Reader {
    expected: Option<Expected>,
    line: u64,
    header: Option<Header>,
    verifier: Verifier,
    records: u64,
    trailer: Option<Trailer>,
    /// A line that could not be read: if it is the last one, the file was
    /// truncated in the middle of it.
    broken: Option<ExportError>,
}

impl Reader {
    /// Begins; a head that was noted must be found in the export.
    #[must_use]
    pub fn new(expected: Option<impl Into<Expected>>) -> Self {
        Self {
            expected: expected.map(Into::into),
            line: 0,
            header: None,
            verifier: Verifier::new(""),
            records: 0,
            trailer: None,
            broken: None,
        }
    }

    /// What the first line said.
    #[must_use]
    pub const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Takes the next line; gives the record in it.
    ///
    /// # Errors
    /// [`ExportError`]; nothing more can be said of what comes after it.
    pub fn line(&mut self, text: &str) -> Result<Option<Record>, ExportError> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.line = self.line.saturating_add(1);
        let text = text.trim_end();
        if self.header.is_none() {
            self.begin(text)?;
            return Ok(None);
        }
        if self.trailer.is_some() {
            return if text.is_empty() { Ok(None) } else { Err(ExportError::AfterTheEnd(self.line)) };
        }
        match serde_json::from_str::<Record>(text) {
            Ok(record) => {
                self.verifier.check(&record)?;
                self.records = self.records.saturating_add(1);
                Ok(Some(record))
            }
            Err(error) => {
                match serde_json::from_str::<Trailer>(text) {
                    Ok(trailer) => self.trailer = Some(trailer),
                    Err(_) => {
                        let error = error.to_string();
                        self.broken = Some(ExportError::Unreadable { line: self.line, error });
                    }
                }
                Ok(None)
            }
        }
    }

    fn begin(&mut self, text: &str) -> Result<(), ExportError> {
        let header: Header = serde_json::from_str(text).map_err(|error| ExportError::NotAnExport(error.to_string()))?;
        if header.format != FORMAT {
            return Err(ExportError::NotAnExport(format!("its format is `{}`", header.format)));
        }
        if header.version != VERSION {
            return Err(ExportError::UnknownVersion(header.version));
        }
        let start = header.after.unwrap_or(Head::START);
        self.verifier = Verifier::after(&header.actor, start).expecting(self.expected);
        self.header = Some(header);
        Ok(())
    }

    /// There are no more lines.
    ///
    /// # Errors
    /// [`ExportError`] when it is not whole.
    pub fn end(self) -> Result<(Header, Report), ExportError> {
        let Some(header) = self.header else {
            return Err(ExportError::NotAnExport("it is empty".to_owned()));
        };
        let found = Trailer { records: self.records, head: self.verifier.head() };
        let Some(said) = self.trailer else {
            return Err(Fault::Truncated { found: found.head.sequence, expected: None }.into());
        };
        if said.head.sequence > found.head.sequence {
            let expected = Some(said.head.sequence);
            return Err(Fault::Truncated { found: found.head.sequence, expected }.into());
        }
        if said != found {
            return Err(ExportError::Trailer { said, found });
        }
        Ok((header, self.verifier.end()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Detail, Draft, Hash, Salt};
    use identity::Principal;

    const ACTOR: &str = "team_a";

    fn written() -> String {
        let (mut writer, mut text) =
            Writer::begin(&Header::new(OrganizationId::from_u128(1), ACTOR, 1_700_000_000_000)).unwrap();
        let mut previous = Hash::START;
        for sequence in 1..=3 {
            let detail = Some(Detail::new(Salt::from_u128(1))).filter(|_| sequence == 2);
            let draft = Draft { detail, ..Draft::done("sign_in", Principal::Operator) };
            let record = Record::seal(ACTOR, sequence, 1_700_000_000_000, previous, draft);
            previous = record.hash;
            text += &writer.record(&record).unwrap();
        }
        text + &writer.end().unwrap()
    }

    fn read(text: &str, expected: Option<Expected>) -> Result<(Header, Report), ExportError> {
        let mut reader = Reader::new(expected);
        for line in text.split_terminator('\n') {
            reader.line(line)?;
        }
        reader.end()
    }

    #[test]
    fn form_is_pinned() {
        insta::assert_snapshot!(written(), @r#"
        {"format":"alfred-audit","version":1,"organization":"org_00000000000000000000000001","actor":"team_a","exported_ms":1700000000000}
        {"sequence":1,"id":"aud_01hf7yat0024pd1jr000000001","time_ms":1700000000000,"action":"sign_in","outcome":"done","who":"operator","digest":"0000000000000000000000000000000000000000000000000000000000000000","hash":"b907febef2097ac0c8775513c3e71cd12af40eb47eb7d0dd8511763e786c45cd"}
        {"sequence":2,"id":"aud_01hf7yat0024pd1jr000000002","time_ms":1700000000000,"action":"sign_in","outcome":"done","who":"operator","digest":"2b5ba1a81d0209acfe21b8cf2d1925df4c6050e8177e0c966fcb4dcaef72ddf3","detail":{"salt":"00000000000000000000000000000001"},"hash":"d62d809e0c4788e39837e72aafedc5d0ab1035d0bfad0e4df7b60b6ef9760fa7"}
        {"sequence":3,"id":"aud_01hf7yat0024pd1jr000000003","time_ms":1700000000000,"action":"sign_in","outcome":"done","who":"operator","digest":"0000000000000000000000000000000000000000000000000000000000000000","hash":"1220b3146efcfac4d042cd61389035750324a7110730a69600ef23a6d3c1f387"}
        {"records":3,"head":{"sequence":3,"hash":"1220b3146efcfac4d042cd61389035750324a7110730a69600ef23a6d3c1f387"}}
        "#);
    }

    #[test]
    fn what_was_written_is_read() {
        let text = written();
        let (header, report) = read(&text, None).unwrap();
        assert_eq!((header.actor.as_str(), report.records, report.erased), (ACTOR, 3, 0));
        for same in [text.trim_end().to_owned(), format!("{text}\n\n"), text.replace('\n', "\r\n")] {
            assert_eq!(read(&same, Some(report.head.into())), Ok((header.clone(), report)));
        }
        let noted = Expected::from(report.head.hash);
        assert!(read(&text, Some(noted)).is_ok());
        let other = Expected::from(Hash::of([]));
        assert_eq!(read(&text, Some(other)), Err(Fault::Unknown { hash: other.hash }.into()));
    }

    #[test]
    fn a_part_is_read_after_the_head_before_it() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        let first: Record = serde_json::from_str(lines[1]).unwrap();
        let after = Some(Head { sequence: 1, hash: first.hash });
        let mut header = Header { after, ..serde_json::from_str(lines[0]).unwrap() };
        let part = |header: &Header| {
            let (mut writer, mut text) = Writer::begin(header).unwrap();
            for record in &lines[2..4] {
                text += &writer.record(&serde_json::from_str(record).unwrap()).unwrap();
            }
            text + &writer.end().unwrap()
        };
        assert_eq!(read(&part(&header), None).unwrap().1.records, 2);
        header.after = Some(Head { sequence: 1, hash: Hash::of([]) });
        assert_eq!(read(&part(&header), None), Err(Fault::AlteredRecord { sequence: 2 }.into()));
    }

    #[test]
    fn what_is_not_whole_is_told() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        let of = |places: &[usize]| places.iter().map(|&place| lines[place].to_owned() + "\n").collect::<String>();
        let truncated = |found| ExportError::from(Fault::Truncated { found, expected: None });
        for (text, error) in [
            (of(&[0, 1, 2, 3]), truncated(3)),
            (of(&[0, 1]), truncated(1)),
            (of(&[0]), truncated(0)),
            (text[..text.len() - 20].to_owned(), truncated(3)),
            (text[..lines[0].len() + lines[1].len() + 50].to_owned(), truncated(1)),
            (of(&[0, 1, 2, 4]), Fault::Truncated { found: 2, expected: Some(3) }.into()),
            (of(&[0, 1, 3, 4]), Fault::Missing { after: 1, found: 3 }.into()),
            (of(&[0, 2, 1, 3, 4]), Fault::Missing { after: 0, found: 2 }.into()),
            (of(&[0, 1, 1, 2, 3, 4]), Fault::OutOfOrder { after: 1, found: 1 }.into()),
            (of(&[0, 1, 2, 3, 4, 1]), ExportError::AfterTheEnd(6)),
            (text.replace("sign_in", "sign_on"), Fault::AlteredRecord { sequence: 1 }.into()),
            (text.replace(r#""version":1"#, r#""version":2"#), ExportError::UnknownVersion(2)),
            (text.replace(FORMAT, "else"), ExportError::NotAnExport("its format is `else`".into())),
            (String::new(), ExportError::NotAnExport("it is empty".into())),
        ] {
            assert_eq!(read(&text, None), Err(error), "{text}");
        }
        let fewer = text.replace(r#"{"records":3"#, r#"{"records":2"#);
        assert!(matches!(read(&fewer, None), Err(ExportError::Trailer { .. })));
        let unreadable = text.replacen(r#""outcome":"done""#, r#""outcome":"?""#, 1);
        assert!(matches!(read(&unreadable, None), Err(ExportError::Unreadable { line: 2, .. })));
        let longer = text.replacen(r#""outcome":"done""#, r#""outcome":"done","more":1"#, 1);
        assert!(matches!(read(&longer, None), Err(ExportError::Unreadable { line: 2, .. })));
        assert!(matches!(read(lines[1], None), Err(ExportError::NotAnExport(_))));
    }
}
