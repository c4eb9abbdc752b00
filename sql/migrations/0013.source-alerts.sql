-- Which state of a source the operator was last told of.
-- depends: 0006.source-configurations

CREATE TABLE source_alerts (
    source_id  text PRIMARY KEY REFERENCES sources,
    state      text NOT NULL CHECK (state IN ('well', 'failing', 'blocked', 'gone')),
    told_at    timestamptz NOT NULL
);
COMMENT ON TABLE source_alerts IS 'The state of each source that an alert last told of; a source without a row was never anything but well.';
