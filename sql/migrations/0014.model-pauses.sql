-- Which model was given up for a while because what it answered could not be used, reply after reply.
-- depends: 0013.source-alerts 0011.streams 0007.model-calls

CREATE TABLE model_pauses (
    role       text NOT NULL CHECK (role IN ('reader', 'writer', 'judge')),
    model      text NOT NULL,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    reason     text NOT NULL,
    last_call  bigint REFERENCES model_calls,
    run_id     text NOT NULL,
    PRIMARY KEY (role, model),
    CONSTRAINT pause_ends_after_it_began CHECK (until > since)
);
COMMENT ON TABLE model_pauses IS 'The last time that a model was given up in a role: nothing new is asked of it by a run whose clock stands before "until"; kept replies are used all the same. model: name@host, as in engine versions.';
COMMENT ON COLUMN model_pauses.last_call IS 'The newest call of the ledger at that moment: replies up to it were the reason once and are not counted again.';
