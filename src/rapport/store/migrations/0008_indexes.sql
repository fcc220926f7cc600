-- A filter with few rows is answered from its index: see store/kit/query.py.
-- compatible: 7

CREATE INDEX ix_engagements_created_by ON engagements (org, created_by, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_engagements_engagement_type ON engagements (org, engagement_type, number) WHERE deleted_date IS NULL;
CREATE INDEX ix_accounts_created_by ON accounts (org, created_by, number);
CREATE INDEX ix_accounts_display_name ON accounts (org, display_name, number);
CREATE INDEX ix_accounts_tier ON accounts (org, tier, number);
CREATE INDEX ix_opportunities_created_by ON opportunities (org, created_by, number);
CREATE INDEX ix_opportunities_modified_by ON opportunities (org, modified_by, number);
CREATE INDEX ix_opportunities_external_ref ON opportunities (org, external_ref, number);
CREATE INDEX ix_rev_orgs_created_by ON rev_orgs (org, created_by, number);
CREATE INDEX ix_rev_orgs_display_name ON rev_orgs (org, display_name, number);
CREATE INDEX ix_tags_name ON tags (org, name, number);

-- A list is read in its order, not sorted.
CREATE INDEX ix_accounts_modified_date ON accounts (org, modified_date, number);
CREATE INDEX ix_opportunities_modified_date ON opportunities (org, modified_date, number);
CREATE INDEX ix_opportunities_target_close_date ON opportunities (org, target_close_date, number);
CREATE INDEX ix_opportunities_title ON opportunities (org, title, number);
CREATE INDEX ix_rev_orgs_created_date ON rev_orgs (org, created_date, number);
CREATE INDEX ix_rev_orgs_modified_date ON rev_orgs (org, modified_date, number);
CREATE INDEX ix_tags_modified_date ON tags (org, modified_date, number);
