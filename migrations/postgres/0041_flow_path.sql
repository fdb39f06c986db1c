-- The nodes of flows that a caller went through, in that order.
ALTER TABLE call_records ADD COLUMN flow_path TEXT;
