-- What became of the mail that tells of a message: one row a message, from the first try on.
CREATE TABLE voicemail_notices (
    tenant TEXT NOT NULL,
    voicemail TEXT NOT NULL,
    done BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, voicemail)
);
