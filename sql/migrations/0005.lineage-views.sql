-- The whole chain of every citation, for both kinds.
-- depends: 0004.web-pages-and-articles

CREATE VIEW current_article_versions AS
SELECT DISTINCT ON (article_id) * FROM article_versions WHERE status = 'published' ORDER BY article_id, number DESC;
COMMENT ON VIEW current_article_versions IS 'The newest published version of each article.';

CREATE VIEW current_decisions AS
SELECT DISTINCT ON (day, topic) * FROM editorial_decisions ORDER BY day, topic, id DESC;
COMMENT ON VIEW current_decisions IS 'The newest editorial decision for each day and topic.';

CREATE VIEW newest_record_versions AS
SELECT DISTINCT ON (record_id) * FROM record_versions ORDER BY record_id, number DESC;
COMMENT ON VIEW newest_record_versions IS 'The newest version of each record.';

CREATE VIEW citation_lineage AS
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
LEFT JOIN sources src ON src.id = f.source_id;
COMMENT ON VIEW citation_lineage IS 'One row per use of a citation: sentence, citation, claim, record or page version, fetch, source, with the Dagster run at each stage (partitions: day of record and fetch, day|topic of the article).';
