-- How a trunk is kept in touch with, chosen and limited: JSON, read and written as a whole.
ALTER TABLE trunks ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
