-- What a call was made of: each stay in a queue, each offer to an agent, each agent's part, hold, consult and more.
CREATE TABLE call_segments (
    tenant TEXT NOT NULL,
    call TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    agent TEXT,
    queue TEXT,
    leg TEXT,
    number TEXT,
    outcome TEXT,
    done_by TEXT,
    PRIMARY KEY (tenant, call, at)
);
CREATE INDEX call_segments_agent ON call_segments (tenant, kind, agent, call);
CREATE INDEX call_segments_queue ON call_segments (tenant, kind, queue, call);
CREATE INDEX call_segments_began ON call_segments (tenant, kind, started_at_ms);

ALTER TABLE call_records ADD COLUMN queue TEXT;
ALTER TABLE call_records ADD COLUMN queue_wait_ms BIGINT;
ALTER TABLE call_records ADD COLUMN connected_at_ms BIGINT;
ALTER TABLE call_records ADD COLUMN agent TEXT;
ALTER TABLE call_records ADD COLUMN overflow_number TEXT;
ALTER TABLE call_records ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
CREATE INDEX call_records_lost ON call_records (tenant, lost, call);

-- The agent state log (LOG-01): a row is one stay in a state. Its number is that of the fact that began it.
CREATE TABLE agent_states (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    agent TEXT NOT NULL,
    state TEXT NOT NULL,
    began_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    reason TEXT NOT NULL,
    done_by TEXT,
    extension TEXT,
    mobile TEXT,
    PRIMARY KEY (tenant, number)
);
CREATE INDEX agent_states_agent ON agent_states (tenant, agent, number);
CREATE INDEX agent_states_open ON agent_states (tenant, ended_at_ms);
