-- The language that a tenant's callers are spoken to.
ALTER TABLE tenants ADD COLUMN language TEXT NOT NULL DEFAULT 'zh-CN';
