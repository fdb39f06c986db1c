-- Opening hours (IVR-02), routes that obey them (IVR-01), and block lists (GEN-19).
CREATE TABLE hours (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    definition TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
ALTER TABLE routes ADD COLUMN hours TEXT COLLATE "C";
ALTER TABLE routes ADD COLUMN closed TEXT COLLATE "C";
CREATE TABLE blocks (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    treatment TEXT COLLATE "C" NOT NULL,
    expires_at_ms BIGINT,
    note TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX blocks_number ON blocks (tenant, side, kind, number);
