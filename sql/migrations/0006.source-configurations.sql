-- Every configuration that a source ever had. What a body says of its publisher or subreddit is completed from the
-- configuration it was read under: without it, renaming an outlet today would make yesterday's stories look forged.
-- depends: 0005.lineage-views

CREATE TABLE source_configurations (
    source_id         text NOT NULL REFERENCES sources,
    config_hash       text NOT NULL,
    kind              text NOT NULL,
    platform          text NOT NULL,
    config            jsonb NOT NULL,
    publisher         text,
    publisher_family  text,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, config_hash)
);
COMMENT ON TABLE source_configurations IS 'Each configuration a source was read under, written by a trigger on sources; verify re-parses a stored body under it.';

CREATE FUNCTION keep_source_configuration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO source_configurations (source_id, config_hash, kind, platform, config, publisher, publisher_family)
    VALUES (NEW.id, NEW.config_hash, NEW.kind, NEW.platform, NEW.config, NEW.publisher, NEW.publisher_family)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_source_configuration AFTER INSERT OR UPDATE OF config_hash ON sources
    FOR EACH ROW EXECUTE FUNCTION keep_source_configuration();

INSERT INTO source_configurations (source_id, config_hash, kind, platform, config, publisher, publisher_family)
SELECT id, config_hash, kind, platform, config, publisher, publisher_family FROM sources;
