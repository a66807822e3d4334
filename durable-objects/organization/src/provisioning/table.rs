//! What identity providers have said of people and groups, as it is stored.
//!
//! It is read when somebody asks, and not kept in memory: it is large, and no
//! call and no decision looks at it.

use std::collections::BTreeSet;

use identity::MemberId;
use journal::Statement;
use scim::{Group, Lookup, Member, Resource, User, folded};
use storage::{Row, Storage, StorageError, Value};

use super::Fault;
use crate::Organization;

/// Users and groups.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS provisioned (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    display TEXT NOT NULL,
    external_id TEXT,
    email TEXT,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// Who is in which group.
pub(crate) const MEMBERS_TABLE: &str = "CREATE TABLE IF NOT EXISTS provisioned_members (
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    display TEXT,
    type TEXT,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO provisioned (id, kind, name, display, external_id, email, created_ms, modified_ms, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, display = excluded.display,
    external_id = excluded.external_id, email = excluded.email, modified_ms = excluded.modified_ms, data = excluded.data";

const COLUMNS: &str = "SELECT id, created_ms, modified_ms, data FROM provisioned";

/// A user or group with its times.
#[derive(Debug, Clone)]
pub(super) struct Stored<R> {
    pub(super) resource: R,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

/// A group by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) display: String,
    pub(super) external_id: Option<String>,
}

impl Named {
    /// The names by which rules may know it: providers send the one or the
    /// other in tokens.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        std::iter::once(self.display).chain(self.external_id)
    }
}

/// What is kept of a type of resources.
pub(super) trait Kept: Resource {
    /// In the column `kind`.
    const KIND: &'static str;
    /// The name that is shown.
    fn shown(&self) -> &str;
    /// Its name at the provider.
    fn external_id(&self) -> Option<&str>;
    /// The address by which people are known.
    fn address(&self) -> Option<String>;
    /// Without what is kept elsewhere.
    fn bare(self) -> Self;
}

impl Kept for User {
    const KIND: &'static str = "User";

    fn shown(&self) -> &str {
        &self.user_name
    }

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    fn address(&self) -> Option<String> {
        super::users::address(self).as_deref().map(folded)
    }

    fn bare(self) -> Self {
        Self { groups: Vec::new(), meta: None, ..self }
    }
}

impl Kept for Group {
    const KIND: &'static str = "Group";

    fn shown(&self) -> &str {
        &self.display_name
    }

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    fn address(&self) -> Option<String> {
        None
    }

    fn bare(self) -> Self {
        Self { members: Vec::new(), meta: None, ..self }
    }
}

/// The statement that stores a resource.
pub(super) fn put<R: Kept>(stored: &Stored<R>) -> Result<Statement, Fault> {
    let bare = stored.resource.clone().bare();
    let data = serde_json::to_string(&bare).map_err(|_| Fault::storage())?;
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    let values = vec![
        bare.id().into(),
        R::KIND.into(),
        folded(bare.shown()).into(),
        bare.shown().into(),
        text(bare.external_id().map(str::to_owned)),
        text(bare.address()),
        stored.created_ms.into(),
        stored.modified_ms.into(),
        data.into(),
    ];
    Ok((PUT, values))
}

/// The statements after which a resource was never there.
pub(crate) fn remove(id: &str) -> [Statement; 2] {
    [
        ("DELETE FROM provisioned WHERE id = ?", vec![id.into()]),
        ("DELETE FROM provisioned_members WHERE group_id = ? OR user_id = ?", vec![id.into(), id.into()]),
    ]
}

/// The statement by which somebody is in a group, as the provider says.
pub(super) fn join(group: &str, member: &Member) -> Statement {
    let sql = "INSERT INTO provisioned_members (group_id, user_id, display, type) VALUES (?, ?, ?, ?)
        ON CONFLICT (group_id, user_id) DO UPDATE SET display = excluded.display, type = excluded.type";
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    (sql, vec![group.into(), member.value.as_str().into(), text(&member.display), text(&member.kind)])
}

/// The statement by which they are not any more.
pub(super) fn part(group: &str, user: &str) -> Statement {
    ("DELETE FROM provisioned_members WHERE group_id = ? AND user_id = ?", vec![group.into(), user.into()])
}

