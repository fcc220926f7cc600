-- How many live engagements have a value in a field: written with what they count, made anew by copies. Programs that
-- don't write them would make them wrong, so none may run beside this.
-- compatible: 7

-- `field` is '<table>.<field>'; under the table's name and an empty value is the sum of all. Who adds does it in a row
-- of their own (`stripe`), so that two commits don't wait for each other.
CREATE TABLE derived_counts (
    org {text} NOT NULL,
    field {text} NOT NULL,
    value {text} NOT NULL,
    stripe BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (org, field, value, stripe)
) {clustered};
INSERT INTO derived_counts (org, field, value, stripe, number)
SELECT org, 'engagements', '', 0, count(*) FROM engagements
WHERE deleted_date IS NULL GROUP BY org UNION ALL
SELECT org, 'engagements.engagement_type', engagement_type, 0, count(*) FROM engagements
WHERE deleted_date IS NULL GROUP BY org, engagement_type UNION ALL
SELECT org, 'engagements.created_by', created_by, 0, count(*) FROM engagements
WHERE deleted_date IS NULL GROUP BY org, created_by UNION ALL
SELECT l.org, 'engagements.members', l.member, 0, count(*) FROM engagement_members l
JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
GROUP BY l.org, l.member UNION ALL
SELECT l.org, 'engagements.parent', l.parent, 0, count(*) FROM engagement_parents l
JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
GROUP BY l.org, l.parent UNION ALL
SELECT l.org, 'engagements.tags', l.tag, 0, count(*) FROM engagement_tags l
JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
GROUP BY l.org, l.tag;
