-- Opening hours (IVR-02), routes that obey them (IVR-01), and block lists (GEN-19).
CREATE TABLE hours (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
ALTER TABLE routes ADD COLUMN hours TEXT;
ALTER TABLE routes ADD COLUMN closed TEXT;
CREATE TABLE blocks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    treatment TEXT NOT NULL,
    expires_at_ms BIGINT,
    note TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX blocks_number ON blocks (tenant, side, kind, number);
