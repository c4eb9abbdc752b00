-- Web pages, articles, their sentences, citations and decisions.
-- depends: 0003.signals

CREATE TABLE web_pages (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    canonical_url  text NOT NULL UNIQUE CHECK (canonical_url ~* '^https?://'),
    host           text NOT NULL,
    next_check_at  timestamptz
);
COMMENT ON TABLE web_pages IS 'Pages that records link to, by canonical URL; what they said is kept as versions.';
CREATE TABLE web_page_versions (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    web_page_id     bigint NOT NULL REFERENCES web_pages,
    number          integer NOT NULL CHECK (number >= 1),
    title           text,
    site_name       text,
    published_at    timestamptz,
    text            text NOT NULL CHECK (text <> ''),
    text_sha256     text NOT NULL CHECK (text_sha256 ~ '^[0-9a-f]{64}$'),
    fetch_id        bigint NOT NULL REFERENCES fetches,
    extractor       text NOT NULL,
    run_id          text NOT NULL,
    UNIQUE (web_page_id, number),
    UNIQUE (web_page_id, text_sha256),
    CONSTRAINT page_text_hash CHECK (text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
);
COMMENT ON TABLE web_page_versions IS 'Readable text of a fetched page (extractor names library and version); offsets count its code points.';

CREATE TABLE topic_web_pages (
    day          date NOT NULL,
    topic        text NOT NULL REFERENCES topics,
    web_page_id  bigint NOT NULL REFERENCES web_pages,
    rank         integer NOT NULL CHECK (rank >= 1),
    links        integer NOT NULL CHECK (links >= 1),
    PRIMARY KEY (day, topic, web_page_id),
    UNIQUE (day, topic, rank)
);
COMMENT ON TABLE topic_web_pages IS 'The pages that the records of a topic''s evidence window link to most; links counts distinct linking authors.';

CREATE TABLE articles (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day    date NOT NULL,
    topic  text NOT NULL REFERENCES topics,
    slug   text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    UNIQUE (day, topic)
);
COMMENT ON TABLE articles IS 'A story of one topic and day; the slug is made from day, topic and the words of the first headline and never changes.';

CREATE TABLE article_versions (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article_id      bigint NOT NULL REFERENCES articles,
    number          integer NOT NULL CHECK (number >= 1),
    status          text NOT NULL DEFAULT 'published' CHECK (status IN ('published')),
    gates_passed    boolean NOT NULL,
    published_at    timestamptz NOT NULL,
    records_read    integer NOT NULL CHECK (records_read >= 0),
    records_cited   integer NOT NULL CHECK (records_cited >= 0),
    pages_cited     integer NOT NULL CHECK (pages_cited >= 0),
    warming_up      boolean NOT NULL,
    inputs          jsonb NOT NULL,
    engine          text NOT NULL,
    engine_version  text NOT NULL,
    judge           text NOT NULL,
    judge_version   text NOT NULL,
    input_hash      text NOT NULL,
    content_hash    text NOT NULL,
    run_id          text NOT NULL,
    UNIQUE (article_id, number),
    UNIQUE (article_id, content_hash),
    CONSTRAINT published_passed_its_gates CHECK (status <> 'published' OR gates_passed)
);
COMMENT ON TABLE article_versions IS 'Append-only versions. inputs: {"signals": [ids], "storylines": [ids], "earlier_versions": [ids], "window": [from, to], "gates": [{"gate", "passed"}]}.';

CREATE TABLE article_sentences (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article_version_id  bigint NOT NULL REFERENCES article_versions,
    ordinal             integer NOT NULL CHECK (ordinal >= 1),
    part                text NOT NULL CHECK (part IN ('headline', 'short_title', 'dek', 'heading', 'body', 'story_so_far', 'question', 'answer')),
    section             smallint NOT NULL DEFAULT 0,
    paragraph           smallint NOT NULL DEFAULT 0,
    kind                text NOT NULL CHECK (kind IN ('cited', 'synthesis')),
    text                text NOT NULL CHECK (text <> ''),
    facts               jsonb NOT NULL DEFAULT '[]',
    storyline_id        bigint REFERENCES storylines,
    UNIQUE (article_version_id, ordinal),
    UNIQUE (id, article_version_id)
);
COMMENT ON TABLE article_sentences IS 'The whole article, one row per sentence, in reading order. section: 1 to 3 for heading and body, 1 to 3 for question and answer, else 0.';
COMMENT ON COLUMN article_sentences.facts IS 'Counts and earlier stories that a synthesis sentence states, recomputed by the gates: [{"text", "kind", "value"}].';

CREATE TABLE sentence_rests_on (
    sentence_id         bigint NOT NULL,
    on_sentence_id      bigint NOT NULL REFERENCES article_sentences,
    article_version_id  bigint NOT NULL,
    PRIMARY KEY (sentence_id, on_sentence_id),
    FOREIGN KEY (sentence_id, article_version_id) REFERENCES article_sentences (id, article_version_id),
    CHECK (sentence_id <> on_sentence_id)
);
COMMENT ON TABLE sentence_rests_on IS 'What a synthesis sentence, headline, dek, heading or question names as its ground: cited sentences of this version, or for the story so far of an earlier published one.';

CREATE TABLE citations (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article_version_id   bigint NOT NULL REFERENCES article_versions,
    kind                 text NOT NULL CHECK (kind IN ('record', 'web')),
    number               integer NOT NULL CHECK (number >= 1),
    record_id            bigint REFERENCES records,
    record_version_id    bigint REFERENCES record_versions,
    web_page_version_id  bigint REFERENCES web_page_versions,
    weight               real NOT NULL CHECK (weight BETWEEN 0 AND 1),
    UNIQUE (article_version_id, kind, number),
    UNIQUE (article_version_id, record_id),
    UNIQUE (article_version_id, web_page_version_id),
    UNIQUE (id, article_version_id),
    CONSTRAINT citation_has_one_target CHECK (
        (kind = 'record' AND record_id IS NOT NULL AND record_version_id IS NOT NULL AND web_page_version_id IS NULL) OR
        (kind = 'web' AND record_id IS NULL AND record_version_id IS NULL AND web_page_version_id IS NOT NULL))
);
COMMENT ON TABLE citations IS 'What an article version cites: record versions numbered from 1 by first use, web page versions numbered apart (w1, w2, …).';
COMMENT ON COLUMN citations.weight IS 'The share of the article''s cited sentences (headline to answers) that use this citation, times its record''s topic score (1 for pages), scaled so that the largest is 1.';

CREATE TABLE sentence_citations (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sentence_id         bigint NOT NULL,
    citation_id         bigint NOT NULL,
    article_version_id  bigint NOT NULL,
    claim_id            bigint REFERENCES claims,
    quote               text NOT NULL CHECK (quote <> ''),
    start_at            integer NOT NULL CHECK (start_at >= 0),
    end_at              integer NOT NULL,
    support             text NOT NULL CHECK (support IN ('supported', 'partly', 'not')),
    score               real NOT NULL CHECK (score BETWEEN 0 AND 1),
    judge               text NOT NULL,
    judge_version       text NOT NULL,
    UNIQUE (sentence_id, citation_id, start_at),
    FOREIGN KEY (sentence_id, article_version_id) REFERENCES article_sentences (id, article_version_id),
    FOREIGN KEY (citation_id, article_version_id) REFERENCES citations (id, article_version_id),
    CONSTRAINT quote_offsets CHECK (end_at > start_at AND char_length(quote) = end_at - start_at)
);
CREATE INDEX sentence_citations_claim ON sentence_citations (claim_id);
COMMENT ON TABLE sentence_citations IS 'Each use of a citation: the quote relied on (within the claim''s span for records), offsets in the record or page version, and the support verdict.';

CREATE FUNCTION cited_quote_is_verbatim() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    target citations%ROWTYPE;
    source_text text;
    claim claims%ROWTYPE;
BEGIN
    SELECT * INTO target FROM citations WHERE id = NEW.citation_id;
    IF target.kind = 'record' THEN
        SELECT text INTO source_text FROM record_versions WHERE id = target.record_version_id;
        SELECT * INTO claim FROM claims WHERE id = NEW.claim_id;
        IF claim.id IS NULL OR claim.record_version_id <> target.record_version_id
           OR NEW.start_at < claim.start_at OR NEW.end_at > claim.end_at THEN
            RAISE EXCEPTION 'a record citation names a claim of the cited version that holds its quote (sentence %, claim %)',
                NEW.sentence_id, NEW.claim_id USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        SELECT text INTO source_text FROM web_page_versions WHERE id = target.web_page_version_id;
        IF NEW.claim_id IS NOT NULL THEN
            RAISE EXCEPTION 'a web citation names no claim (sentence %)', NEW.sentence_id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF substring(source_text FROM NEW.start_at + 1 FOR NEW.end_at - NEW.start_at) IS DISTINCT FROM NEW.quote THEN
        RAISE EXCEPTION 'cited quote is not the text of its source at %..% (sentence %)', NEW.start_at, NEW.end_at, NEW.sentence_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cited_quote_is_verbatim BEFORE INSERT OR UPDATE OF quote, start_at, end_at, citation_id, claim_id ON sentence_citations
    FOR EACH ROW EXECUTE FUNCTION cited_quote_is_verbatim();

CREATE TABLE editorial_decisions (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day                 date NOT NULL,
    topic               text NOT NULL REFERENCES topics,
    decision            text NOT NULL CHECK (decision IN ('published', 'withheld')),
    reasons             jsonb NOT NULL,
    numbers             jsonb NOT NULL,
    draft               jsonb,
    article_version_id  bigint REFERENCES article_versions,
    made_by             text NOT NULL DEFAULT 'pipeline' CHECK (made_by IN ('pipeline', 'human')),
    decided_at          timestamptz NOT NULL,
    engine              text NOT NULL,
    engine_version      text NOT NULL,
    input_hash          text NOT NULL,
    run_id              text NOT NULL,
    CONSTRAINT decision_matches CHECK ((decision = 'published') = (article_version_id IS NOT NULL)),
    CONSTRAINT withheld_has_reasons CHECK (decision = 'published' OR jsonb_array_length(reasons) > 0)
);
CREATE INDEX editorial_decisions_newest ON editorial_decisions (day, topic, id DESC);
COMMENT ON TABLE editorial_decisions IS 'Append-only; the newest row of a (day, topic) is in force. reasons: [{"gate", "rule", "detail"}]. A withheld draft is kept.';
