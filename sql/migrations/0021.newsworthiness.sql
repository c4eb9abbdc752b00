-- What a topic's day was worth, decided by one score: a story, a short dispatch, or nothing.
-- depends: 0004.web-pages-and-articles 0005.lineage-views

ALTER TABLE article_versions ADD COLUMN form text NOT NULL DEFAULT 'story' CHECK (form IN ('story', 'dispatch'));
COMMENT ON COLUMN article_versions.form IS 'story: three sections with questions; dispatch: one or two sections without.';

ALTER TABLE editorial_decisions
    ADD COLUMN newsworthiness double precision,
    ADD COLUMN worth text CHECK (worth IN ('story', 'dispatch', 'nothing')),
    ADD CONSTRAINT worth_has_its_score CHECK ((newsworthiness IS NULL) = (worth IS NULL));
COMMENT ON COLUMN editorial_decisions.newsworthiness IS 'The score that orders a day''s topics; null where none was taken: sources unknown, no signal, or decided by an earlier release. Its terms stand in numbers.';
COMMENT ON COLUMN editorial_decisions.worth IS 'What the score was enough for by the thresholds of that day. A story that three sections could not be made of is published as a dispatch.';

-- The view lists its columns as they were when it was made.
CREATE OR REPLACE VIEW current_decisions AS
SELECT DISTINCT ON (day, topic) * FROM editorial_decisions ORDER BY day, topic, id DESC;
CREATE OR REPLACE VIEW current_article_versions AS
SELECT DISTINCT ON (article_id) * FROM article_versions WHERE status = 'published' ORDER BY article_id, number DESC;
