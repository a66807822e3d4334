-- Which organization an e-mail domain belongs to, so that people who sign in
-- need not say where. The organization's actor knows its own domains.
CREATE TABLE email_domains (
    domain TEXT PRIMARY KEY,
    organization TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX email_domains_by_organization ON email_domains (organization);
