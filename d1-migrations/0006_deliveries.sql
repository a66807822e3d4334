-- What people are to be told of, on its way to the queue: written with what it
-- tells of, removed once everybody who is told has a row in `deliveries`.
CREATE TABLE notices (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,             -- the record's or the entry's
    time_ms INTEGER NOT NULL,
    about TEXT NOT NULL,          -- JSON
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;

-- One message to one person by one channel. The row is there, and claimed,
-- before anything is sent: so nothing is told twice.
CREATE TABLE deliveries (
    organization TEXT NOT NULL,
    id TEXT NOT NULL,             -- the event, the channel and the member
    channel TEXT NOT NULL,
    member TEXT,                  -- NULL where a channel is nobody's own
    event TEXT NOT NULL,          -- JSON
    replaces TEXT,                -- the message that it takes the place of
    repeatable INTEGER NOT NULL,  -- whether the provider knows what is sent twice
    state TEXT NOT NULL,          -- waiting, sending, sent, failed or uncertain
    attempts INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    reference TEXT,               -- the provider's, of what was sent
    error TEXT,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;

-- Whose account in a chat is whose: found by the address, and only as long as
-- the member has that address.
CREATE TABLE chat_accounts (
    organization TEXT NOT NULL,
    channel TEXT NOT NULL,
    member TEXT NOT NULL,
    email TEXT NOT NULL,
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    PRIMARY KEY (organization, channel, member)
) STRICT, WITHOUT ROWID;

-- What came from chats in the last day, so that nothing works twice.
CREATE TABLE chat_requests (
    organization TEXT NOT NULL,
    channel TEXT NOT NULL,
    id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (organization, channel, id)
) STRICT, WITHOUT ROWID;
