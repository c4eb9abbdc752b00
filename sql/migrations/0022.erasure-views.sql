-- What erasure and withdrawal leave out of sight of the stages.
-- depends: 0015.erasure  0021.newsworthiness

CREATE OR REPLACE VIEW newest_record_versions AS
SELECT DISTINCT ON (record_id) * FROM record_versions WHERE erased_at IS NULL ORDER BY record_id, number DESC;
COMMENT ON VIEW newest_record_versions IS 'The newest version of each record that was not erased.';

CREATE OR REPLACE VIEW current_article_versions AS
SELECT * FROM (SELECT DISTINCT ON (article_id) * FROM article_versions ORDER BY article_id, number DESC) newest
WHERE status = 'published';
COMMENT ON VIEW current_article_versions IS 'The newest version of each article that was not withdrawn.';

-- lookup: whether cited records are still there. (labels: whether accounts ask not to be shown.)
ALTER TABLE fetches DROP CONSTRAINT fetches_purpose_check,
    ADD CONSTRAINT fetches_purpose_check CHECK (purpose IN ('source', 'page', 'session', 'labels', 'lookup')),
    DROP CONSTRAINT fetch_ok_has_body,
    ADD CONSTRAINT fetch_ok_has_body CHECK (outcome <> 'ok' OR payload_sha256 IS NOT NULL OR purpose IN ('session', 'labels', 'lookup'));
