-- The login log (LOG-06): by which credential, and by what one took part.
ALTER TABLE logins ADD COLUMN way TEXT NOT NULL DEFAULT 'password';
ALTER TABLE logins ADD COLUMN sign_in TEXT;
CREATE INDEX logins_employee ON logins (tenant, employee_no, id);
CREATE INDEX logins_at ON logins (tenant, at_ms);
