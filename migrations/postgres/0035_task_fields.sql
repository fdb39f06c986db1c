-- What the role of who asked for a task kept from him of fields then (ORG-32).
ALTER TABLE tasks ADD COLUMN fields TEXT NOT NULL DEFAULT '{}';
