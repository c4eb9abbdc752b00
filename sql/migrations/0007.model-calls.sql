-- What models were asked, what it cost, what they answered, and what each server can do. A call is on record before it
-- is made, so that a killed run leaves a trace and two runs at once cannot spend the same budget.
-- depends: 0006.source-configurations

CREATE TABLE model_calls (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_key       text NOT NULL CHECK (request_key ~ '^[0-9a-f]{64}$'),
    status            text NOT NULL CHECK (status IN ('reserved', 'answered', 'failed', 'interrupted', 'cached')),
    day               date NOT NULL,
    topic             text REFERENCES topics,
    spent_on          date NOT NULL,
    role              text NOT NULL CHECK (role IN ('reader', 'writer', 'judge')),
    prompt            text NOT NULL,
    subject           text NOT NULL DEFAULT '',
    model             text NOT NULL,
    server            text NOT NULL,
    started_at        timestamptz NOT NULL,
    latency_ms        integer CHECK (latency_ms >= 0),
    attempts          integer NOT NULL DEFAULT 1 CHECK (attempts >= 1),
    reserved_tokens   bigint NOT NULL CHECK (reserved_tokens >= 0),
    held_tokens       bigint NOT NULL CHECK (held_tokens >= 0),
    held_usd          numeric CHECK (held_usd >= 0),
    input_tokens      bigint CHECK (input_tokens >= 0),
    cached_tokens     bigint CHECK (cached_tokens >= 0),
    output_tokens     bigint CHECK (output_tokens >= 0),
    reasoning_tokens  bigint CHECK (reasoning_tokens >= 0),
    price             jsonb,
    cost_usd          numeric CHECK (cost_usd >= 0),
    failure           text CHECK (failure IN ('unreachable', 'timeout', 'key', 'quota', 'refused', 'contract', 'budget')),
    detail            text,
    paid_by           bigint REFERENCES model_calls,
    run_id            text NOT NULL,
    CONSTRAINT cost_needs_a_price CHECK (cost_usd IS NULL OR price IS NOT NULL),
    CONSTRAINT cached_names_its_payer CHECK ((status = 'cached') = (paid_by IS NOT NULL)),
    CONSTRAINT cached_costs_nothing CHECK (status <> 'cached' OR (held_tokens = 0 AND input_tokens IS NULL AND cost_usd IS NULL)),
    CONSTRAINT failed_says_why CHECK (status <> 'failed' OR failure IS NOT NULL)
);
CREATE INDEX model_calls_day ON model_calls (day, topic);
CREATE INDEX model_calls_spent_on ON model_calls (spent_on);
CREATE INDEX model_calls_key ON model_calls (request_key);
CREATE INDEX model_calls_run ON model_calls (run_id);
CREATE UNIQUE INDEX model_calls_cached_once ON model_calls (paid_by, day, (COALESCE(topic, ''))) WHERE status = 'cached';
COMMENT ON TABLE model_calls IS 'The ledger: one row for each request that went to a model server, committed before it went, and one for each edition that used an answer another edition had paid for.';
COMMENT ON COLUMN model_calls.status IS 'reserved: under way while somebody holds the advisory lock of its key, else interrupted; answered: a completion came (failure says if it was not acceptable); failed: none came; cached: an answer paid for elsewhere.';
COMMENT ON COLUMN model_calls.day IS 'The edition that pays; spent_on is the UTC day of the run''s clock, which has a budget of its own.';
COMMENT ON COLUMN model_calls.held_tokens IS 'What counts against the budgets: the worst case until the bill is known, then the tokens used; the worst case for ever when the bill never came; 0 when nothing was charged. held_usd the same, null when the price is unknown.';
COMMENT ON COLUMN model_calls.cost_usd IS 'From the tokens and the price of that day, kept in price: USD per million tokens and since when. Null is unknown, never free.';
COMMENT ON COLUMN model_calls.cached_tokens IS 'The part of input_tokens that the server had in its own cache; reasoning_tokens is the part of output_tokens that is not shown.';

CREATE TABLE model_completions (
    request_key    text PRIMARY KEY CHECK (request_key ~ '^[0-9a-f]{64}$'),
    call_id        bigint NOT NULL UNIQUE REFERENCES model_calls,
    content        text NOT NULL,
    finish_reason  text NOT NULL,
    refusal        text
);
COMMENT ON TABLE model_completions IS 'Replies by the hash of model, prompt version, messages, schema and parameters: what was asked once is not asked, and not paid for, again. Bad replies too, so that a rerun comes to the same end.';

CREATE TABLE model_servers (
    base_url         text NOT NULL,
    model            text NOT NULL,
    mode             text NOT NULL CHECK (mode IN ('json_schema', 'json_object+schema', 'json_object', 'text')),
    token_parameter  text NOT NULL CHECK (token_parameter IN ('max_tokens', 'max_completion_tokens')),
    temperature      boolean NOT NULL,
    probed_at        timestamptz NOT NULL,
    PRIMARY KEY (base_url, model)
);
COMMENT ON TABLE model_servers IS 'What a probe found a server to honour: the strictest form of reply, the name of the token limit, and whether temperature 0 is taken.';
