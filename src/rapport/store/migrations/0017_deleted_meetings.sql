-- What a deleted meeting comes back with: who deleted it, its links, and its files, which are hidden meanwhile.
-- Programs that don't keep the sum of deleted ones would make it wrong, so none may run beside this.
-- compatible: 17
ALTER TABLE meetings ADD COLUMN deleted_by {text};
CREATE INDEX ix_meetings_deleted_date ON meetings (org, deleted_date, number) WHERE deleted_date IS NOT NULL;
UPDATE artifacts SET holder_deleted = 1 WHERE parent IS NOT NULL AND (org, parent) IN (
    SELECT org, 'MEETING-' || CAST(number AS TEXT) FROM meetings WHERE deleted_date IS NOT NULL);
-- Links of deleted objects, so that no question about links asks whether what they join lives. `holder` is the display
-- id of the end that was deleted, and with which a link comes back.
CREATE TABLE deleted_links (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    holder {text} NOT NULL,
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
CREATE INDEX ix_deleted_links_holder ON deleted_links (org, holder, number);
INSERT INTO derived_counts (org, field, value, stripe, number)
SELECT org, 'meetings.deleted', '', 0, count(*) FROM meetings WHERE deleted_date IS NOT NULL GROUP BY org;
