//! Which organization an e-mail domain belongs to. Only the operator says so,
//! for whoever has a domain decides who its people are. D1 has the index, so
//! that a domain cannot be two organizations'.

use identity::OrganizationId;
use openid::email_domain;
use serde::Deserialize;

use crate::app::App;
use crate::problem::{Code, Problem};
use crate::sql::Sql;

#[derive(Deserialize)]
struct Claim {
    domain: String,
    organization: OrganizationId,
}

/// The organization of an address's domain.
pub(crate) async fn organization_of(app: &App, email: &str) -> Result<Option<OrganizationId>, Problem> {
    let wrong = || Problem::invalid("`email` must be an e-mail address like `ada@example.com`");
    let domain = email_domain(email).ok_or_else(wrong)?;
    let claims: Vec<Claim> = app.rows(claims_of(&[domain])).await?;
    Ok(claims.into_iter().next().map(|claim| claim.organization))
}

/// Claims domains for an organization, all or none.
pub(crate) async fn claim(app: &App, organization: OrganizationId, domains: &[String]) -> Result<(), Problem> {
    for domain in domains {
        app.execute(claim_statement(organization, domain)).await?;
    }
    let claims: Vec<Claim> = app.rows(claims_of(domains)).await?;
    match claims.into_iter().find(|claim| claim.organization != organization) {
        None => Ok(()),
        Some(claim) => {
            Err(Problem::new(Code::Conflict, format!("`{}` is another organization's domain", claim.domain)))
        }
    }
}

/// Gives up what an organization has beside these.
pub(crate) async fn release(app: &App, organization: OrganizationId, kept: &[String]) -> Result<(), Problem> {
    app.execute(release_statement(organization, kept)).await.map(|_| ())
}

fn list(domains: &[String]) -> String {
    serde_json::to_string(domains).unwrap_or_default()
}

fn claims_of(domains: &[String]) -> Sql {
    Sql::new(
        "SELECT json_object('domain', domain, 'organization', organization) AS row FROM email_domains
        WHERE domain IN (SELECT value FROM json_each(",
    )
    .text(list(domains))
    .push("))")
}

fn claim_statement(organization: OrganizationId, domain: &str) -> Sql {
    Sql::new("INSERT INTO email_domains (domain, organization) VALUES (")
        .text(domain)
        .push(", ")
        .text(organization)
        .push(") ON CONFLICT (domain) DO NOTHING")
}

fn release_statement(organization: OrganizationId, kept: &[String]) -> Sql {
    Sql::new("DELETE FROM email_domains WHERE organization = ")
        .text(organization)
        .push(" AND domain NOT IN (SELECT value FROM json_each(")
        .text(list(kept))
        .push("))")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn a_domain_is_one_organizations() {
        let database = testing::database();
        let run = |sql: Sql| {
            let (text, values) = sql.into_parts();
            database.execute(&text, rusqlite::params_from_iter(values)).unwrap();
        };
        let (one, other) = (OrganizationId::from_u128(1), OrganizationId::from_u128(2));
        let names: Vec<String> = ["a.example", "b.example"].map(str::to_owned).to_vec();
        run(claim_statement(one, "a.example"));
        run(claim_statement(one, "b.example"));
        run(claim_statement(other, "a.example"));
        let owners = || {
            let claims: Vec<Claim> = testing::rows(&database, claims_of(&names));
            claims.into_iter().map(|claim| (claim.domain, claim.organization)).collect::<Vec<_>>()
        };
        assert_eq!(owners(), [("a.example".to_owned(), one), ("b.example".to_owned(), one)]);
        run(release_statement(one, &names[1..]));
        run(release_statement(other, &[]));
        assert_eq!(owners(), [("b.example".to_owned(), one)]);
    }
}
