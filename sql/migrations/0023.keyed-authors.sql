-- One author stays one author for signals when some of their records are erased and others are not.
-- depends: 0015.erasure

CREATE TABLE keyed_authors (
    platform    text NOT NULL,
    author_key  text NOT NULL,
    keyed       text NOT NULL CHECK (keyed LIKE 'erased:%'),
    PRIMARY KEY (platform, author_key)
);
CREATE INDEX keyed_authors_keyed ON keyed_authors (keyed);
COMMENT ON TABLE keyed_authors IS 'Authors of whom a record was erased while others are left: signals count both as one author, by the keyed name. The row goes with the last record.';
