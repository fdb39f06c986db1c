-- Agents: employees who take calls; and the queues that offer them.
CREATE TABLE agents (
    tenant TEXT NOT NULL,
    agent TEXT NOT NULL,
    rules TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, agent)
);

CREATE TABLE queues (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    rules TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
