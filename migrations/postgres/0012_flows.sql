-- Flows (IVR-03): a draft each, and versions that never change.
CREATE TABLE flows (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    draft TEXT COLLATE "C",
    published BIGINT,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE TABLE flow_versions (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    flow TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    definition TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
