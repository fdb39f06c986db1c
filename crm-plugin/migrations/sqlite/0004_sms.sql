-- Short messages (SMS). A signature stands before each text; a template is sent once somebody has approved it.
CREATE TABLE crm_sms_signature (
    tenant   TEXT NOT NULL,
    id       TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    name     TEXT NOT NULL,
    remark   TEXT NOT NULL,
    version  BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX crm_sms_signature_name ON crm_sms_signature (tenant, name);

CREATE TABLE crm_sms_template (
    tenant      TEXT NOT NULL,
    id          TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,
    signature   TEXT NOT NULL,
    gateway     TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    author      TEXT NOT NULL,
    reviewer    TEXT,
    version     BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX crm_sms_template_name ON crm_sms_template (tenant, name);
CREATE INDEX crm_sms_template_signature ON crm_sms_template (tenant, signature);

-- What was sent, waits, or was refused by a rule. Names and texts as they were then. `state`: waiting, sending, refused, sent, failed.
CREATE TABLE crm_sms_message (
    tenant          TEXT NOT NULL,
    id              TEXT NOT NULL,
    at_ms           BIGINT NOT NULL,
    number          TEXT NOT NULL,
    number_normal   TEXT NOT NULL,
    content         TEXT NOT NULL,
    signature       TEXT NOT NULL,
    template        TEXT,
    gateway         TEXT NOT NULL,
    parameters      TEXT NOT NULL,
    agent           TEXT,
    agent_name      TEXT,
    department      TEXT,
    department_name TEXT,
    state           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    done_at_ms      BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX crm_sms_message_at ON crm_sms_message (tenant, at_ms, id);
CREATE INDEX crm_sms_message_number ON crm_sms_message (tenant, number_normal, at_ms);
CREATE INDEX crm_sms_message_agent ON crm_sms_message (tenant, agent, at_ms);
CREATE INDEX crm_sms_message_state ON crm_sms_message (state, at_ms, id);

ALTER TABLE crm_setting ADD COLUMN sms_interval_s BIGINT NOT NULL DEFAULT 60;
ALTER TABLE crm_setting ADD COLUMN sms_day_max BIGINT NOT NULL DEFAULT 10;
