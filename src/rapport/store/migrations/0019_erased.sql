-- Who is erased keeps nothing but their ids. A number is when; their state is `deleted`.
-- compatible: 17

ALTER TABLE users ADD COLUMN erased_date BIGINT;
