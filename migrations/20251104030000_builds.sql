-- Compiled programs are kept in the database, where the agents' gateway can reach them.
SET ROLE tradewire_owner;

ALTER TABLE ea_artifacts ADD COLUMN content BYTEA;
-- migrate:ignore constraint-missing-not-valid the column is new, and a version has a handful of artifacts
ALTER TABLE ea_artifacts ADD CONSTRAINT ea_artifacts_content_check CHECK (octet_length(content) <= 4194304);
COMMENT ON COLUMN ea_artifacts.content IS 'The file itself, at most 4 MiB; NULL: it is at storage_path, or it is gone.';
COMMENT ON CONSTRAINT ea_artifacts_content_check ON ea_artifacts IS 'At most 4 MiB.';

RESET ROLE;
