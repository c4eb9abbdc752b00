-- What came of each reading by a model: a record version is read once per engine version, also when it gave nothing, and
-- what the server could not answer is asked again while what the model could not do is not.
-- depends: 0006.source-configurations

CREATE TABLE claim_readings (
    record_version_id  bigint NOT NULL REFERENCES record_versions,
    engine_version     text NOT NULL,
    outcome            text NOT NULL CHECK (outcome IN ('read', 'contract', 'unavailable')),
    failure            text,
    alone              text[] NOT NULL DEFAULT '{}',
    asked              smallint NOT NULL CHECK (asked >= 1),
    claims             smallint NOT NULL CHECK (claims >= 0),
    dropped            jsonb NOT NULL DEFAULT '{}',
    changed            jsonb NOT NULL DEFAULT '{}',
    input_hash         text NOT NULL,
    run_id             text NOT NULL,
    PRIMARY KEY (record_version_id, engine_version),
    CONSTRAINT reading_failed_for_a_reason CHECK ((outcome = 'read') = (failure IS NULL)),
    CONSTRAINT reading_failed_has_no_claims CHECK (outcome = 'read' OR claims = 0)
);
COMMENT ON TABLE claim_readings IS 'One row per record version and version of the reading model. read: its claims stand in claims; contract: the record by itself made the model break its contract, not asked again; unavailable: the server did not answer, asked again by the next run. Where it was not read, the extractive engine''s claims stand in.';
COMMENT ON COLUMN claim_readings.alone IS 'Rules by which the text speaks to an assistant: it was read in a call of its own and only its own words count.';
COMMENT ON COLUMN claim_readings.asked IS 'How many requests held the record before it was settled.';
COMMENT ON COLUMN claim_readings.dropped IS 'Claims of the model that were not kept, counted by reason: {"not found": 1}.';
COMMENT ON COLUMN claim_readings.changed IS 'Parts of claims that were not believed, counted by reason: {"statement replaced: facts": 1}.';
