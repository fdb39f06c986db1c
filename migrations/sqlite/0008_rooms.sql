-- Conference rooms. PINs are encrypted with the key file.
CREATE TABLE rooms (
    tenant TEXT NOT NULL,
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    pin TEXT,
    moderator_pin TEXT,
    members_max BIGINT NOT NULL,
    announce BIGINT NOT NULL,
    record BIGINT NOT NULL,
    music_alone BIGINT NOT NULL,
    locked BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);
