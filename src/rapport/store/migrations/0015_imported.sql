-- What is brought from elsewhere keeps its dates, and its event says so.
-- compatible: 13

-- 1 where the event is of such an object.
ALTER TABLE events ADD COLUMN imported BIGINT;
