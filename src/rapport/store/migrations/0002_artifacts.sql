-- Artifacts get versions. Their columns file_type, size and uploaded_date are those of the newest uploaded version.
-- compatible: 1

ALTER TABLE artifacts ADD COLUMN declared_type {text};
ALTER TABLE artifacts ADD COLUMN configuration_set {text};
ALTER TABLE artifacts ADD COLUMN current_version BIGINT;
ALTER TABLE artifacts ADD COLUMN last_version BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ix_artifacts_parent ON artifacts (org, parent, created_date, number) WHERE parent IS NOT NULL;
CREATE INDEX ix_artifacts_created_date ON artifacts (org, created_date, number);
CREATE INDEX ix_artifacts_orphans ON artifacts (modified_date) WHERE parent IS NULL;

-- One row per prepared upload; `blob`, `size`, `sha256` and the types are there once its bytes are.
CREATE TABLE artifact_versions (
    org {text} NOT NULL,
    artifact BIGINT NOT NULL,
    version BIGINT NOT NULL,
    blob {text},
    file_type {text},
    sniffed_type {text},
    size BIGINT,
    sha256 {text},
    prepared_by {text} NOT NULL,
    prepared_date BIGINT NOT NULL,
    uploaded_date BIGINT,
    PRIMARY KEY (org, artifact, version)
) {clustered};
CREATE INDEX ix_artifact_versions_prepared ON artifact_versions (prepared_date) WHERE uploaded_date IS NULL;

-- Blobs that no version has: being uploaded, or to be deleted. They stand here before their bytes are anywhere, so that
-- a crash loses sight of none; after `due_date` their bytes are removed.
CREATE TABLE loose_blobs (
    org {text} NOT NULL,
    blob {text} NOT NULL,
    due_date BIGINT NOT NULL,
    PRIMARY KEY (org, blob)
) {clustered};
CREATE INDEX ix_loose_blobs_due_date ON loose_blobs (due_date);
