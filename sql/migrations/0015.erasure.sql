-- Erasure: what was deleted at its source is blanked everywhere, through one door; what is left of it is a tombstone.
-- depends: 0013.source-alerts  0011.streams

CREATE TABLE erasure_key (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret  bytea NOT NULL CHECK (length(secret) >= 32)
);
-- Thirty-two bytes of the server's strong random generator: gen_random_uuid() draws from it, without an extension.
INSERT INTO erasure_key (secret) SELECT sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) FROM generate_series(1, 8);
COMMENT ON TABLE erasure_key IS 'The key of every keyed hash of what was erased (HMAC-SHA-256), made with the table. It is in the database, and in its backups, because a restored newsroom must still refuse what was erased. Never published.';

CREATE TABLE tombstones (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('record', 'author', 'page')),
    platform        text NOT NULL CHECK (platform IN ('bluesky', 'reddit', 'news')),
    keyed_hash      text NOT NULL CHECK (keyed_hash ~ '^[0-9a-f]{64}$'),
    cause           text NOT NULL CHECK (cause IN ('source', 'request')),
    reason          text NOT NULL CHECK (reason <> ''),
    record_id       bigint UNIQUE REFERENCES records,
    erased_at       timestamptz NOT NULL,
    figures         jsonb NOT NULL DEFAULT '{}',
    run_id          text NOT NULL,
    CONSTRAINT record_is_named CHECK ((kind = 'record') = (record_id IS NOT NULL)),
    UNIQUE (kind, platform, keyed_hash)
);
COMMENT ON TABLE tombstones IS 'What was erased: a record for good, an article''s own page with it, or an author, of whom nothing more is stored. Holds no word, name, address or id of the source, only their keyed hash.';
COMMENT ON COLUMN tombstones.keyed_hash IS 'HMAC-SHA-256 under erasure_key of kind, platform and native id, author key or address: looked up at ingest.';
COMMENT ON COLUMN tombstones.cause IS 'source: it was deleted or taken down there; request: somebody asked, by `aidran erase`.';
COMMENT ON COLUMN tombstones.reason IS 'In words of the operator or of the source: deleted, takendown, suspended, deactivated, private.';
COMMENT ON COLUMN tombstones.figures IS 'How many rows of each kind were blanked.';

-- The one door: who opens it says so in this transaction, and every trigger below looks.
CREATE FUNCTION erasing() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('aidran.erasing', true), '') = 'on'
$$;
COMMENT ON FUNCTION erasing() IS 'Whether this transaction erases: SET LOCAL aidran.erasing = ''on''.';

CREATE FUNCTION stays_as_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT erasing() THEN
        RAISE EXCEPTION '%: rows stay as they were written; only erasure changes them', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Of what is sealed only words leave, through the same door: a subject, never a figure.
CREATE OR REPLACE FUNCTION sealed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    baseline bigint;
BEGIN
    IF erasing() AND TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
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

ALTER TABLE records ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN records.erased_at IS 'When it was erased: native id, author key and address are keyed hashes or empty from then on, day and moment stay for signals.';

