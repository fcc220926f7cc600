-- What happened, one row per change, written in the transaction of the change.
-- compatible: 1

-- `seq` only grows, per org. `object` is a display id. `document` is the object as it was answered after the change, and
-- only its ids once it is deleted; `before` is what the changed fields were (null: absent), or all of a deleted object.
-- Not clustered: rows are long, and are appended.
-- `deltas` has [before, after] by field, with long texts as hash and length: it outlives the other two.
CREATE TABLE events (
    org {text} NOT NULL,
    seq BIGINT NOT NULL,
    kind {text} NOT NULL,
    action {text} NOT NULL,
    object {text} NOT NULL,
    actor {text} NOT NULL,
    date BIGINT NOT NULL,
    document {text},
    before {text},
    deltas {text},
    PRIMARY KEY (org, seq)
);
CREATE INDEX ix_events_object ON events (org, object, date, seq);

-- Up to which `seq` an org's feed is no longer whole.
CREATE TABLE event_floors (
    org {text} NOT NULL,
    floor BIGINT NOT NULL,
    PRIMARY KEY (org)
);

-- Comments on the objects that have a timeline. `object` is a display id; who may read a private one, labels and panels
-- are in terms.
CREATE TABLE comments (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    object {text} NOT NULL,
    visibility {text} NOT NULL,
    external_ref {text},
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE UNIQUE INDEX uq_comments_external_ref ON comments (org, external_ref) WHERE external_ref IS NOT NULL;
-- What artifacts on a comment are bound to.
CREATE INDEX ix_comments_path ON comments (org, (object || ':COMMENT-' || CAST(number AS TEXT)));
CREATE INDEX ix_comments_object ON comments (org, object, created_date, number);
