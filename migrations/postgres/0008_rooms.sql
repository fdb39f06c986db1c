-- Conference rooms. PINs are encrypted with the key file.
CREATE TABLE rooms (
    tenant TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    pin TEXT COLLATE "C",
    moderator_pin TEXT COLLATE "C",
    members_max BIGINT NOT NULL,
    announce BIGINT NOT NULL,
    record BIGINT NOT NULL,
    music_alone BIGINT NOT NULL,
    locked BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);
