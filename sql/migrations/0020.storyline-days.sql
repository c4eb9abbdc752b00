-- What becomes of storylines over days: their state each day, and which records moved when two merged or one split.
-- depends: 0013.source-alerts 0011.streams

ALTER TABLE storylines
    ADD COLUMN merged_into bigint REFERENCES storylines,
    ADD COLUMN merged_on   date,
    ADD COLUMN split_from  bigint REFERENCES storylines,
    ADD COLUMN split_on    date,
    ADD CONSTRAINT storyline_merged CHECK ((merged_into IS NULL) = (merged_on IS NULL) AND merged_into <> id),
    ADD CONSTRAINT storyline_split CHECK ((split_from IS NULL) = (split_on IS NULL) AND split_from <> id);
COMMENT ON COLUMN storylines.merged_into IS 'The storyline that goes on with its records since merged_on; the id itself stays, so that what was published under it still leads somewhere.';
COMMENT ON COLUMN storylines.split_from IS 'The storyline that it came off on split_on, with the records that were its own.';

-- A storyline merges once, into one that lives: chains of heirs have an end.
CREATE FUNCTION storyline_heir_lives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.merged_into IS NOT NULL
       AND (NEW.merged_into, NEW.merged_on) IS DISTINCT FROM (OLD.merged_into, OLD.merged_on) THEN
        RAISE EXCEPTION 'storyline % merged into % for good', OLD.id, OLD.merged_into USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.merged_into IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.merged_into IS NULL)
       AND EXISTS (SELECT FROM storylines h WHERE h.id = NEW.merged_into AND h.merged_into IS NOT NULL) THEN
        RAISE EXCEPTION 'storyline % cannot merge into %, which has an heir itself', NEW.id, NEW.merged_into
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER storyline_heir_lives BEFORE INSERT OR UPDATE OF merged_into, merged_on ON storylines
    FOR EACH ROW EXECUTE FUNCTION storyline_heir_lives();

CREATE FUNCTION storyline_is_living() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM storylines s WHERE s.id = NEW.storyline_id AND s.merged_into IS NOT NULL) THEN
        RAISE EXCEPTION 'storyline % has merged: its heir takes record %', NEW.storyline_id, NEW.record_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER storyline_is_living BEFORE INSERT OR UPDATE OF storyline_id ON storyline_records
    FOR EACH ROW EXECUTE FUNCTION storyline_is_living();

CREATE TABLE storyline_moves (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_id       bigint NOT NULL REFERENCES records,
    day             date NOT NULL,
    from_storyline  bigint NOT NULL REFERENCES storylines,
    to_storyline    bigint NOT NULL REFERENCES storylines,
    reason          text NOT NULL CHECK (reason IN ('merged', 'split')),
    run_id          text NOT NULL,
    CHECK (from_storyline <> to_storyline)
);
CREATE INDEX storyline_moves_record ON storyline_moves (record_id, day, id);
COMMENT ON TABLE storyline_moves IS 'Each record that changed its storyline, and on which day: with storyline_records the membership of every past day.';

CREATE TABLE storyline_days (
    storyline_id    bigint NOT NULL REFERENCES storylines,
    day             date NOT NULL,
    topic           text NOT NULL REFERENCES topics,
    state           text NOT NULL CHECK (state IN ('new', 'split', 'developing', 'fading', 'ended', 'merged')),
    records         integer NOT NULL CHECK (records >= 0),
    voices          integer NOT NULL CHECK (voices BETWEEN 0 AND records),
    authors         integer NOT NULL CHECK (authors BETWEEN 0 AND records),
    platforms       integer NOT NULL CHECK (platforms BETWEEN 0 AND records),
    share           double precision NOT NULL CHECK (share BETWEEN 0 AND 1),
    since           date NOT NULL CHECK (since <= day),
    last_active     date NOT NULL CHECK (last_active BETWEEN since AND day),
    heir            bigint REFERENCES storylines,
    parent          bigint REFERENCES storylines,
    engine_version  text NOT NULL,
    input_hash      text NOT NULL,
    run_id          text NOT NULL,
    PRIMARY KEY (storyline_id, day),
    CHECK ((state = 'merged') = (heir IS NOT NULL)),
    CHECK ((state = 'split') = (parent IS NOT NULL)),
    CHECK (state NOT IN ('ended', 'merged') OR records = 0)
);
CREATE INDEX storyline_days_topic ON storyline_days (topic, day);
COMMENT ON TABLE storyline_days IS 'What became of a storyline on a day, from the membership of that day. new: its first day; split: it came off its parent; developing: told again; fading: silent, or no more than half as loud as at its height within the window; ended: no record within the window any more; merged: its records went to its heir.';
COMMENT ON COLUMN storyline_days.records IS 'Records of that day, copies included; voices: distinct texts; authors: distinct ones.';
COMMENT ON COLUMN storyline_days.share IS 'Its voices among those of all storylines of its topic that day.';
COMMENT ON COLUMN storyline_days.since IS 'The first day of any of its records, as known that day: "developing since".';

CREATE FUNCTION storyline_members(as_of date)
RETURNS TABLE (storyline_id bigint, record_id bigint, day date, weight real) LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT m.from_storyline FROM storyline_moves m WHERE m.record_id = sr.record_id AND m.day > as_of
                     ORDER BY m.day, m.id LIMIT 1), sr.storyline_id),
           sr.record_id, sr.day, sr.weight
    FROM storyline_records sr
$$;
COMMENT ON FUNCTION storyline_members(date) IS 'Which record was about which storyline at the end of a day: moves of later days undone.';

CREATE FUNCTION storyline_heirs(as_of date) RETURNS TABLE (storyline_id bigint, heir bigint) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT s.id AS storyline_id, s.id AS heir FROM storylines s
        UNION ALL
        SELECT c.storyline_id, s.merged_into FROM chain c JOIN storylines s ON s.id = c.heir
        WHERE s.merged_into IS NOT NULL AND s.merged_on <= as_of
    )
    SELECT c.storyline_id, c.heir FROM chain c JOIN storylines s ON s.id = c.heir
    WHERE s.merged_into IS NULL OR s.merged_on > as_of
$$;
COMMENT ON FUNCTION storyline_heirs(date) IS 'Which storyline goes on with which at the end of a day: itself, or the heir of its heirs.';
