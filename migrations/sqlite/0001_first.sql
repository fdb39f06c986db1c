-- The first tables. The tenant stands in every row and first in every key. Numbers are BIGINT (ms since the Unix epoch, 0/1),
-- everything else TEXT (ULIDs, JSON), so that one text of every query serves SQLite and PostgreSQL.

CREATE TABLE tenants (
    tenant TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    domains TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    caller_number TEXT,
    record_internal BIGINT NOT NULL,
    emergency TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, slug)
);

CREATE TABLE employees (
    tenant TEXT NOT NULL,
    employee_no TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    must_change BIGINT NOT NULL,
    permissions TEXT NOT NULL,
    employment TEXT NOT NULL,
    failed_logins BIGINT NOT NULL DEFAULT 0,
    locked_at_ms BIGINT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, employee_no)
);
CREATE UNIQUE INDEX employees_login ON employees (tenant, login);

CREATE TABLE sessions (
    tenant TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    employee_no TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    last_seen_at_ms BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    PRIMARY KEY (tenant, token_hash)
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_employee ON sessions (tenant, employee_no);

CREATE TABLE logins (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    employee_no TEXT,
    login TEXT NOT NULL,
    address TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE api_tokens (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    permissions TEXT NOT NULL,
    expires_at_ms BIGINT,
    last_used_at_ms BIGINT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX api_tokens_token ON api_tokens (token_hash);

CREATE TABLE extensions (
    tenant TEXT NOT NULL,
    number TEXT NOT NULL,
    display_name TEXT NOT NULL,
    realm TEXT NOT NULL,
    ha1_md5 TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    ring_timeout_ms BIGINT,
    record BIGINT NOT NULL,
    caller_number TEXT,
    contact TEXT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);

CREATE TABLE trunks (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT,
    transport TEXT NOT NULL,
    sources TEXT NOT NULL,
    username TEXT,
    secret TEXT,
    trusted BIGINT NOT NULL,
    emergency BIGINT NOT NULL,
    caller_number TEXT,
    record BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE routes (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    place BIGINT NOT NULL,
    direction TEXT NOT NULL,
    did TEXT,
    trunk TEXT,
    destination TEXT,
    prefix TEXT,
    strip BIGINT,
    prepend TEXT,
    trunks TEXT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX routes_did ON routes (did);

CREATE TABLE audit (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    resource TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    action TEXT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX audit_resource ON audit (tenant, resource, resource_id, id);

CREATE TABLE registrations (
    tenant TEXT NOT NULL,
    extension TEXT NOT NULL,
    contact TEXT NOT NULL,
    source TEXT NOT NULL,
    local TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    cseq BIGINT NOT NULL,
    bound_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, extension, contact)
);

CREATE TABLE call_records (
    tenant TEXT NOT NULL,
    call TEXT NOT NULL,
    direction TEXT NOT NULL,
    source TEXT NOT NULL,
    caller TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    callee TEXT NOT NULL,
    trunk TEXT,
    emergency BIGINT NOT NULL,
    caller_extension TEXT,
    callee_extension TEXT,
    created_at_ms BIGINT NOT NULL,
    ringing_at_ms BIGINT,
    answered_at_ms BIGINT,
    ended_at_ms BIGINT,
    ring_duration_ms BIGINT,
    talk_duration_ms BIGINT,
    total_duration_ms BIGINT,
    cause TEXT,
    ended_by TEXT,
    sip_status BIGINT,
    PRIMARY KEY (tenant, call)
);
CREATE INDEX call_records_caller ON call_records (tenant, caller, call);
CREATE INDEX call_records_callee ON call_records (tenant, callee, call);
CREATE INDEX call_records_caller_extension ON call_records (tenant, caller_extension, call);
CREATE INDEX call_records_callee_extension ON call_records (tenant, callee_extension, call);

CREATE TABLE call_legs (
    tenant TEXT NOT NULL,
    call TEXT NOT NULL,
    leg TEXT NOT NULL,
    caller_side BIGINT NOT NULL,
    peer TEXT NOT NULL,
    peer_name TEXT NOT NULL,
    number TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ringing_at_ms BIGINT,
    early_media BIGINT NOT NULL,
    answered_at_ms BIGINT,
    ended_at_ms BIGINT,
    codec TEXT,
    cause TEXT,
    sip_status BIGINT,
    quality TEXT,
    PRIMARY KEY (tenant, call, leg)
);

CREATE TABLE recordings (
    tenant TEXT NOT NULL,
    recording TEXT NOT NULL,
    call TEXT NOT NULL,
    left_leg TEXT,
    right_leg TEXT,
    started_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    path TEXT,
    bytes BIGINT,
    duration_ms BIGINT,
    sha256 TEXT,
    partial BIGINT,
    reason TEXT,
    PRIMARY KEY (tenant, recording)
);
CREATE INDEX recordings_call ON recordings (tenant, call);

CREATE TABLE recording_uses (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    used_by TEXT NOT NULL,
    recording TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE cursors (
    tenant TEXT NOT NULL,
    consumer TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (tenant, consumer)
);

CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    principal TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    status BIGINT,
    body TEXT,
    PRIMARY KEY (tenant, principal, idempotency_key)
);
CREATE INDEX idempotency_at ON idempotency (at_ms);
