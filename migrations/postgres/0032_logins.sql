-- The login log (LOG-06): by which credential, and by what one took part.
ALTER TABLE logins ADD COLUMN way TEXT COLLATE "C" NOT NULL DEFAULT 'password';
ALTER TABLE logins ADD COLUMN sign_in TEXT COLLATE "C";
CREATE INDEX logins_employee ON logins (tenant, employee_no, id);
CREATE INDEX logins_at ON logins (tenant, at_ms);
