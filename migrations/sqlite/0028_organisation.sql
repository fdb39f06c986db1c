-- The organisation: departments, roles with their rights, and which employee belonged to which department when.
CREATE TABLE departments (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    parent TEXT,
    managers TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX departments_name ON departments (tenant, (COALESCE(parent, '')), name_key);
CREATE UNIQUE INDEX departments_root ON departments (tenant) WHERE parent IS NULL;

CREATE TABLE roles (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    fields TEXT NOT NULL,
    data TEXT NOT NULL,
    administrator BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX roles_name ON roles (tenant, name_key);

-- A row is a stay in a department; the last one has no end.
CREATE TABLE employee_departments (
    tenant TEXT NOT NULL,
    employee_no TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT,
    department TEXT NOT NULL,
    PRIMARY KEY (tenant, employee_no, from_ms)
);
CREATE INDEX employee_departments_department ON employee_departments (tenant, department);

-- Pictures of employees, in base64.
CREATE TABLE avatars (
    tenant TEXT NOT NULL,
    employee_no TEXT NOT NULL,
    kind TEXT NOT NULL,
    image TEXT NOT NULL,
    PRIMARY KEY (tenant, employee_no)
);

ALTER TABLE employees ADD COLUMN login_key TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN nickname_key TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN mobile TEXT;
ALTER TABLE employees ADD COLUMN mobile_key TEXT;
ALTER TABLE employees ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN department TEXT NOT NULL DEFAULT '';
ALTER TABLE employees ADD COLUMN avatar TEXT;

-- Who was there before the organisation: all are in the root department, and each set of permissions becomes a role that sees all.
INSERT INTO departments (tenant, id, name, name_key, parent, managers, origin, version, created_at_ms, updated_at_ms)
SELECT tenant, '00000000000000000000000001', name, lower(name), NULL, '[]', 'setup', 1, created_at_ms, created_at_ms FROM tenants;
INSERT INTO roles
    (tenant, id, name, name_key, description, permissions, fields, data, administrator, origin, version, created_at_ms, updated_at_ms)
SELECT tenant, '00000000000000000000000001', 'Administrator', 'administrator', 'May do everything.', '["*"]', '{}', '{"scope":"all"}',
    1, 'setup', 1, created_at_ms, created_at_ms FROM tenants;
INSERT INTO roles
    (tenant, id, name, name_key, description, permissions, fields, data, administrator, origin, version, created_at_ms, updated_at_ms)
SELECT tenant, '00000000000000000000000002', 'Agent', 'agent', 'Takes calls.',
    '["agents.read","call.dial","calls.read","extensions.read","extensions.use","queues.read"]', '{}',
    '{"scope":"departments","own":true,"departments":[]}', 0, 'setup', 1, created_at_ms, created_at_ms FROM tenants;
INSERT INTO roles
    (tenant, id, name, name_key, description, permissions, fields, data, administrator, origin, version, created_at_ms, updated_at_ms)
SELECT sets.tenant, printf('%026d', 10 + sets.n), 'Role ' || sets.n, 'role ' || sets.n, '', sets.permissions, '{}', '{"scope":"all"}', 0, 'setup', 1,
    tenants.created_at_ms, tenants.created_at_ms
FROM (SELECT tenant, permissions, ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY permissions) AS n
      FROM (SELECT DISTINCT tenant, permissions FROM employees WHERE permissions <> '["*"]'
            AND permissions <> '["call.dial","calls.read","agents.read","queues.read","extensions.read","extensions.use"]') found) sets
JOIN tenants ON tenants.tenant = sets.tenant;
UPDATE employees SET
    login_key = lower(login),
    name_key = lower(name),
    department = '00000000000000000000000001',
    role = CASE permissions
        WHEN '["*"]' THEN '00000000000000000000000001'
        WHEN '["call.dial","calls.read","agents.read","queues.read","extensions.read","extensions.use"]' THEN '00000000000000000000000002'
        ELSE (SELECT roles.id FROM roles WHERE roles.tenant = employees.tenant AND roles.permissions = employees.permissions) END;
INSERT INTO employee_departments (tenant, employee_no, from_ms, to_ms, department)
SELECT tenant, employee_no, 0, NULL, department FROM employees;
ALTER TABLE employees DROP COLUMN permissions;
DROP INDEX employees_login;
CREATE UNIQUE INDEX employees_login ON employees (tenant, login_key);
CREATE UNIQUE INDEX employees_mobile ON employees (tenant, mobile_key);
CREATE INDEX employees_department ON employees (tenant, department);
CREATE INDEX employees_role ON employees (tenant, role);

-- A session keeps the departments of its sign-in (ORG-03, ORG-29). Those that run have none: everybody signs in once more.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN departments TEXT NOT NULL DEFAULT '{}';

ALTER TABLE api_tokens ADD COLUMN data TEXT NOT NULL DEFAULT '{"scope":"all"}';
