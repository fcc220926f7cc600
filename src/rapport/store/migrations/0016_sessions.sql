-- Who is signed in to the console, and the one-time links that sign somebody in. Only hashes are kept.
-- compatible: 13

-- `token` is the number of the token that it was opened with; none, where it was a link.
CREATE TABLE sessions (
    hash {text} NOT NULL PRIMARY KEY,
    org {text} NOT NULL,
    user_id {text} NOT NULL,
    token BIGINT,
    created_date BIGINT NOT NULL,
    seen_date BIGINT NOT NULL
) {clustered};
CREATE INDEX ix_sessions_user ON sessions (org, user_id);
CREATE INDEX ix_sessions_seen_date ON sessions (seen_date);
CREATE TABLE login_links (
    hash {text} NOT NULL PRIMARY KEY,
    org {text} NOT NULL,
    user_id {text} NOT NULL,
    due_date BIGINT NOT NULL
) {clustered};
CREATE INDEX ix_login_links_org ON login_links (org);
