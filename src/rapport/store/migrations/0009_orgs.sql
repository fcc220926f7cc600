-- Orgs are renamed and deleted. NULL in modified_*: as it was made.
-- compatible: 7

-- `deleted_date` says that nobody gets in any more, and that the rows are on their way out; see store/dev_orgs.py.
ALTER TABLE orgs ADD COLUMN modified_by {text};
ALTER TABLE orgs ADD COLUMN modified_date BIGINT;
ALTER TABLE orgs ADD COLUMN deleted_date BIGINT;
