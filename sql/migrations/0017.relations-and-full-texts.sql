-- How posts refer to each other, the article pages whose text completes a feed's teaser, and look-ups of the labels that
-- say who asks not to be shown in public.
-- depends: 0013.source-alerts  0011.streams

CREATE TABLE record_relations (
    record_id  bigint NOT NULL REFERENCES records,
    kind       text NOT NULL CHECK (kind IN ('reply', 'thread', 'crosspost')),
    target     text NOT NULL CHECK (target <> ''),
    PRIMARY KEY (record_id, kind)
);
CREATE INDEX record_relations_target ON record_relations (target);
COMMENT ON TABLE record_relations IS 'What a post answers (reply), the post under which it stands (thread), the post it passes on (crosspost).';
COMMENT ON COLUMN record_relations.target IS 'Native id on the same platform; the post itself need not be stored.';

CREATE TABLE record_page_texts (
    record_version_id    bigint PRIMARY KEY REFERENCES record_versions,
    completes            bigint NOT NULL REFERENCES record_versions,
    web_page_version_id  bigint NOT NULL REFERENCES web_page_versions,
    CONSTRAINT another_version CHECK (completes <> record_version_id)
);
CREATE INDEX record_page_texts_completes ON record_page_texts (completes);
COMMENT ON TABLE record_page_texts IS 'Record versions whose text is that of the article''s own page: the title of the feed''s version that they complete, a blank line, the page''s text. Their first fetch is the page''s.';

ALTER TABLE fetches DROP CONSTRAINT fetches_purpose_check,
    ADD CONSTRAINT fetches_purpose_check CHECK (purpose IN ('source', 'page', 'session', 'labels')),
    DROP CONSTRAINT fetch_ok_has_body,
    ADD CONSTRAINT fetch_ok_has_body CHECK (outcome <> 'ok' OR payload_sha256 IS NOT NULL OR purpose IN ('session', 'labels'));

ALTER TABLE source_withdrawals DROP CONSTRAINT source_withdrawals_status_check,
    ADD CONSTRAINT source_withdrawals_status_check
    CHECK (status IN ('deleted', 'takendown', 'suspended', 'deactivated', 'private', 'active', 'other'));
COMMENT ON TABLE source_withdrawals IS 'What a source said of records and authors stored here: a post deleted or taken down, an account gone, asking not to be shown (private), or back (active). The latest row of a target holds. Erasure reads it.';

-- A record whose text is its page's was brought by its source all the same.
CREATE OR REPLACE VIEW citation_lineage AS
SELECT a.slug, a.day, a.topic, av.id AS article_version_id, av.number AS article_version, av.run_id AS article_run_id,
       s.id AS sentence_id, s.ordinal, s.part, s.section, s.text AS sentence,
       c.id AS citation_id, c.kind, c.number AS citation_number,
       CASE c.kind WHEN 'record' THEN c.number::text ELSE 'w' || c.number END AS marker,
       c.weight, sc.id AS use_id, sc.quote, sc.start_at, sc.end_at, sc.support, sc.score, sc.judge, sc.judge_version,
       sc.claim_id, cl.run_id AS claim_run_id, cl.engine AS claim_engine, cl.engine_version AS claim_engine_version,
       r.id AS record_id, r.platform, r.native_id, r.author_name, r.publisher, r.community, r.published_at AS record_published_at, r.day AS record_day,
       rv.id AS record_version_id, rv.number AS record_version, rv.run_id AS record_run_id,
       w.id AS web_page_id, wv.id AS web_page_version_id, wv.number AS web_page_version, wv.extractor,
       wv.run_id AS page_run_id,
       COALESCE(r.url, w.canonical_url) AS url,
       COALESCE(rv.text, wv.text) AS source_text, COALESCE(rv.text_sha256, wv.text_sha256) AS text_sha256,
       COALESCE(rv.title, wv.title) AS title,
       f.id AS fetch_id, f.url AS fetch_url, f.requested_at AS fetched_at, f.http_status, f.payload_sha256, f.run_id AS fetch_run_id,
       p.byte_length, p.expired_at, src.id AS source_id, src.kind AS source_kind
FROM sentence_citations sc
JOIN article_sentences s ON s.id = sc.sentence_id
JOIN article_versions av ON av.id = s.article_version_id
JOIN articles a ON a.id = av.article_id
JOIN citations c ON c.id = sc.citation_id
LEFT JOIN claims cl ON cl.id = sc.claim_id
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN records r ON r.id = c.record_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
LEFT JOIN web_pages w ON w.id = wv.web_page_id
JOIN fetches f ON f.id = COALESCE(rv.first_fetch_id, wv.fetch_id)
LEFT JOIN payloads p ON p.sha256 = f.payload_sha256
LEFT JOIN sources src ON src.id = COALESCE(f.source_id, r.source_id);
