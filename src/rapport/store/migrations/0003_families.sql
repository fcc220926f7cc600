-- Links, and users' display pictures.
-- compatible: 1

-- The number of an artifact.
ALTER TABLE users ADD COLUMN display_picture BIGINT;
CREATE INDEX ix_users_rev_org ON users (org, rev_org) WHERE rev_org IS NOT NULL;

-- `source` and `target` are display ids, and the kinds those of what they name.
CREATE TABLE links (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    link_type {text} NOT NULL,
    custom_link_type {text},
    source {text} NOT NULL,
    source_kind {text} NOT NULL,
    target {text} NOT NULL,
    target_kind {text} NOT NULL,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE INDEX ix_links_source ON links (org, source, created_date, number);
CREATE INDEX ix_links_target ON links (org, target, created_date, number);
