-- Codes by which somebody links their account in a chat, until they are used:
-- one for each member and channel.
CREATE TABLE chat_links (
    organization TEXT NOT NULL,
    channel TEXT NOT NULL,
    member TEXT NOT NULL,
    code TEXT NOT NULL,           -- its SHA-256
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (organization, channel, member)
) STRICT, WITHOUT ROWID;
