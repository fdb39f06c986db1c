-- Messages that callers leave (VM-01, VM-02). Their audio is a recording; one that came to nothing is deleted.
CREATE TABLE voicemails (
    tenant TEXT NOT NULL,
    voicemail TEXT NOT NULL,
    call TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    caller TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    callee TEXT NOT NULL,
    left_at_ms BIGINT NOT NULL,
    length_ms BIGINT NOT NULL,
    listened_at_ms BIGINT,
    listened_by TEXT,
    downloaded_at_ms BIGINT,
    downloaded_by TEXT,
    deleted_at_ms BIGINT,
    deleted_by TEXT,
    PRIMARY KEY (tenant, voicemail)
);
CREATE INDEX voicemails_call ON voicemails (tenant, call);
CREATE INDEX voicemails_box ON voicemails (tenant, mailbox, voicemail);
ALTER TABLE recordings ADD COLUMN mailbox TEXT;
ALTER TABLE recordings ADD COLUMN discarded BIGINT NOT NULL DEFAULT 0;
