//! `cargo xtask audit`: audit trails outside the house.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use audit::export::{Header, Reader};
use audit::{Hash, Report};

use crate::support::console;

/// Check audit trails without asking Alfred.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Verify an export: that no record was altered, left out, moved or added,
    /// and that it was not truncated.
    ///
    /// Needs nothing but the file. Whoever could write the whole trail anew
    /// could also write a new chain: against that, note a head now and then
    /// and give it here.
    Verify {
        /// The export.
        file: PathBuf,
        /// A hash that was noted before, such as the head of an earlier
        /// export: one of the records must have it.
        #[arg(long)]
        head: Option<Hash>,
    },
}

/// Runs the chore.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Task::Verify { file, head } = &arguments.task;
    let (header, report) = console::step(&format!("verifying {}", file.display()), || verify(file, *head))?;
    for line in summary(&header, &report) {
        console::note(&line);
    }
    Ok(())
}

fn verify(file: &Path, head: Option<Hash>) -> Result<(Header, Report)> {
    let reading = || format!("reading {}", file.display());
    let mut reader = Reader::new(head);
    for line in BufReader::new(File::open(file).with_context(reading)?).lines() {
        reader.line(&line.with_context(reading)?)?;
    }
    Ok(reader.end()?)
}

fn summary(header: &Header, report: &Report) -> Vec<String> {
    let Report { records, erased, head } = report;
    let mut lines = vec![format!("{records} records of {} ({}) hold", header.actor, header.organization)];
    if let Some(after) = header.after {
        lines.push(format!("they come after record {} with the hash {}, as the file says", after.sequence, after.hash));
    }
    lines.push(format!("{erased} of them had their details erased"));
    lines.push(format!("head: record {} with the hash {}", head.sequence, head.hash));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::export::Writer;
    use audit::{Detail, Draft, Record, Salt};
    use std::fs;

    /// A file of the test's own.
    fn write(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("alfred-audit-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    fn export() -> String {
        let header: Header = serde_json::from_str(
            r#"{"format":"alfred-audit","version":1,"organization":"org_00000000000000000000000001","actor":"team_a","exported_ms":0}"#,
        )
        .unwrap();
        let (mut writer, mut text) = Writer::begin(&header).unwrap();
        let mut previous = Hash::START;
        for sequence in 1..=3 {
            let detail = Some(Detail::new(Salt::from_u128(1)));
            let mut record = Record::seal(
                "team_a",
                sequence,
                0,
                previous,
                Draft { action: "sign_in".into(), detail, ..Draft::default() },
            );
            previous = record.hash;
            record.detail = record.detail.filter(|_| sequence != 2);
            text += &writer.record(&record).unwrap();
        }
        text + &writer.end().unwrap()
    }

    #[test]
    fn says_what_was_verified_or_what_is_wrong() {
        let whole = write("whole", &export());
        let (header, report) = verify(&whole, None).unwrap();
        let lines = summary(&header, &report);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], "3 records of team_a (org_00000000000000000000000001) hold");
        assert_eq!(lines[1], "1 of them had their details erased");
        assert!(verify(&whole, Some(report.head.hash)).is_ok());
        let fault = |file: &Path, head| verify(file, head).unwrap_err().to_string();
        assert!(fault(&whole, Some(Hash::of([]))).starts_with("the trail was truncated or written anew"));

        let altered = write("altered", &export().replacen("sign_in", "sign_on", 1));
        assert!(fault(&altered, None).starts_with("record 1 was altered"));
        let cut = write("cut", export().rsplit_once("{\"records\"").unwrap().0);
        assert_eq!(fault(&cut, None), "the trail was truncated: it ends after record 3");
        assert!(fault(Path::new("/no/such/file"), None).starts_with("reading /no/such/file"));
        for file in [whole, altered, cut] {
            fs::remove_file(file).unwrap();
        }
    }
}
