-- Exports and imports (TASK-01 to TASK-05), and the rows that an import did not take.
CREATE TABLE tasks (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    module TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    operator TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    query TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    ended_at_ms BIGINT,
    rows_done BIGINT NOT NULL DEFAULT 0,
    rows_failed BIGINT NOT NULL DEFAULT 0,
    rows_total BIGINT,
    file_bytes BIGINT,
    expires_at_ms BIGINT,
    reason TEXT COLLATE "C",
    PRIMARY KEY (tenant, id)
);
CREATE INDEX tasks_state ON tasks (state, tenant, id);
CREATE TABLE task_rows (
    tenant TEXT COLLATE "C" NOT NULL,
    task TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    cells TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, task, number)
);
