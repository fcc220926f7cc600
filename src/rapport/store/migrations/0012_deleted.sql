-- What a deleted engagement comes back with: who deleted it, its comments, and its files, which are hidden meanwhile.
-- Programs that don't keep the sum of deleted ones would make it wrong, so none may run beside this.
-- compatible: 12
ALTER TABLE engagements ADD COLUMN deleted_by {text};
CREATE INDEX ix_engagements_deleted_date ON engagements (org, deleted_date, number) WHERE deleted_date IS NOT NULL;
-- 1 where what an artifact is bound to, or the object of the comment that it is bound to, is deleted.
ALTER TABLE artifacts ADD COLUMN holder_deleted BIGINT;
UPDATE artifacts SET holder_deleted = 1 WHERE parent IS NOT NULL AND (org, parent) IN (
    SELECT org, 'ENGAGEMENT-' || CAST(number AS TEXT) FROM engagements WHERE deleted_date IS NOT NULL);
-- Comments on deleted objects, so that no question about comments asks whether what they are on lives; their terms stay
-- where they are.
CREATE TABLE deleted_comments (
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
CREATE INDEX ix_deleted_comments_object ON deleted_comments (org, object, number);
INSERT INTO derived_counts (org, field, value, stripe, number)
SELECT org, 'engagements.deleted', '', 0, count(*) FROM engagements WHERE deleted_date IS NOT NULL GROUP BY org;
