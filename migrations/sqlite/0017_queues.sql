-- Agents (坐席) and the queues (技能组) that they are in.
CREATE TABLE agents (
    tenant TEXT NOT NULL,
    employee_no TEXT NOT NULL,
    extension TEXT,
    mobile TEXT,
    after_call TEXT NOT NULL,
    missed_limit BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, employee_no)
);
CREATE TABLE queues (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    number TEXT,
    settings TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX queues_number ON queues (tenant, number);
