-- Known callers: priority in queues, and whose customers they are (IVR-05).
CREATE TABLE known_callers (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    priority BIGINT NOT NULL,
    owner TEXT,
    note TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX known_callers_number ON known_callers (tenant, kind, number);
