//! Records of the audit trail about one person.

use identity::{AuditId, MemberId, OrganizationId, Principal};
use serde::Deserialize;

use super::list::{AuditRecord, body};
use super::{ROW, Row};
use crate::app::App;
use crate::problem::Problem;
use crate::sql::Sql;

/// Records that one part of a walk looks at: those about the person among
/// them, 16 KB each at most, are held in memory.
const SCAN: i64 = 500;

#[derive(Deserialize)]
struct Walked {
    last: Option<AuditId>,
    count: i64,
}

fn walk(sql: Sql, organization: OrganizationId, before: Option<AuditId>) -> Sql {
    let sql = sql.push("audit WHERE organization = ").text(organization);
    let sql = match before {
        Some(before) => sql.push(" AND id < ").text(before),
        None => sql,
    };
    sql.push(" ORDER BY id DESC LIMIT ").int(SCAN)
}

/// Those that name one of the ids: as the one who did it, on whose behalf, or
/// as what it was about.
fn statement(organization: OrganizationId, ids: &[String], before: Option<AuditId>) -> Sql {
    let ids = serde_json::to_string(ids).unwrap_or_default();
    walk(Sql::new(ROW).push("(SELECT * FROM "), organization, before)
        .push(") WHERE EXISTS (SELECT 1 FROM json_each(")
        .text(ids)
        .push(
            ") WHERE instr('/' || coalesce(who, '') || '/' || coalesce(on_behalf_of, '') || '/' || \
             coalesce(resource, '') || '/', '/' || value || '/') > 0) ORDER BY id DESC",
        )
}

/// The next part of a walk, newest first, and where it goes on.
pub(crate) async fn part(
    app: &App,
    organization: OrganizationId,
    (member, ids): (MemberId, &[String]),
    before: Option<AuditId>,
) -> Result<(Vec<AuditRecord>, Option<AuditId>), Problem> {
    let rows: Vec<Row> = app.rows(statement(organization, ids, before)).await?;
    let sql = Sql::new("SELECT json_object('last', min(id), 'count', count(*)) AS row FROM (SELECT id FROM ");
    let walked: Vec<Walked> = app.rows(walk(sql, organization, before).push(")")).await?;
    let next = walked.first().filter(|walked| walked.count >= SCAN).and_then(|walked| walked.last);
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let actor = row.actor.clone();
        let mut record = row.record()?;
        let is_own = match record.who {
            Some(Principal::Person(who, _) | Principal::Member(who, _) | Principal::Chat(who, _)) => who == member,
            _ => false,
        };
        if let Some(detail) = record.detail.as_mut().filter(|_| !is_own) {
            // Where somebody else was and what they may do is theirs.
            (detail.address, detail.user_agent, detail.question) = (None, None, None);
        }
        records.push(body(actor, record));
    }
    Ok((records, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn records_by_somebody_and_about_them() {
        let database = testing::database();
        let organization = OrganizationId::from_u128(1);
        let (ada, key, bob) =
            (MemberId::from_u128(1).to_string(), identity::KeyId::from_u128(1).to_string(), MemberId::from_u128(2));
        for (n, who, resource) in [
            (1, Some(format!("{ada}/ses_x")), None),
            (2, Some("operator".to_owned()), Some(ada.clone())),
            (3, None, Some(key.clone())),
            (4, Some(bob.to_string()), Some(format!("{ada}x"))),
            (5, None, None),
        ] {
            let sql = "INSERT INTO audit (organization, id, actor, sequence, time_ms, action, outcome, who, resource,
                digest, hash) VALUES (?, ?, 'org_x', ?, ?, 'x', 'done', ?, ?, '', '')";
            let id = AuditId::from_u128(n << 80).to_string();
            let n = i64::try_from(n).unwrap();
            database.execute(sql, rusqlite::params![organization.to_string(), id, n, n, who, resource]).unwrap();
        }
        let sequences = |ids: &[String], before| -> Vec<u64> {
            let rows: Vec<serde_json::Value> = testing::rows(&database, statement(organization, ids, before));
            rows.iter().map(|row| row["sequence"].as_u64().unwrap()).collect()
        };
        assert_eq!(sequences(&[ada.clone(), key], None), [3, 2, 1]);
        assert_eq!(sequences(std::slice::from_ref(&ada), Some(AuditId::from_u128(2 << 80))), [1]);
        assert_eq!(sequences(&[], None), [0; 0]);
    }
}