impl<S: Storage> Organization<S> {
    /// The resources of a type that were provisioned, or those of one name.
    pub(super) fn stored<R: Kept>(&self, lookup: Option<Lookup<'_>>) -> Result<Vec<Stored<R>>, StorageError> {
        let (condition, name) = match lookup {
            None => ("", None),
            Some(Lookup::Id(id)) => (" AND id = ?", Some(id.to_owned())),
            Some(Lookup::ExternalId(id)) => (" AND external_id = ?", Some(id.to_owned())),
            Some(Lookup::UserName(name)) => (" AND name = ?", Some(folded(name))),
            // A user's is no column.
            Some(Lookup::DisplayName(_)) if R::KIND == User::KIND => ("", None),
            Some(Lookup::DisplayName(name)) => (" AND name = ?", Some(folded(name))),
        };
        let values: Vec<Value> = std::iter::once(R::KIND.to_owned()).chain(name).map(Value::Text).collect();
        let rows = self.rows(&format!("{COLUMNS} WHERE kind = ?{condition} ORDER BY id"), &values)?;
        rows.iter().map(read).collect()
    }

    /// Of whom the provider has told, by id.
    pub(super) fn told(&self) -> Result<BTreeSet<String>, StorageError> {
        let rows = self.rows("SELECT id FROM provisioned WHERE kind = 'User'", &[])?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    /// Who is in a group.
    pub(super) fn members_of(&self, group: &str) -> Result<Vec<Member>, StorageError> {
        let sql = "SELECT user_id, display, type FROM provisioned_members WHERE group_id = ? ORDER BY user_id";
        let member = |row: &Row| {
            let text = |column| Ok::<_, StorageError>(row.optional_text(column)?.map(str::to_owned));
            Ok(Member { value: row.text(0)?.to_owned(), display: text(1)?, kind: text(2)?, reference: None })
        };
        self.rows(sql, &[group.into()])?.iter().map(member).collect()
    }

    /// Who is in which group, by user; of one user, or of all.
    pub(super) fn memberships(&self, user: Option<&str>) -> Result<Vec<(String, Named)>, StorageError> {
        let sql = "SELECT m.user_id, g.id, g.display, g.external_id FROM provisioned_members m
            JOIN provisioned g ON g.id = m.group_id WHERE m.user_id = COALESCE(?, m.user_id) ORDER BY g.id";
        let user = user.map_or(Value::Null, Value::from);
        let read = |row: &Row| {
            let external_id = row.optional_text(3)?.map(str::to_owned);
            let named = Named { id: row.text(1)?.to_owned(), display: row.text(2)?.to_owned(), external_id };
            Ok((row.text(0)?.to_owned(), named))
        };
        self.rows(sql, &[user])?.iter().map(read).collect()
    }

    /// The names of the groups that the provider has somebody in; `None` when
    /// it does not say: it knows nothing of them, or of groups.
    pub(crate) fn provisioned_groups(&self, member: MemberId) -> Result<Option<Vec<String>>, StorageError> {
        let sql = "SELECT 1 FROM provisioned WHERE kind = 'Group' AND EXISTS
            (SELECT 1 FROM provisioned WHERE id = ?) LIMIT 1";
        let id = member.to_string();
        if self.rows(sql, &[id.as_str().into()])?.is_empty() {
            return Ok(None);
        }
        let groups = self.memberships(Some(&id))?;
        Ok(Some(groups.into_iter().flat_map(|(_, group)| group.names()).collect()))
    }

    /// Somebody of whom the provider has told, by their address, and whether
    /// they may come in.
    pub(crate) fn provisioned_by_address(&self, email: &str) -> Result<Option<(MemberId, bool)>, StorageError> {
        let sql = format!("{COLUMNS} WHERE kind = 'User' AND email = ? ORDER BY id LIMIT 1");
        let found = self.rows(&sql, &[folded(email).into()])?.first().map(read::<User>).transpose()?;
        Ok(found.and_then(|found| Some((found.resource.id.parse().ok()?, found.resource.active))))
    }

    fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StorageError> {
        self.journal.store().query(sql, values)
    }
}

fn read<R: Kept>(row: &Row) -> Result<Stored<R>, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "resource", error: error.to_string() };
    let resource = serde_json::from_str(row.text(3)?).map_err(corrupt)?;
    Ok(Stored { resource, created_ms: row.int(1)?, modified_ms: row.int(2)? })
}
