-- In which form and where a recording is kept, when its audio was deleted, and how long a tenant keeps it (REC-06).
ALTER TABLE recordings ADD COLUMN format TEXT;
ALTER TABLE recordings ADD COLUMN place TEXT;
ALTER TABLE recordings ADD COLUMN sealed_by TEXT;
ALTER TABLE recordings ADD COLUMN purged_at_ms BIGINT;
CREATE INDEX recordings_age ON recordings (tenant, state, started_at_ms);
ALTER TABLE tenants ADD COLUMN recording_keep_days BIGINT;
ALTER TABLE tenants ADD COLUMN recording_format TEXT;
