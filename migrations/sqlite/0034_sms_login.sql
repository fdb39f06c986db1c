-- Signing in by a code sent to the mobile (LOGIN-01 to LOGIN-04): the last code of each mobile, and who has joined.
CREATE TABLE sms_codes (
    mobile TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    owner TEXT NOT NULL,
    sealed TEXT,
    sent_at_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    day_began_at_ms BIGINT NOT NULL,
    day_count BIGINT NOT NULL
);

-- Whoever was there before was made on the command line, by the first start or by an administrator who gave a password: they have joined.
ALTER TABLE employees ADD COLUMN joined_at_ms BIGINT;
UPDATE employees SET joined_at_ms = created_at_ms;
ALTER TABLE sessions ADD COLUMN way TEXT NOT NULL DEFAULT 'password';
