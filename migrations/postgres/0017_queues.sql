-- Agents (坐席) and the queues (技能组) that they are in.
CREATE TABLE agents (
    tenant TEXT COLLATE "C" NOT NULL,
    employee_no TEXT COLLATE "C" NOT NULL,
    extension TEXT COLLATE "C",
    mobile TEXT COLLATE "C",
    after_call TEXT COLLATE "C" NOT NULL,
    missed_limit BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, employee_no)
);
CREATE TABLE queues (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C",
    settings TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX queues_number ON queues (tenant, number);
