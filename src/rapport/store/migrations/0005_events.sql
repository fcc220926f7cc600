-- What happened, one row per change, written in the transaction of the change.
-- compatible: 1

-- `seq` only grows, per org. `object` is a display id. `document` is the object as it was answered after the change, and
-- only its ids once it is deleted; `before` is what the changed fields were (null: absent), or all of a deleted object.
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
) {clustered};
CREATE INDEX ix_events_object ON events (org, object, seq);
CREATE INDEX ix_events_date ON events (date);
