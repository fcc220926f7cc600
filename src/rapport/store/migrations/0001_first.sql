-- Times are microseconds since 1970 in UTC. References to other objects are display ids ('DEVU-12') within the org.
-- compatible: 1

CREATE TABLE orgs (
    org {text} NOT NULL,
    name {text} NOT NULL,
    created_date BIGINT NOT NULL,
    PRIMARY KEY (org)
);

-- The last number given out, per org and kind. Numbers are never used twice, so this outlives the rows.
CREATE TABLE counters (
    org {text} NOT NULL,
    kind {text} NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (org, kind)
) {clustered};

-- All kinds of users, because a member, an owner or an author may be any of them.
CREATE TABLE users (
    org {text} NOT NULL,
    display_id {text} NOT NULL,
    kind {text} NOT NULL,
    number BIGINT NOT NULL,
    display_name {text},
    full_name {text},
    email {text},
    state {text} NOT NULL,
    role {text},
    external_ref {text},
    rev_org {text},
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    email_key {text},
    PRIMARY KEY (org, display_id)
);
CREATE UNIQUE INDEX uq_users_email_key ON users (org, email_key) WHERE kind = 'dev_user';
CREATE UNIQUE INDEX uq_users_external_ref ON users (org, external_ref) WHERE kind = 'rev_user';
CREATE INDEX ix_users_created_date ON users (org, kind, created_date, number);

CREATE TABLE tokens (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    hash {text} NOT NULL,
    user_id {text} NOT NULL,
    scope {text} NOT NULL,
    name {text} NOT NULL,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    expires_date BIGINT NOT NULL,
    revoked_date BIGINT,
    PRIMARY KEY (org, number)
);
CREATE UNIQUE INDEX uq_tokens_hash ON tokens (hash);

CREATE TABLE accounts (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    display_name {text} NOT NULL,
    tier {text},
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE INDEX ix_accounts_created_date ON accounts (org, created_date, number);

CREATE TABLE rev_orgs (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    account BIGINT NOT NULL,
    is_default BIGINT NOT NULL,
    display_name {text} NOT NULL,
    external_ref {text},
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE INDEX ix_rev_orgs_account ON rev_orgs (org, account, number);
CREATE UNIQUE INDEX uq_rev_orgs_external_ref ON rev_orgs (org, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE opportunities (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    title {text} NOT NULL,
    account BIGINT NOT NULL,
    external_ref {text},
    target_close_date BIGINT NOT NULL,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE INDEX ix_opportunities_created_date ON opportunities (org, created_date, number);
CREATE INDEX ix_opportunities_account ON opportunities (org, account, number);

CREATE TABLE tags (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    name {text} NOT NULL,
    allowed_values {text},
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE INDEX ix_tags_created_date ON tags (org, created_date, number);

-- An array field that a filter can name: one row per value. `owner` is a display id, `field` is '<table>.<field>'.
CREATE TABLE terms (
    org {text} NOT NULL,
    owner {text} NOT NULL,
    field {text} NOT NULL,
    position BIGINT NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (org, owner, field, position)
) {clustered};
CREATE INDEX ix_terms_value ON terms (org, field, value, owner);
CREATE UNIQUE INDEX uq_terms_value ON terms (org, value) WHERE field = 'accounts.external_refs';

-- `parent` is set once and never changes: an artifact has at most one parent, ever.
CREATE TABLE artifacts (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    parent {text},
    file_name {text} NOT NULL,
    file_type {text},
    size BIGINT,
    uploaded_date BIGINT,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    PRIMARY KEY (org, number)
);

-- `document` is the answer but for created_by and modified_by, whose names others can change.
-- A missing scheduled_date is the smallest number, so that it sorts before every date.
CREATE TABLE engagements (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    title {text} NOT NULL,
    engagement_type {text} NOT NULL,
    external_ref {text},
    scheduled_date BIGINT NOT NULL,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    deleted_date BIGINT,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE UNIQUE INDEX uq_engagements_external_ref ON engagements (org, external_ref)
    WHERE external_ref IS NOT NULL AND deleted_date IS NULL;
CREATE INDEX ix_engagements_created_date ON engagements (org, created_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_engagements_modified_date ON engagements (org, modified_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_engagements_scheduled_date ON engagements (org, scheduled_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_engagements_title ON engagements (org, title, number) WHERE deleted_date IS NULL;

CREATE TABLE engagement_members (
    org {text} NOT NULL,
    engagement BIGINT NOT NULL,
    position BIGINT NOT NULL,
    member {text} NOT NULL,
    PRIMARY KEY (org, engagement, position)
) {clustered};
CREATE INDEX ix_engagement_members_member ON engagement_members (org, member, engagement);

CREATE TABLE engagement_parents (
    org {text} NOT NULL,
    engagement BIGINT NOT NULL,
    position BIGINT NOT NULL,
    parent {text} NOT NULL,
    PRIMARY KEY (org, engagement, position)
) {clustered};
CREATE INDEX ix_engagement_parents_parent ON engagement_parents (org, parent, engagement);

CREATE TABLE engagement_tags (
    org {text} NOT NULL,
    engagement BIGINT NOT NULL,
    position BIGINT NOT NULL,
    tag {text} NOT NULL,
    value {text},
    PRIMARY KEY (org, engagement, position)
) {clustered};
CREATE INDEX ix_engagement_tags_tag ON engagement_tags (org, tag, engagement);

CREATE TABLE engagement_artifacts (
    org {text} NOT NULL,
    engagement BIGINT NOT NULL,
    position BIGINT NOT NULL,
    artifact {text} NOT NULL,
    PRIMARY KEY (org, engagement, position)
) {clustered};

CREATE TABLE idempotency_keys (
    org {text} NOT NULL,
    user_id {text} NOT NULL,
    method {text} NOT NULL,
    key {text} NOT NULL,
    request_hash {text} NOT NULL,
    answer {text} NOT NULL,
    created_date BIGINT NOT NULL,
    PRIMARY KEY (org, user_id, method, key)
) {clustered};
CREATE INDEX ix_idempotency_keys_created_date ON idempotency_keys (created_date);
