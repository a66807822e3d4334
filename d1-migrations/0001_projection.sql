-- D1's copy of the actors' journals: for reading and reporting. All of it can
-- be rebuilt from the journals; nothing here is the truth about credits.
--
-- Rows written dominate the bill, so every table is WITHOUT ROWID (no second
-- row for its key) and has no index beside its primary key.

-- Entries, by the time-sorted id that each has for ever.
CREATE TABLE entries (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,
    actor TEXT NOT NULL,          -- the organization's id, or the team's
    sequence INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount INTEGER NOT NULL,      -- millicredits
    reference TEXT NOT NULL,
    who TEXT NOT NULL,
    call TEXT,                    -- JSON: what a call was
    note TEXT,
    hash TEXT NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;

-- What was used, by hour and by everything that reports group by.
CREATE TABLE usage_hours (
    organization TEXT NOT NULL,
    hour_ms INTEGER NOT NULL,     -- start of the hour, UTC
    team TEXT NOT NULL,
    member TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    tag TEXT NOT NULL,            -- '' for none
    requests INTEGER NOT NULL,
    failed INTEGER NOT NULL,      -- of them, released without a cost
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,        -- millicredits
    PRIMARY KEY (organization, hour_ms, team, member, key, model, provider, tag)
) STRICT, WITHOUT ROWID;

-- How far each actor's journal has been copied: without gaps up to
-- `applied_through`. `last_sequence` is the furthest that was heard of.
CREATE TABLE projections (
    actor TEXT NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL,
    applied_through INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which organizations there are.
CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that the queue gave up on. Kept until somebody removes them; what
-- they carried is sent again by the cron that compares journals.
CREATE TABLE dead_letters (
    id TEXT NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    organization TEXT,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the cron that compares journals goes on.
CREATE TABLE cursors (
    name TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;
