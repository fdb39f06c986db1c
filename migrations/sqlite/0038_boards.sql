-- Why a queue chose the agent of an offer, as the fact says it; and from where on a figure of the wallboard asks for attention.
ALTER TABLE call_segments ADD COLUMN why TEXT;
ALTER TABLE tenants ADD COLUMN wallboard TEXT NOT NULL DEFAULT '{}';
