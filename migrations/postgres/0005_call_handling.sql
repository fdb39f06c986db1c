-- What becomes of an extension's calls where it does not take them: JSON, read and written as a whole.
ALTER TABLE extensions ADD COLUMN handling TEXT NOT NULL DEFAULT '{}';
