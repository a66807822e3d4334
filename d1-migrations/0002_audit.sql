-- D1's copy of the actors' audit trails: who did what. As with the journals,
-- the actors have the truth, and each record is one row written.
--
-- How far each trail has been copied is in `projections`, under the actor's
-- name and `/audit`.

-- Records, by the time-sorted id that each has for ever. Nothing changes but
-- `detail`, which a later record can erase.
CREATE TABLE audit (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,
    actor TEXT NOT NULL,          -- the organization's id, or the team's
    sequence INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    action TEXT NOT NULL,         -- the operation's name
    outcome TEXT NOT NULL,        -- done, denied or failed
    code TEXT,                    -- why it was denied or failed
    who TEXT,
    on_behalf_of TEXT,
    resource TEXT,
    reference TEXT,
    request TEXT,
    policies TEXT,                -- JSON: those that determined the decision
    policy_version INTEGER,
    erases TEXT,                  -- JSON: whose details went with it
    digest TEXT NOT NULL,         -- of the detail
    detail TEXT,                  -- JSON: what is personal; NULL when erased
    hash TEXT NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
