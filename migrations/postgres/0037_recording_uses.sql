-- Who heard one recording is read by the recording.
CREATE INDEX recording_uses_recording ON recording_uses (tenant, recording, id);
