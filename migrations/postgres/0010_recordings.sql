-- Where a recording was paused and resumed, and by whom (REC-08).
ALTER TABLE recordings ADD COLUMN marks TEXT NOT NULL DEFAULT '[]';