ALTER TABLE record_versions ADD COLUMN erased_at timestamptz,
    DROP CONSTRAINT version_text_hash,
    ADD CONSTRAINT version_text_hash CHECK (
        (erased_at IS NULL AND text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
        OR (erased_at IS NOT NULL AND text = '' AND title IS NULL));
COMMENT ON COLUMN record_versions.erased_at IS 'When its text was blanked; text_sha256 is a keyed hash from then on, as a plain one would let a short text be guessed.';
CREATE TRIGGER stays_as_written BEFORE UPDATE OF record_id, number, title, text, text_sha256, erased_at OR DELETE ON record_versions
    FOR EACH ROW EXECUTE FUNCTION stays_as_written();

ALTER TABLE web_page_versions ADD COLUMN erased_at timestamptz,
    DROP CONSTRAINT web_page_versions_text_check,
    DROP CONSTRAINT page_text_hash,
    ADD CONSTRAINT page_text_hash CHECK (
        (erased_at IS NULL AND text <> '' AND text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
        OR (erased_at IS NOT NULL AND text = '' AND title IS NULL));
COMMENT ON COLUMN web_page_versions.erased_at IS 'When its text was blanked, as the article whose own page it is was erased.';
CREATE TRIGGER stays_as_written BEFORE UPDATE OF web_page_id, number, title, text, text_sha256, erased_at OR DELETE ON web_page_versions
    FOR EACH ROW EXECUTE FUNCTION stays_as_written();

ALTER TABLE payloads
    ADD COLUMN redacted_at timestamptz,
    ADD COLUMN redacted_sha256 text CHECK (redacted_sha256 ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT payload_redaction CHECK ((redacted_at IS NULL) = (redacted_sha256 IS NULL));
COMMENT ON COLUMN payloads.redacted_at IS 'When the stored bytes became a copy without what was erased. sha256 and byte_length stay those of the body as fetched; redacted_sha256 is that of the copy.';

-- A body leaves by expiry and may come again; other bytes under a key, or bytes cut out of a redacted copy, do not.
CREATE FUNCTION body_stays_as_fetched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.body IS NULL OR (OLD.body IS NULL AND OLD.redacted_at IS NULL))
       AND NEW.sha256 = OLD.sha256 AND NEW.byte_length = OLD.byte_length THEN
        RETURN NEW;
    END IF;
    IF NOT erasing() THEN
        RAISE EXCEPTION 'payload %: a body stays as it was fetched; only erasure changes it', OLD.sha256 USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER body_stays_as_fetched BEFORE UPDATE OF sha256, body, byte_length, redacted_at, redacted_sha256 OR DELETE ON payloads
    FOR EACH ROW EXECUTE FUNCTION body_stays_as_fetched();

ALTER TABLE articles ADD COLUMN renamed_at timestamptz;
COMMENT ON COLUMN articles.renamed_at IS 'When the slug lost words that were erased; nothing else changes it.';
CREATE TRIGGER stays_as_written BEFORE UPDATE OF day, topic, slug OR DELETE ON articles
    FOR EACH ROW EXECUTE FUNCTION stays_as_written();

CREATE TABLE former_slugs (
    keyed_hash  text PRIMARY KEY CHECK (keyed_hash ~ '^[0-9a-f]{64}$'),
    article_id  bigint NOT NULL REFERENCES articles,
    renamed_at  timestamptz NOT NULL
);
COMMENT ON TABLE former_slugs IS 'Slugs that held erased words, as keyed hashes: who types one is told where the story went.';

ALTER TABLE article_versions ADD COLUMN redacted_at timestamptz,
    ADD COLUMN withdraws boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT article_versions_article_id_content_hash_key,
    DROP CONSTRAINT article_versions_status_check,
    ADD CONSTRAINT article_versions_status_check CHECK (status IN ('published', 'withdrawn'));
-- What is told again without a source may come to what an older version said.
CREATE UNIQUE INDEX article_versions_content ON article_versions (article_id, content_hash) WHERE redacted_at IS NULL AND NOT withdraws;
COMMENT ON COLUMN article_versions.withdraws IS 'Whether this version was made because a source of the one before was erased: told again from the others, or withdrawn.';
COMMENT ON COLUMN article_versions.redacted_at IS 'When sentences of this version were blanked because a source was erased; content_hash is that of what is left.';
COMMENT ON COLUMN article_versions.status IS 'published; withdrawn: too little was left of the story after a source was erased, so that nothing stands in its place.';

ALTER TABLE fetches ADD COLUMN records_refused integer NOT NULL DEFAULT 0 CHECK (records_refused >= 0);
COMMENT ON COLUMN fetches.records_refused IS 'Records of this body that were erased before, or are of an author who was: not stored, and cut out of the stored body.';

CREATE TABLE source_lookups (
    record_id   bigint PRIMARY KEY REFERENCES records,
    asked_at    timestamptz NOT NULL,
    answer      text NOT NULL CHECK (answer IN ('there', 'gone', 'unknown')),
    next_at     timestamptz NOT NULL,
    fetch_id    bigint REFERENCES fetches,
    CONSTRAINT lookup_follows CHECK (next_at > asked_at)
);
COMMENT ON TABLE source_lookups IS 'When each cited record was last looked for at its source, and what was found; unknown: the source did not answer, which is no deletion.';
