-- When each account was in touch and will be, so that "whom have we neglected" is one walk of an index; see store/touches.py.
-- Programs that don't write them would make them wrong, so none may run beside this.
-- compatible: 21

-- Each live engagement and meeting with a date, once for each account that it is of: as a parent, as the account of a
-- parent that is an opportunity, or as the account of a member. `kind` is 'engagement' or 'meeting'.
CREATE TABLE derived_touches (
    org {text} NOT NULL,
    account BIGINT NOT NULL,
    date BIGINT NOT NULL,
    kind {text} NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (org, account, date, kind, number)
) {clustered};
INSERT INTO derived_touches (org, account, date, kind, number)
SELECT e.org, CAST(substr(p.parent, 5) AS BIGINT), e.scheduled_date, 'engagement', e.number
FROM engagement_parents p JOIN engagements e ON e.org = p.org AND e.number = p.engagement
WHERE p.parent LIKE 'ACC-%' AND e.deleted_date IS NULL AND e.scheduled_date > -4611686018427387904
UNION SELECT e.org, o.account, e.scheduled_date, 'engagement', e.number
FROM engagement_parents p JOIN engagements e ON e.org = p.org AND e.number = p.engagement
JOIN opportunities o ON o.org = p.org AND o.number = CAST(substr(p.parent, 5) AS BIGINT)
WHERE p.parent LIKE 'OPP-%' AND e.deleted_date IS NULL AND e.scheduled_date > -4611686018427387904
UNION SELECT e.org, v.account, e.scheduled_date, 'engagement', e.number
FROM engagement_members m JOIN engagements e ON e.org = m.org AND e.number = m.engagement
JOIN users u ON u.org = m.org AND u.display_id = m.member
JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
WHERE m.member LIKE 'REVU-%' AND e.deleted_date IS NULL AND e.scheduled_date > -4611686018427387904
UNION SELECT m.org, CAST(substr(m.parent, 5) AS BIGINT), m.scheduled_date, 'meeting', m.number
FROM meetings m
WHERE m.parent LIKE 'ACC-%' AND m.deleted_date IS NULL AND m.scheduled_date > -4611686018427387904
UNION SELECT m.org, o.account, m.scheduled_date, 'meeting', m.number
FROM meetings m JOIN opportunities o ON o.org = m.org AND o.number = CAST(substr(m.parent, 5) AS BIGINT)
WHERE m.parent LIKE 'OPP-%' AND m.deleted_date IS NULL AND m.scheduled_date > -4611686018427387904
UNION SELECT m.org, v.account, m.scheduled_date, 'meeting', m.number
FROM terms t JOIN meetings m ON m.org = t.org AND m.number = t.number
JOIN users u ON u.org = t.org AND u.display_id = t.value
JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
WHERE t.field = 'meetings.members' AND t.value LIKE 'REVU-%'
AND m.deleted_date IS NULL AND m.scheduled_date > -4611686018427387904;

-- Of each account: its last touch, the next one and how many there were in 30 days, as it was at `as_of` and is until
-- `due_date`. A missing date is the smallest number. Here it is as before all time; the program goes on from there.
CREATE TABLE derived_rhythms (
    org {text} NOT NULL,
    account BIGINT NOT NULL,
    as_of BIGINT NOT NULL,
    last_date BIGINT NOT NULL,
    next_date BIGINT NOT NULL,
    recent BIGINT NOT NULL,
    due_date BIGINT NOT NULL,
    PRIMARY KEY (org, account)
) {clustered};
INSERT INTO derived_rhythms (org, account, as_of, last_date, next_date, recent, due_date)
SELECT a.org, a.number, -4611686018427387904, -4611686018427387904,
       COALESCE(t.first, -4611686018427387904), 0, COALESCE(t.first, 4611686018427387904)
FROM accounts a LEFT JOIN (
    SELECT org, account, min(date) AS first FROM derived_touches GROUP BY org, account
) t ON t.org = a.org AND t.account = a.number;
CREATE INDEX ix_derived_rhythms_last_date ON derived_rhythms (org, last_date, account);
CREATE INDEX ix_derived_rhythms_next_date ON derived_rhythms (org, next_date, account);
CREATE INDEX ix_derived_rhythms_recent ON derived_rhythms (org, recent, account);
CREATE INDEX ix_derived_rhythms_due_date ON derived_rhythms (org, due_date, account);
