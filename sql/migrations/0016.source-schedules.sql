-- How a source fares over time: its states, the addresses it moved to, and why its next check is when it is.
-- depends: 0013.source-alerts  0011.streams

ALTER TABLE sources
    ADD COLUMN check_seconds integer CHECK (check_seconds >= 0),
    ADD COLUMN check_why text;
COMMENT ON COLUMN sources.check_seconds IS 'Seconds from the last attempt to the next check, before jitter; null until a release that knows it has asked the source.';
COMMENT ON COLUMN sources.check_why IS 'Why so many, in words with their figures: its own trailing activity, failures in a row, what the server asked for.';

ALTER TABLE fetches ADD COLUMN consecutive_failures integer CHECK (consecutive_failures >= 0);
COMMENT ON COLUMN fetches.consecutive_failures IS 'Failed readings of the source in a row, this one included; 0 when the reading it belongs to succeeded; null before a release that knows it, and for pages.';

CREATE TABLE source_states (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id    text NOT NULL REFERENCES sources,
    state        text NOT NULL CHECK (state IN ('ok', 'quiet', 'failing', 'blocked', 'gone', 'unconfigured')),
    error_class  text,
    since        timestamptz NOT NULL
);
CREATE INDEX source_states_source ON source_states (source_id, since DESC, id DESC);
COMMENT ON TABLE source_states IS 'Each change of sources.status, in the transaction that made it: append-only. What a page says of a source at a moment is the last row up to it.';

CREATE TABLE source_moves (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id      text NOT NULL REFERENCES sources,
    from_url       text NOT NULL,
    to_url         text NOT NULL CHECK (to_url ~* '^https?://'),
    answers        integer NOT NULL CHECK (answers >= 1),
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    learned_at     timestamptz,
    ended_at       timestamptz,
    ended_why      text,
    CONSTRAINT move_end_has_its_reason CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
    CONSTRAINT move_goes_elsewhere CHECK (from_url <> to_url)
);
CREATE UNIQUE INDEX source_moves_learned ON source_moves (source_id) WHERE ended_at IS NULL AND learned_at IS NOT NULL;
CREATE UNIQUE INDEX source_moves_seen ON source_moves (source_id) WHERE ended_at IS NULL AND learned_at IS NULL;
COMMENT ON TABLE source_moves IS 'Permanent redirects of feeds. A row is opened by the first answer through one, counts the answers that follow, is learned when they are enough and old enough, and ends when the feed answers otherwise. While a learned row is open, its to_url is asked in place of the configured address, which stays as it is.';
COMMENT ON COLUMN source_moves.from_url IS 'The address that was asked: the configured one, or the learned one before it.';

-- What a source brought lately decides how often it is asked.
CREATE INDEX records_source ON records (source_id, published_at DESC);

INSERT INTO source_states (source_id, state, error_class, since)
SELECT id, status, last_error_class, last_attempt_at FROM sources
WHERE status <> 'new' AND last_attempt_at IS NOT NULL ORDER BY id;
