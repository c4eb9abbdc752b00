-- Sources, fetches and the raw records they brought.
-- Offsets everywhere count Unicode code points, as PostgreSQL's substring() does in a UTF-8 database.
-- depends:

CREATE TABLE topics (
    slug          text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    label         text NOT NULL CHECK (label <> ''),
    description   text NOT NULL,
    terms         jsonb NOT NULL DEFAULT '{}',
    config_hash   text NOT NULL,
    position      integer NOT NULL,
    retired_at    timestamptz
);
COMMENT ON TABLE topics IS 'Beats, synchronised from configuration. A slug never changes and is never deleted: a topic that leaves the configuration is retired.';
COMMENT ON COLUMN topics.terms IS 'Include and exclude terms and subreddits, as configured.';

CREATE TABLE sources (
    id                    text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+([-_]+[a-z0-9]+)*$'),
    kind                  text NOT NULL CHECK (kind IN ('rss', 'reddit', 'bluesky_search', 'bluesky_jetstream')),
    platform              text NOT NULL CHECK (platform IN ('bluesky', 'reddit', 'news')),
    config                jsonb NOT NULL,
    config_hash           text NOT NULL,
    publisher             text,
    publisher_family      text,
    enabled               boolean NOT NULL DEFAULT true,
    removed_at            timestamptz,
    etag                  text,
    last_modified         text,
    last_body_sha256      text,
    last_attempt_at       timestamptz,
    last_success_at       timestamptz,
    last_new_at           timestamptz,
    next_check_at         timestamptz,
    consecutive_failures  integer NOT NULL DEFAULT 0 CHECK (consecutive_failures >= 0),
    status                text NOT NULL DEFAULT 'new'
                          CHECK (status IN ('new', 'ok', 'quiet', 'failing', 'blocked', 'gone', 'unconfigured')),
    last_error_class      text,
    last_error            text
);
COMMENT ON TABLE sources IS 'Configured feeds, subreddits and searches with their health. Validators (etag, last_modified) are stored in the transaction that commits the records, byte for byte.';
COMMENT ON COLUMN sources.next_check_at IS 'No run asks the source before this moment.';
COMMENT ON COLUMN sources.status IS 'ok: answers with items; quiet: answers, nothing new for long; failing: passing errors; blocked: 401/403/429 for long; gone: 410, retired; unconfigured: a credential is missing.';

CREATE TABLE source_sessions (
    host        text NOT NULL,
    account     text NOT NULL,
    session     text NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (host, account)
);
COMMENT ON TABLE source_sessions IS 'Kept sign-ins (Bluesky allows 300 createSession a day). Secrets: never published, never in a backup made for others.';

CREATE TABLE host_pacing (
    host             text PRIMARY KEY,
    next_allowed_at  timestamptz NOT NULL
);
COMMENT ON TABLE host_pacing IS 'The next moment at which any process may ask this host: pacing is shared by all workers.';

CREATE TABLE payloads (
    sha256           text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    encoding         text NOT NULL DEFAULT 'zlib' CHECK (encoding IN ('identity', 'zlib')),
    body             bytea,
    byte_length      bigint NOT NULL CHECK (byte_length >= 0),
    media_type       text,
    stored_at        timestamptz NOT NULL,
    expired_at       timestamptz,
    CONSTRAINT payload_body_or_expired CHECK ((body IS NULL) = (expired_at IS NOT NULL))
);
COMMENT ON TABLE payloads IS 'Fetched bodies, once per content, compressed. sha256 is that of the uncompressed bytes. An uncited body expires: its row and hash stay.';

CREATE TABLE fetches (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id        text REFERENCES sources,
    purpose          text NOT NULL CHECK (purpose IN ('source', 'page', 'session')),
    method           text NOT NULL DEFAULT 'GET',
    url              text NOT NULL,
    final_url        text,
    requested_at     timestamptz NOT NULL,
    duration_ms      integer CHECK (duration_ms >= 0),
    http_status      integer,
    outcome          text NOT NULL CHECK (outcome IN ('ok', 'not_modified', 'unchanged', 'failed')),
    error_class      text,
    error            text,
    content_type     text,
    etag             text,
    last_modified    text,
    payload_sha256   text REFERENCES payloads,
    byte_length      bigint,
    reach_since      timestamptz,
    reach_until      timestamptz,
    records_seen     integer NOT NULL DEFAULT 0,
    records_new      integer NOT NULL DEFAULT 0,
    next_check_at    timestamptz,
    run_id           text NOT NULL,
    CONSTRAINT fetch_failure_is_named CHECK ((outcome = 'failed') = (error_class IS NOT NULL)),
    CONSTRAINT fetch_of_a_source CHECK (purpose <> 'source' OR source_id IS NOT NULL),
    CONSTRAINT fetch_ok_has_body CHECK (outcome <> 'ok' OR payload_sha256 IS NOT NULL OR purpose = 'session')
);
CREATE INDEX fetches_source ON fetches (source_id, requested_at DESC);
CREATE INDEX fetches_payload ON fetches (payload_sha256);
COMMENT ON TABLE fetches IS 'Every attempt to read a source or a page, failures included: append-only.';
COMMENT ON COLUMN fetches.outcome IS 'ok: a new body was read; not_modified: 304; unchanged: 200 with the hash of the body before; failed: see error_class.';
COMMENT ON COLUMN fetches.error_class IS 'timeout, connect, dns, tls, http_4xx, http_5xx, rate_limited, forbidden, gone, too_large, redirect, refused_address, not_a_feed, empty, malformed, unconfigured, robots, not_html.';
COMMENT ON COLUMN fetches.reach_since IS 'The body would have shown every item published from here (oldest item, or start of the search window) up to reach_until. Coverage of a day rests on it.';

