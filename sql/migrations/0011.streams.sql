-- Streams: how far each was read, what it never delivered, and what was withdrawn at its source.
-- depends: 0006.source-configurations

CREATE TABLE stream_positions (
    source_id   text PRIMARY KEY REFERENCES sources,
    url         text NOT NULL,
    cursor_us   bigint NOT NULL CHECK (cursor_us > 0),
    moved_at    timestamptz NOT NULL
);
COMMENT ON TABLE stream_positions IS 'Microseconds since 1970 of the last event read; written in the transaction that commits its records. Of another url it says nothing.';

CREATE TABLE source_gaps (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id   text NOT NULL REFERENCES sources,
    fetch_id    bigint NOT NULL REFERENCES fetches,
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('clamped', 'too_old')),
    CONSTRAINT gap_has_a_length CHECK (since < until),
    UNIQUE (source_id, since, until)
);
COMMENT ON TABLE source_gaps IS 'Periods that a stream no longer had when it was asked: unknown, not quiet. clamped: it began later than asked, without a word; too_old: it refused the cursor.';

CREATE TABLE source_withdrawals (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform     text NOT NULL CHECK (platform IN ('bluesky', 'reddit', 'news')),
    kind         text NOT NULL CHECK (kind IN ('post', 'account')),
    target       text NOT NULL CHECK (target <> ''),
    status       text NOT NULL CHECK (status IN ('deleted', 'takendown', 'suspended', 'deactivated', 'active', 'other')),
    happened_at  timestamptz NOT NULL,
    fetch_id     bigint NOT NULL REFERENCES fetches,
    noted_at     timestamptz NOT NULL,
    UNIQUE (platform, kind, target, happened_at)
);
CREATE INDEX source_withdrawals_target ON source_withdrawals (platform, kind, target, happened_at DESC);
COMMENT ON TABLE source_withdrawals IS 'What a source said of records and authors stored here: a post deleted, an account gone or back (active). The latest row of a target holds. Erasure reads it.';
COMMENT ON COLUMN source_withdrawals.target IS 'Native id of a post, author key of an account.';
