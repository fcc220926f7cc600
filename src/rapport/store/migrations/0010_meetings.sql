-- Meetings. Who took part, tags and custom fields are terms.
-- compatible: 7

-- `document` is what else is answered. `parent` and `organizer` are display ids. A missing date is the smallest number,
-- so that it sorts before every date.
CREATE TABLE meetings (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    title {text} NOT NULL,
    channel {text} NOT NULL,
    state {text} NOT NULL,
    parent {text},
    organizer {text},
    external_ref {text},
    scheduled_date BIGINT NOT NULL,
    ended_date BIGINT NOT NULL,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    deleted_date BIGINT,
    document {text} NOT NULL,
    PRIMARY KEY (org, number)
);
CREATE UNIQUE INDEX uq_meetings_external_ref ON meetings (org, external_ref)
    WHERE external_ref IS NOT NULL AND deleted_date IS NULL;
CREATE INDEX ix_meetings_created_date ON meetings (org, created_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_modified_date ON meetings (org, modified_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_scheduled_date ON meetings (org, scheduled_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_ended_date ON meetings (org, ended_date, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_title ON meetings (org, title, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_created_by ON meetings (org, created_by, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_organizer ON meetings (org, organizer, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_channel ON meetings (org, channel, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_meetings_state ON meetings (org, state, number) WHERE deleted_date IS NULL;
-- Of deleted ones too: what became of them stands in their parent's roll-up timeline.
CREATE INDEX ix_meetings_parent ON meetings (org, parent, number) WHERE parent IS NOT NULL;

-- Which meetings have links at all.
CREATE INDEX ix_links_source_kind ON links (org, source_kind, source);
