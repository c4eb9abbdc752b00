-- How posts refer to each other, the article pages whose text completes a feed's teaser, and which accounts ask not to
-- be shown to people who are not signed in.
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

CREATE TABLE account_labels (
    platform   text NOT NULL CHECK (platform IN ('bluesky')),
    account    text NOT NULL,
    private    boolean NOT NULL,
    asked_at   timestamptz NOT NULL,
    PRIMARY KEY (platform, account)
);
COMMENT ON TABLE account_labels IS 'Whether an account asks (!no-unauthenticated), or its host decided, that its posts are not shown in public, as of asked_at.';

ALTER TABLE fetches DROP CONSTRAINT fetches_purpose_check,
    ADD CONSTRAINT fetches_purpose_check CHECK (purpose IN ('source', 'page', 'session', 'labels')),
    DROP CONSTRAINT fetch_ok_has_body,
    ADD CONSTRAINT fetch_ok_has_body CHECK (outcome <> 'ok' OR payload_sha256 IS NOT NULL OR purpose IN ('session', 'labels'));

ALTER TABLE source_withdrawals DROP CONSTRAINT source_withdrawals_status_check,
    ADD CONSTRAINT source_withdrawals_status_check
    CHECK (status IN ('deleted', 'takendown', 'suspended', 'deactivated', 'private', 'active', 'other'));
COMMENT ON TABLE source_withdrawals IS 'What a source said of records and authors stored here: a post deleted or taken down, an account gone, asking not to be shown (private), or back (active). The latest row of a target holds. Erasure reads it.';
