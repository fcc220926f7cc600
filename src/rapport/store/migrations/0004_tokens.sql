-- What auth-tokens.* tells of a token beside what is checked on each request. NULL in modified_*: as it was made.
-- compatible: 1

ALTER TABLE tokens ADD COLUMN token_type {text} NOT NULL DEFAULT 'urn:devrev:params:oauth:token-type:pat';
ALTER TABLE tokens ADD COLUMN client_id {text};
ALTER TABLE tokens ADD COLUMN modified_by {text};
ALTER TABLE tokens ADD COLUMN modified_date BIGINT;
CREATE INDEX ix_tokens_user_id ON tokens (org, user_id, number);
