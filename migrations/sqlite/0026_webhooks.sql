-- Webhooks: the push side of the events. A webhook is set by people; where it stands is written by what delivers.
CREATE TABLE webhooks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    types TEXT NOT NULL,
    allow_private BIGINT NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until_ms BIGINT,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE webhook_places (
    tenant TEXT NOT NULL,
    webhook TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    trying TEXT,
    lost TEXT,
    gone_at_ms BIGINT,
    PRIMARY KEY (tenant, webhook)
);
CREATE TABLE webhook_deliveries (
    tenant TEXT NOT NULL,
    webhook TEXT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    status BIGINT,
    duration_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (tenant, webhook, id)
);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (at_ms);
CREATE TABLE webhook_dead_letters (
    tenant TEXT NOT NULL,
    webhook TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    dead_at_ms BIGINT NOT NULL,
    status BIGINT,
    error TEXT NOT NULL,
    PRIMARY KEY (tenant, webhook, epoch, number)
);
