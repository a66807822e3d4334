-- What came of reading calendars that say when people are away, and how far each
-- was read. Nothing here decides about credits: what a calendar says is ordered
-- of the teams' actors.
CREATE TABLE calendar_reads (
    organization TEXT NOT NULL,
    calendar TEXT NOT NULL,
    tag TEXT NOT NULL,             -- of the configuration it was read by
    read_ms INTEGER NOT NULL,      -- when it was asked last
    whole_ms INTEGER NOT NULL,     -- when all of it was read last
    next_ms INTEGER NOT NULL,      -- when it is asked next
    validators TEXT NOT NULL,      -- JSON: by which it is asked for changes only
    told TEXT NOT NULL,            -- JSON: the members of whom it has said something
    error TEXT,
    skipped TEXT NOT NULL,         -- JSON: what could not be read of it
    unknown TEXT NOT NULL,         -- JSON: names of people who are no members
    PRIMARY KEY (organization, calendar)
) STRICT, WITHOUT ROWID;
