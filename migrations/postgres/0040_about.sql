-- What "About us" shows of an enterprise (GEN-01), and after how many minutes a lock is lifted by itself (LOGIN-06); 0: never.
ALTER TABLE tenants ADD COLUMN product TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN hotline TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN website TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN auto_unlock_min BIGINT NOT NULL DEFAULT 0;
