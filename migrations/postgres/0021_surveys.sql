-- Satisfaction surveys (SURVEY-02), and what came of one in a call (SURVEY-05, SURVEY-06).
CREATE TABLE surveys (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
ALTER TABLE call_records ADD COLUMN survey TEXT;
ALTER TABLE call_records ADD COLUMN survey_result TEXT;
