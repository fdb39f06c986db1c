-- Uploaded prompts and music on hold; their sound lies in files named by `file`.
CREATE TABLE prompts (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    language TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    file TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
