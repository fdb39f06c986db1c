-- As migrations/sqlite/0001_first.sql, statement by statement; text is ordered byte-wise as in SQLite, so that pages come in
-- the same order on both.

CREATE TABLE tenants (
    tenant TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    domains TEXT COLLATE "C" NOT NULL,
    time_zone TEXT COLLATE "C" NOT NULL,
    caller_number TEXT COLLATE "C",
    record_internal BIGINT NOT NULL,
    emergency TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, slug)
);

CREATE TABLE employees (
    tenant TEXT COLLATE "C" NOT NULL,
    employee_no TEXT COLLATE "C" NOT NULL,
    login TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    must_change BIGINT NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    employment TEXT COLLATE "C" NOT NULL,
    failed_logins BIGINT NOT NULL DEFAULT 0,
    locked_at_ms BIGINT,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, employee_no)
);
CREATE UNIQUE INDEX employees_login ON employees (tenant, login);

CREATE TABLE sessions (
    tenant TEXT COLLATE "C" NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL,
    employee_no TEXT COLLATE "C" NOT NULL,
    created_at_ms BIGINT NOT NULL,
    last_seen_at_ms BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, token_hash)
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_employee ON sessions (tenant, employee_no);

CREATE TABLE logins (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    employee_no TEXT COLLATE "C",
    login TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE api_tokens (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    expires_at_ms BIGINT,
    last_used_at_ms BIGINT,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX api_tokens_token ON api_tokens (token_hash);

CREATE TABLE extensions (
    tenant TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" NOT NULL,
    realm TEXT COLLATE "C" NOT NULL,
    ha1_md5 TEXT COLLATE "C" NOT NULL,
    ha1_sha256 TEXT COLLATE "C" NOT NULL,
    enabled BIGINT NOT NULL,
    ring_timeout_ms BIGINT,
    record BIGINT NOT NULL,
    caller_number TEXT COLLATE "C",
    contact TEXT COLLATE "C",
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);

CREATE TABLE trunks (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    port BIGINT,
    transport TEXT COLLATE "C" NOT NULL,
    sources TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C",
    secret TEXT COLLATE "C",
    trusted BIGINT NOT NULL,
    emergency BIGINT NOT NULL,
    caller_number TEXT COLLATE "C",
    record BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE routes (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    did TEXT COLLATE "C",
    trunk TEXT COLLATE "C",
    destination TEXT COLLATE "C",
    prefix TEXT COLLATE "C",
    strip BIGINT,
    prepend TEXT COLLATE "C",
    trunks TEXT COLLATE "C",
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX routes_did ON routes (did);

CREATE TABLE audit (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    changed_by TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    before TEXT COLLATE "C",
    after TEXT COLLATE "C",
    PRIMARY KEY (tenant, id)
);
CREATE INDEX audit_resource ON audit (tenant, resource, resource_id, id);

CREATE TABLE registrations (
    tenant TEXT COLLATE "C" NOT NULL,
    extension TEXT COLLATE "C" NOT NULL,
    contact TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    local TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    sip_call_id TEXT COLLATE "C" NOT NULL,
    cseq BIGINT NOT NULL,
    bound_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, extension, contact)
);

CREATE TABLE call_records (
    tenant TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    caller_name TEXT COLLATE "C" NOT NULL,
    callee TEXT COLLATE "C" NOT NULL,
    trunk TEXT COLLATE "C",
    emergency BIGINT NOT NULL,
    caller_extension TEXT COLLATE "C",
    callee_extension TEXT COLLATE "C",
    created_at_ms BIGINT NOT NULL,
    ringing_at_ms BIGINT,
    answered_at_ms BIGINT,
    ended_at_ms BIGINT,
    ring_duration_ms BIGINT,
    talk_duration_ms BIGINT,
    total_duration_ms BIGINT,
    cause TEXT COLLATE "C",
    ended_by TEXT COLLATE "C",
    sip_status BIGINT,
    PRIMARY KEY (tenant, call)
);
CREATE INDEX call_records_caller ON call_records (tenant, caller, call);
CREATE INDEX call_records_callee ON call_records (tenant, callee, call);
CREATE INDEX call_records_caller_extension ON call_records (tenant, caller_extension, call);
CREATE INDEX call_records_callee_extension ON call_records (tenant, callee_extension, call);

CREATE TABLE call_legs (
    tenant TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    leg TEXT COLLATE "C" NOT NULL,
    caller_side BIGINT NOT NULL,
    peer TEXT COLLATE "C" NOT NULL,
    peer_name TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    sip_call_id TEXT COLLATE "C" NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ringing_at_ms BIGINT,
    early_media BIGINT NOT NULL,
    answered_at_ms BIGINT,
    ended_at_ms BIGINT,
    codec TEXT COLLATE "C",
    cause TEXT COLLATE "C",
    sip_status BIGINT,
    quality TEXT COLLATE "C",
    PRIMARY KEY (tenant, call, leg)
);

CREATE TABLE recordings (
    tenant TEXT COLLATE "C" NOT NULL,
    recording TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    left_leg TEXT COLLATE "C",
    right_leg TEXT COLLATE "C",
    started_at_ms BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C",
    bytes BIGINT,
    duration_ms BIGINT,
    sha256 TEXT COLLATE "C",
    partial BIGINT,
    reason TEXT COLLATE "C",
    PRIMARY KEY (tenant, recording)
);
CREATE INDEX recordings_call ON recordings (tenant, call);

CREATE TABLE recording_uses (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    used_by TEXT COLLATE "C" NOT NULL,
    recording TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE cursors (
    tenant TEXT COLLATE "C" NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (tenant, consumer)
);

CREATE TABLE idempotency (
    tenant TEXT COLLATE "C" NOT NULL,
    principal TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    status BIGINT,
    body TEXT COLLATE "C",
    PRIMARY KEY (tenant, principal, idempotency_key)
);
CREATE INDEX idempotency_at ON idempotency (at_ms);
