-- An address may stand in an id's place, whosever it is.
-- compatible: 13

CREATE INDEX ix_users_email_key ON users (org, email_key);
