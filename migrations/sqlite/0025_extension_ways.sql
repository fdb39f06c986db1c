-- By which kinds of phone an extension is used: both, web or desk.
ALTER TABLE extensions ADD COLUMN ways TEXT NOT NULL DEFAULT 'both';
