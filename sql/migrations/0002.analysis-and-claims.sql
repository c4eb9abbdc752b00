-- Analysed records: language, duplicates, embeddings, topics, storylines, claims.
-- depends: 0001.sources-and-records

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE record_analysis (
    record_version_id  bigint PRIMARY KEY REFERENCES record_versions,
    day                date NOT NULL,
    lang               text NOT NULL,
    lang_confidence    real NOT NULL,
    ai_score           real NOT NULL CHECK (ai_score BETWEEN 0 AND 1),
    about_ai           boolean NOT NULL,
    engine             text NOT NULL,
    engine_version     text NOT NULL,
    input_hash         text NOT NULL,
    run_id             text NOT NULL
);
CREATE INDEX record_analysis_day ON record_analysis (day);
COMMENT ON TABLE record_analysis IS 'What was decided about the wording of each record; about_ai false means "none of the topics".';

CREATE TABLE record_embeddings (
    text_sha256  text NOT NULL,
    model        text NOT NULL,
    embedding    vector(384) NOT NULL,
    PRIMARY KEY (text_sha256, model)
);
COMMENT ON TABLE record_embeddings IS 'Sentence embeddings, unit length, cached by the hash of the text and the model with its version.';

CREATE TABLE record_topics (
    record_id          bigint NOT NULL REFERENCES records,
    topic              text NOT NULL REFERENCES topics,
    record_version_id  bigint NOT NULL REFERENCES record_versions,
    day                date NOT NULL,
    rank               smallint NOT NULL CHECK (rank BETWEEN 1 AND 3),
    score              real NOT NULL CHECK (score BETWEEN 0 AND 1),
    engine_version     text NOT NULL,
    run_id             text NOT NULL,
    PRIMARY KEY (record_id, topic),
    UNIQUE (record_id, rank)
);
CREATE INDEX record_topics_topic_day ON record_topics (topic, day);
COMMENT ON TABLE record_topics IS 'Up to three topics per record, from its newest version; rank 1 is the best.';

CREATE TABLE duplicate_groups (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    representative  bigint NOT NULL UNIQUE REFERENCES records,
    first_day       date NOT NULL,
    size            integer NOT NULL CHECK (size >= 2),
    engine_version  text NOT NULL,
    run_id          text NOT NULL
);
CREATE TABLE duplicate_members (
    record_id   bigint PRIMARY KEY REFERENCES records,
    group_id    bigint NOT NULL REFERENCES duplicate_groups,
    similarity  real NOT NULL CHECK (similarity BETWEEN 0 AND 1)
);
CREATE INDEX duplicate_members_group ON duplicate_members (group_id);
COMMENT ON TABLE duplicate_members IS 'Which record belongs to which group of near-identical texts, with its similarity to the representative.';
COMMENT ON TABLE duplicate_groups IS 'Near-identical texts: one voice however often it was copied. The representative is the earliest.';

CREATE TABLE storylines (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text NOT NULL REFERENCES topics,
    kind            text NOT NULL CHECK (kind IN ('event', 'theme')),
    label           text NOT NULL,
    terms           jsonb NOT NULL,
    first_day       date NOT NULL,
    last_day        date NOT NULL,
    engine_version  text NOT NULL,
    input_hash      text NOT NULL,
    run_id          text NOT NULL,
    CHECK (first_day <= last_day)
);
CREATE INDEX storylines_topic ON storylines (topic, last_day);
COMMENT ON TABLE storylines IS 'An event (same actors, numbers and dates) or theme that several records are about; the id stays over days, one topic owns it.';
COMMENT ON COLUMN storylines.terms IS 'Its salient terms, strongest first: [{"term": text, "kind": "name"|"number"|"phrase", "weight": number}].';

CREATE TABLE storyline_records (
    storyline_id  bigint NOT NULL REFERENCES storylines,
    record_id     bigint NOT NULL REFERENCES records,
    day           date NOT NULL,
    weight        real NOT NULL CHECK (weight BETWEEN 0 AND 1),
    PRIMARY KEY (storyline_id, record_id)
);
CREATE UNIQUE INDEX storyline_records_record ON storyline_records (record_id);
COMMENT ON TABLE storyline_records IS 'Which record is about which storyline; a record is about one at most.';
COMMENT ON COLUMN storyline_records.weight IS 'Centrality: mean similarity to the other members, 0 to 1.';

CREATE TABLE claims (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_version_id  bigint NOT NULL REFERENCES record_versions,
    start_at           integer NOT NULL CHECK (start_at >= 0),
    end_at             integer NOT NULL,
    quote              text NOT NULL CHECK (quote <> ''),
    statement          text NOT NULL,
    kind               text NOT NULL CHECK (kind IN ('statement', 'headline', 'figure', 'announcement', 'opinion', 'prediction', 'advice', 'question')),
    speaker            text,
    stance             text CHECK (stance IN ('supportive', 'critical', 'neutral')),
    checkworthiness    real NOT NULL CHECK (checkworthiness BETWEEN 0 AND 1),
    entities           jsonb NOT NULL DEFAULT '[]',
    engine             text NOT NULL,
    engine_version     text NOT NULL,
    input_hash         text NOT NULL,
    run_id             text NOT NULL,
    superseded_at      timestamptz,
    UNIQUE (record_version_id, start_at, end_at, engine_version),
    CONSTRAINT claim_offsets CHECK (end_at > start_at AND char_length(quote) = end_at - start_at)
);
CREATE INDEX claims_version ON claims (record_version_id);
COMMENT ON TABLE claims IS 'Check-worthy statements; quote = substring(text from start_at + 1 for end_at - start_at) of the version, in its own characters.';
COMMENT ON COLUMN claims.speaker IS 'Who says it: a person or body named in the text, else null (the author or outlet speaks).';
COMMENT ON COLUMN claims.entities IS 'Names and figures in the quote: [{"text": text, "kind": "name"|"number"|"date"|"money"|"percent"}].';
COMMENT ON COLUMN claims.stance IS 'Only where it is plain, else null.';

CREATE FUNCTION claim_quote_is_verbatim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM record_versions v WHERE v.id = NEW.record_version_id
                   AND substring(v.text FROM NEW.start_at + 1 FOR NEW.end_at - NEW.start_at) = NEW.quote) THEN
        RAISE EXCEPTION 'claim quote is not the text of record version % at %..%', NEW.record_version_id, NEW.start_at, NEW.end_at
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_quote_is_verbatim BEFORE INSERT OR UPDATE OF record_version_id, start_at, end_at, quote ON claims
    FOR EACH ROW EXECUTE FUNCTION claim_quote_is_verbatim();
