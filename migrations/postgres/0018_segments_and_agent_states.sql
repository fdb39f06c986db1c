-- What a call was made of: each stay in a queue, each offer to an agent, each agent's part, hold, consult and more.
CREATE TABLE call_segments (
    tenant TEXT COLLATE "C" NOT NULL,
    call TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    agent TEXT COLLATE "C",
    queue TEXT COLLATE "C",
    leg TEXT COLLATE "C",
    number TEXT COLLATE "C",
    outcome TEXT COLLATE "C",
    done_by TEXT COLLATE "C",
    PRIMARY KEY (tenant, call, at)
);
CREATE INDEX call_segments_agent ON call_segments (tenant, kind, agent, call);
CREATE INDEX call_segments_queue ON call_segments (tenant, kind, queue, call);
CREATE INDEX call_segments_began ON call_segments (tenant, kind, started_at_ms);

ALTER TABLE call_records ADD COLUMN queue TEXT COLLATE "C";
ALTER TABLE call_records ADD COLUMN queue_wait_ms BIGINT;
ALTER TABLE call_records ADD COLUMN connected_at_ms BIGINT;
ALTER TABLE call_records ADD COLUMN agent TEXT COLLATE "C";
ALTER TABLE call_records ADD COLUMN overflow_number TEXT COLLATE "C";
ALTER TABLE call_records ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
CREATE INDEX call_records_lost ON call_records (tenant, lost, call);

-- The agent state log (LOG-01): a row is one stay in a state. Its number is that of the fact that began it.
CREATE TABLE agent_states (
    tenant TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    began_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    reason TEXT COLLATE "C" NOT NULL,
    done_by TEXT COLLATE "C",
    extension TEXT COLLATE "C",
    mobile TEXT COLLATE "C",
    PRIMARY KEY (tenant, number)
);
CREATE INDEX agent_states_agent ON agent_states (tenant, agent, number);
CREATE INDEX agent_states_open ON agent_states (tenant, ended_at_ms);
