-- How records speak: the tone of each wording and where it stands towards AI, with what is not known left open.
-- depends: 0013.source-alerts 0011.streams 0002.analysis-and-claims

CREATE TABLE record_sentiments (
    record_version_id     bigint NOT NULL REFERENCES record_versions,
    engine_version        text NOT NULL,
    day                   date NOT NULL,
    balance               smallint NOT NULL CHECK (balance BETWEEN -1000 AND 1000),
    sentiment             text CHECK (sentiment IN ('negative', 'neutral', 'positive')),
    sentiment_confidence  real NOT NULL CHECK (sentiment_confidence BETWEEN 0 AND 1),
    stance_balance        smallint NOT NULL CHECK (stance_balance BETWEEN -1000 AND 1000),
    stance                text CHECK (stance IN ('supportive', 'critical', 'neutral')),
    stance_confidence     real NOT NULL CHECK (stance_confidence BETWEEN 0 AND 1),
    engine                text NOT NULL,
    input_hash            text NOT NULL,
    run_id                text NOT NULL,
    PRIMARY KEY (record_version_id, engine_version)
);
CREATE INDEX record_sentiments_day ON record_sentiments (day, engine_version);
COMMENT ON TABLE record_sentiments IS 'Tone and stance of English wordings about AI, one row per wording and version of the method; what an older method said stays. A weak method: its measured accuracy stands in docs/analyst.md and in the metadata of the asset analyzed_records.';
COMMENT ON COLUMN record_sentiments.balance IS 'Probability of positive less that of negative, in thousandths: what days are compared by. Known for every row, also where no label is given.';
COMMENT ON COLUMN record_sentiments.sentiment IS 'The likeliest label, null where it is not likely enough.';
COMMENT ON COLUMN record_sentiments.sentiment_confidence IS 'The probability of the likeliest label, given or not.';
COMMENT ON COLUMN record_sentiments.stance_balance IS 'Probability of supportive less that of critical, in thousandths.';
COMMENT ON COLUMN record_sentiments.stance IS 'Towards AI, its makers or its use; null where unclear.';
