-- Tokens of sessions that another sign-in of the same employee ended (LOGIN-10): who shows one is told so.
CREATE TABLE replaced_sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    replaced_at_ms BIGINT NOT NULL
);
