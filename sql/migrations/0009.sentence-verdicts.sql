-- What a further judge said of a sentence. A sentence that cites holds the engine's own verdict on each of its uses; a
-- headline or a synthesis has no use to hold one, and a model's verdict cannot be computed again by a gate.
-- depends: 0006.source-configurations

CREATE TABLE sentence_verdicts (
    sentence_id         bigint NOT NULL,
    article_version_id  bigint NOT NULL,
    judge               text NOT NULL CHECK (judge <> ''),
    verdict             text NOT NULL CHECK (verdict IN ('supported', 'partly', 'not')),
    score               real NOT NULL CHECK (score BETWEEN 0 AND 1),
    PRIMARY KEY (sentence_id, judge),
    FOREIGN KEY (sentence_id, article_version_id) REFERENCES article_sentences (id, article_version_id)
);
CREATE INDEX sentence_verdicts_version ON sentence_verdicts (article_version_id);
COMMENT ON TABLE sentence_verdicts IS 'Verdicts of judges beside the engine''s own, such as a configured model: read by gate 4, which lets nothing pass that one of them did not call supported.';
COMMENT ON COLUMN sentence_verdicts.judge IS 'Name and version: "model-1:gpt-x@host".';
