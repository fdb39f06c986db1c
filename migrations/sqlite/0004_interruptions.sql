-- Calls that outlive the process: when it was not there, and the parts of a recording.

ALTER TABLE call_records ADD COLUMN interruptions TEXT NOT NULL DEFAULT '[]';

ALTER TABLE recordings ADD COLUMN part INTEGER NOT NULL DEFAULT 1;
