-- Flows (IVR-03): a draft each, and versions that never change.
CREATE TABLE flows (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    draft TEXT,
    published BIGINT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE TABLE flow_versions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    flow TEXT NOT NULL,
    number BIGINT NOT NULL,
    definition TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
