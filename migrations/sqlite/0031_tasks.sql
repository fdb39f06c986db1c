-- Exports and imports (TASK-01 to TASK-05), and the rows that an import did not take.
CREATE TABLE tasks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    module TEXT NOT NULL,
    name TEXT NOT NULL,
    operator TEXT NOT NULL,
    owner TEXT NOT NULL,
    query TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    ended_at_ms BIGINT,
    rows_done BIGINT NOT NULL DEFAULT 0,
    rows_failed BIGINT NOT NULL DEFAULT 0,
    rows_total BIGINT,
    file_bytes BIGINT,
    expires_at_ms BIGINT,
    reason TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX tasks_state ON tasks (state, tenant, id);
CREATE TABLE task_rows (
    tenant TEXT NOT NULL,
    task TEXT NOT NULL,
    number BIGINT NOT NULL,
    cells TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, task, number)
);
