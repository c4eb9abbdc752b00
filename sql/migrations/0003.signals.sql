-- Measured changes per topic and day.
-- depends: 0002.analysis-and-claims

CREATE TABLE baselines (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text NOT NULL REFERENCES topics,
    day             date NOT NULL,
    kind            text NOT NULL,
    series          jsonb NOT NULL,
    history_days    integer NOT NULL CHECK (history_days >= 0),
    tests           integer NOT NULL CHECK (tests >= 1),
    outcome         text NOT NULL CHECK (outcome IN ('signal', 'quiet', 'thin', 'warming_up', 'unknown')),
    sealed_at       timestamptz,
    backfilled      boolean NOT NULL DEFAULT false,
    coverage        jsonb NOT NULL,
    engine_version  text NOT NULL,
    input_hash      text NOT NULL,
    run_id          text NOT NULL,
    UNIQUE (topic, day, kind),
    UNIQUE (id, topic, day, kind)
);
COMMENT ON TABLE baselines IS 'What a day was compared with, signal or not: one row per (topic, day, kind). series: [{"day", "count", "total", "share", "coverage"}], oldest first, the day itself last; count null: unknown. Never changed once sealed.';
COMMENT ON COLUMN baselines.tests IS 'How many topics were tested that day: with the series all that a replay needs.';
COMMENT ON COLUMN baselines.outcome IS 'signal: a change with enough evidence; thin: a change without; quiet: no change; warming_up: too few days of history; unknown: sources were down, which is not quiet.';
COMMENT ON COLUMN baselines.coverage IS '{"sources": n, "reached": n, "compared": n, "volume": share of the topic''s usual volume that the reached sources carry, "analysed": share of the day''s records, "unknown": [source ids, largest first], "healthy": bool}';
COMMENT ON COLUMN baselines.sealed_at IS 'When the edition of that day ran; records first seen later are late.';

CREATE TABLE signals (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    baseline_id      bigint NOT NULL UNIQUE,
    topic            text NOT NULL REFERENCES topics,
    day              date NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('volume_spike', 'novelty', 'sentiment_shift', 'platform_divergence',
                         'entity_surge', 'narrative_shift', 'cross_platform_spread', 'coordinated_posting')),
    observed         double precision NOT NULL,
    expected         double precision NOT NULL,
    score            double precision NOT NULL,
    p_value          double precision NOT NULL CHECK (p_value BETWEEN 0 AND 1),
    p_uncorrected    double precision NOT NULL CHECK (p_uncorrected BETWEEN 0 AND 1),
    severity         text NOT NULL CHECK (severity IN ('notable', 'strong', 'severe')),
    records          integer NOT NULL CHECK (records >= 0),
    authors          integer NOT NULL CHECK (authors >= 0),
    families         integer NOT NULL CHECK (families >= 0),
    backfilled       boolean NOT NULL DEFAULT false,
    engine_version   text NOT NULL,
    input_hash       text NOT NULL,
    run_id           text NOT NULL,
    UNIQUE (topic, day, kind),
    CONSTRAINT signal_of_its_baseline FOREIGN KEY (baseline_id, topic, day, kind) REFERENCES baselines (id, topic, day, kind)
);
COMMENT ON TABLE signals IS 'A measured change of one topic on one day that met its minimum evidence.';
COMMENT ON COLUMN signals.records IS 'Distinct voices: copies of one text count once, as do their authors and families.';
COMMENT ON COLUMN signals.p_value IS 'Upper tail, corrected for the number of topics tested that day; p_uncorrected is not.';
COMMENT ON COLUMN signals.expected IS 'In the unit of observed, by the baseline.';

CREATE TABLE signal_evidence (
    signal_id  bigint NOT NULL REFERENCES signals ON DELETE CASCADE,
    record_id  bigint NOT NULL REFERENCES records,
    weight     real NOT NULL CHECK (weight BETWEEN 0 AND 1),
    PRIMARY KEY (signal_id, record_id)
);
COMMENT ON TABLE signal_evidence IS 'The records that are the change, weighted by topic score; copies of one text share the weight of one.';

CREATE FUNCTION sealed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    baseline bigint;
BEGIN
    IF TG_TABLE_NAME = 'baselines' THEN
        baseline := OLD.id;
    ELSIF TG_TABLE_NAME = 'signals' THEN
        baseline := CASE TG_OP WHEN 'DELETE' THEN OLD.baseline_id ELSE NEW.baseline_id END;
    ELSE
        SELECT s.baseline_id INTO baseline FROM signals s
        WHERE s.id = CASE TG_OP WHEN 'DELETE' THEN OLD.signal_id ELSE NEW.signal_id END;
    END IF;
    IF EXISTS (SELECT FROM baselines b WHERE b.id = baseline AND b.sealed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'baseline % is sealed: neither it, nor its signal, nor its evidence changes any more', baseline
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER sealed_stays BEFORE UPDATE OR DELETE ON baselines FOR EACH ROW EXECUTE FUNCTION sealed_stays();
CREATE TRIGGER sealed_stays BEFORE INSERT OR UPDATE OR DELETE ON signals FOR EACH ROW EXECUTE FUNCTION sealed_stays();
CREATE TRIGGER sealed_stays BEFORE INSERT OR UPDATE OR DELETE ON signal_evidence FOR EACH ROW EXECUTE FUNCTION sealed_stays();