CREATE TABLE records (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform          text NOT NULL CHECK (platform IN ('bluesky', 'reddit', 'news')),
    native_id         text NOT NULL CHECK (native_id <> ''),
    source_id         text NOT NULL REFERENCES sources,
    url               text NOT NULL,
    canonical_url     text NOT NULL,
    author_name       text,
    author_key        text NOT NULL CHECK (author_key <> ''),
    publisher         text NOT NULL,
    publisher_family  text NOT NULL,
    community         text,
    published_at      timestamptz NOT NULL,
    published_raw     text,
    day               date NOT NULL,
    first_seen_at     timestamptz NOT NULL,
    first_fetch_id    bigint NOT NULL REFERENCES fetches,
    run_id            text NOT NULL,
    UNIQUE (platform, native_id),
    CONSTRAINT record_day_is_utc_day CHECK (day = (published_at AT TIME ZONE 'UTC')::date)
);
CREATE INDEX records_day ON records (day, platform);
CREATE INDEX records_canonical_url ON records (canonical_url);
COMMENT ON TABLE records IS 'One post or article, identified by platform and native id (for feeds: source id, a vertical bar, GUID). Day and publication moment are fixed at first sight.';
COMMENT ON COLUMN records.publisher IS 'News: the outlet. Bluesky: "Bluesky". Reddit: "Reddit".';
COMMENT ON COLUMN records.publisher_family IS 'Outlets of one owner share a family and count once; posts carry their platform''s.';
COMMENT ON COLUMN records.author_key IS 'DID, lower-case Reddit name, or for news the publisher family with the byline: what counts as one author.';
COMMENT ON COLUMN records.community IS 'Reddit: the subreddit without r/.';
COMMENT ON COLUMN records.url IS 'Guarded http(s) address for people; canonical_url drops tracking parameters and fragments.';

CREATE TABLE record_versions (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_id       bigint NOT NULL REFERENCES records,
    number          integer NOT NULL CHECK (number >= 1),
    title           text,
    text            text NOT NULL,
    text_sha256     text NOT NULL CHECK (text_sha256 ~ '^[0-9a-f]{64}$'),
    title_truncated boolean NOT NULL DEFAULT false,
    body_truncated  boolean NOT NULL DEFAULT false,
    declared_lang   text,
    first_seen_at   timestamptz NOT NULL,
    first_fetch_id  bigint NOT NULL REFERENCES fetches,
    run_id          text NOT NULL,
    UNIQUE (record_id, number),
    UNIQUE (record_id, text_sha256),
    CONSTRAINT version_text_hash CHECK (text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
);
COMMENT ON TABLE record_versions IS 'The wording of a record at one time, never changed. text = title, blank line, body (whichever exist), plain text without markup; every offset counts code points of it.';
COMMENT ON COLUMN record_versions.title_truncated IS 'The source cut the title off: nothing is quoted up to the cut.';

CREATE TABLE record_observations (
    record_version_id  bigint NOT NULL REFERENCES record_versions,
    fetch_id           bigint NOT NULL REFERENCES fetches,
    locator            text NOT NULL,
    PRIMARY KEY (record_version_id, fetch_id)
);
CREATE INDEX record_observations_fetch ON record_observations (fetch_id);
COMMENT ON TABLE record_observations IS 'Which fetch showed which version. Written when a body is new; an unchanged body adds none.';
COMMENT ON COLUMN record_observations.locator IS 'The native id under which the parser finds the record in that body again.';

CREATE TABLE record_metrics (
    record_id    bigint NOT NULL REFERENCES records,
    fetch_id     bigint NOT NULL REFERENCES fetches,
    observed_at  timestamptz NOT NULL,
    score        integer,
    comments     integer,
    likes        integer,
    reposts      integer,
    replies      integer,
    quotes       integer,
    PRIMARY KEY (record_id, observed_at)
);
COMMENT ON TABLE record_metrics IS 'Engagement over time; a row only when a figure differs from the latest one.';

CREATE TABLE record_links (
    record_version_id  bigint NOT NULL REFERENCES record_versions,
    position           integer NOT NULL CHECK (position >= 0),
    kind               text NOT NULL CHECK (kind IN ('self', 'body', 'card')),
    url                text NOT NULL CHECK (url ~* '^https?://'),
    canonical_url      text NOT NULL CHECK (canonical_url ~* '^https?://'),
    PRIMARY KEY (record_version_id, position)
);
CREATE INDEX record_links_url ON record_links (canonical_url);
COMMENT ON TABLE record_links IS 'http(s) links of a version: its own article page (self), links in the text (body), embedded cards (card).';
