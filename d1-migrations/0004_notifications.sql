-- Whom a record of the audit trail says to tell: JSON, NULL for nobody.
ALTER TABLE audit ADD COLUMN notify TEXT;

-- Who is to be told of what: a row for each of them, written with the record.
-- Whoever sends messages reads them here.
CREATE TABLE notifications (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,             -- the record's, and the recipient's place in it: aud_….01
    recipient TEXT NOT NULL,      -- as the policy names them
    record TEXT NOT NULL,
    actor TEXT NOT NULL,          -- whose trail: the organization's id, or the team's
    time_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,        -- done, denied or failed
    code TEXT,
    who TEXT,
    resource TEXT,
    request TEXT,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
