-- Extensions of one pickup group pick up each other's calls by *8.
ALTER TABLE extensions ADD COLUMN pickup_group TEXT;
