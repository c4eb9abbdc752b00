-- More kinds of signals than one: what a signal is about, how many kinds were tested beside it, and the entities that
-- records name.
-- depends: 0013.source-alerts 0011.streams 0003.signals

ALTER TABLE baselines ADD COLUMN kinds integer NOT NULL DEFAULT 1 CHECK (kinds >= 1);
COMMENT ON COLUMN baselines.kinds IS 'By what a p-value is multiplied for the kinds tested on one topic (weighted): notable holds after it. 1 in rows older than this column.';
COMMENT ON COLUMN baselines.tests IS 'By what a p-value is multiplied for all topics and story kinds tested that day (topics times kinds): with series and kinds all that a replay needs. A warning counts topics alone.';
COMMENT ON TABLE baselines IS 'What a day was compared with, signal or not: one row per (topic, day, kind). series: [{"day", "count", …}], oldest first, the day itself last; count null: unknown; further keys are the kind''s own. Never changed once sealed.';

ALTER TABLE signals ADD COLUMN subject text CHECK (subject <> '');
COMMENT ON COLUMN signals.subject IS 'What the change is about, where the kind names something: an entity, the way a storyline went.';
COMMENT ON COLUMN signals.p_value IS 'Upper tail, corrected for all that was tested that day (baselines.tests); p_uncorrected for the kind''s own windows and subjects only.';

-- Null until the entities of the wording were read; else the version of the table and its reader.
ALTER TABLE record_analysis ADD COLUMN entities_version text;
COMMENT ON COLUMN record_analysis.entities_version IS 'By which version of reader and table the entities of this wording were read; null: not yet.';

-- Since when an account is known here: coordinated posting asks.
CREATE INDEX records_author ON records (platform, author_key, day);

CREATE TABLE record_entities (
    record_id           bigint NOT NULL REFERENCES records,
    entity              text NOT NULL CHECK (entity <> ''),
    kind                text NOT NULL CHECK (kind IN ('organisation', 'person', 'product', 'model')),
    record_version_id   bigint NOT NULL REFERENCES record_versions,
    day                 date NOT NULL,
    mentions            integer NOT NULL CHECK (mentions >= 1),
    engine_version      text NOT NULL,
    run_id              text NOT NULL,
    PRIMARY KEY (record_id, entity)
);
CREATE INDEX record_entities_day ON record_entities (day, entity);
COMMENT ON TABLE record_entities IS 'Which organisations, people, products and models of config/entities.yaml a record names, by canonical name, from its newest version.';
