-- The lists of calls. What the first step counted is not shown anywhere, and everything is derived anew from the log of facts.
DROP TABLE crm_fact_count;
DELETE FROM crm_cursor;

-- What is known of a call, as JSON: the fold goes on with it.
CREATE TABLE crm_call (
    tenant      TEXT NOT NULL,
    call        TEXT NOT NULL,
    ended_at_ms BIGINT,
    state       TEXT NOT NULL,
    PRIMARY KEY (tenant, call)
);
CREATE INDEX crm_call_ended ON crm_call (tenant, ended_at_ms);

-- Call records (CDR), one row for each part of an agent. Written anew whenever a fact of the call comes.
CREATE TABLE crm_call_record (
    tenant          TEXT NOT NULL,
    id              TEXT NOT NULL,
    call            TEXT NOT NULL,
    part            BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    source          TEXT NOT NULL,
    caller          TEXT NOT NULL,
    callee          TEXT NOT NULL,
    caller_normal   TEXT NOT NULL,
    callee_normal   TEXT NOT NULL,
    trunk           TEXT,
    agent           TEXT,
    agent_name      TEXT,
    department      TEXT,
    department_name TEXT,
    queue           TEXT,
    at_ms           BIGINT NOT NULL,
    ring_at_ms      BIGINT,
    answered_at_ms  BIGINT,
    ended_at_ms     BIGINT NOT NULL,
    queue_wait_ms   BIGINT NOT NULL,
    ring_ms         BIGINT NOT NULL,
    talk_ms         BIGINT NOT NULL,
    total_ms        BIGINT NOT NULL,
    ended_by        TEXT,
    cause           TEXT NOT NULL,
    satisfaction    TEXT NOT NULL,
    recordings      TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX crm_call_record_at ON crm_call_record (tenant, at_ms, id);
CREATE INDEX crm_call_record_agent ON crm_call_record (tenant, agent, at_ms);
CREATE INDEX crm_call_record_caller ON crm_call_record (tenant, caller_normal, at_ms);
CREATE INDEX crm_call_record_callee ON crm_call_record (tenant, callee_normal, at_ms);
CREATE INDEX crm_call_record_call ON crm_call_record (tenant, call);

-- Offers that their agents did not take (MISS). `processed_*` are clicks, and no fact changes them.
CREATE TABLE crm_missed_call (
    tenant           TEXT NOT NULL,
    id               TEXT NOT NULL,
    call             TEXT NOT NULL,
    agent            TEXT NOT NULL,
    agent_name       TEXT,
    department       TEXT,
    department_name  TEXT,
    queue            TEXT,
    caller           TEXT NOT NULL,
    callee           TEXT NOT NULL,
    caller_normal    TEXT NOT NULL,
    at_ms            BIGINT NOT NULL,
    ring_ended_at_ms BIGINT NOT NULL,
    ring_ms          BIGINT NOT NULL,
    outcome          TEXT NOT NULL,
    processed_at_ms  BIGINT,
    processed_by     TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX crm_missed_call_at ON crm_missed_call (tenant, at_ms, id);
CREATE INDEX crm_missed_call_agent ON crm_missed_call (tenant, agent, at_ms);

-- Calls that nobody answered (LOST). `state`, `owner`, `owned_at_ms` and `version` are clicks, and no fact changes them but the one
-- that makes the row.
CREATE TABLE crm_lost_call (
    tenant        TEXT NOT NULL,
    id            TEXT NOT NULL,
    caller        TEXT NOT NULL,
    callee        TEXT NOT NULL,
    caller_normal TEXT NOT NULL,
    trunk         TEXT,
    queue         TEXT,
    at_ms         BIGINT NOT NULL,
    ended_at_ms   BIGINT NOT NULL,
    voicemail     BIGINT NOT NULL,
    state         TEXT NOT NULL,
    owner         TEXT,
    owned_at_ms   BIGINT,
    version       BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX crm_lost_call_at ON crm_lost_call (tenant, at_ms, id);
CREATE INDEX crm_lost_call_number ON crm_lost_call (tenant, caller_normal, state);
CREATE INDEX crm_lost_call_owner ON crm_lost_call (state, owned_at_ms);

-- Calls that an overflow mobile answered (LOSTANS).
CREATE TABLE crm_lost_answered (
    tenant         TEXT NOT NULL,
    id             TEXT NOT NULL,
    caller         TEXT NOT NULL,
    caller_normal  TEXT NOT NULL,
    trunk          TEXT,
    queue          TEXT NOT NULL,
    mobile         TEXT NOT NULL,
    mobile_normal  TEXT NOT NULL,
    at_ms          BIGINT NOT NULL,
    answered_at_ms BIGINT NOT NULL,
    ended_at_ms    BIGINT NOT NULL,
    talk_ms        BIGINT NOT NULL,
    recordings     TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX crm_lost_answered_at ON crm_lost_answered (tenant, at_ms, id);

-- A tenant's own settings of the CRM; a tenant without a row has the defaults.
CREATE TABLE crm_setting (
    tenant              TEXT NOT NULL PRIMARY KEY,
    lost_auto_release_h BIGINT NOT NULL,
    version             BIGINT NOT NULL
);
