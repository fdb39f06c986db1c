-- Whether the audio of an extension's phones is encrypted: optional or required.
ALTER TABLE extensions ADD COLUMN srtp TEXT NOT NULL DEFAULT 'optional';
