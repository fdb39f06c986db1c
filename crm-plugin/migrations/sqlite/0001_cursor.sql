-- How far the log of facts was read, one row a tenant; written in the transaction of what was derived from the facts.
CREATE TABLE crm_cursor (
    tenant TEXT NOT NULL PRIMARY KEY,
    epoch  BIGINT NOT NULL,
    number BIGINT NOT NULL
);

-- How many facts of each type there were.
CREATE TABLE crm_fact_count (
    tenant TEXT NOT NULL,
    type   TEXT NOT NULL,
    facts  BIGINT NOT NULL,
    PRIMARY KEY (tenant, type)
);
