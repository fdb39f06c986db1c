-- Known callers: priority in queues, and whose customers they are (IVR-05).
CREATE TABLE known_callers (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    owner TEXT COLLATE "C",
    note TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX known_callers_number ON known_callers (tenant, kind, number);
