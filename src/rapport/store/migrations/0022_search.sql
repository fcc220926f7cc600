-- The words of everything that can be searched, filled and made anew by the program: see store/indexed.py and
-- store/kit/postings.py. Programs that don't note what they change would make them wrong, so none may run beside this.
-- compatible: 22

-- `words` has the words of a block that begin with `head`, and behind each one the places in the block that have it.
CREATE TABLE derived_search (
    org {text} NOT NULL,
    kind BIGINT NOT NULL,
    block BIGINT NOT NULL,
    head {text} NOT NULL,
    words {text} NOT NULL,
    PRIMARY KEY (org, kind, block, head)
);
-- What changed since its words were written.
CREATE TABLE derived_search_pending (
    org {text} NOT NULL,
    kind BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (org, kind, number)
) {clustered};
-- Objects with a new name, and how far what refers to them was written with it: up to a number of a kind.
CREATE TABLE derived_search_renamed (
    org {text} NOT NULL,
    object {text} NOT NULL,
    kind BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (org, object)
) {clustered};
-- How far a store that was there before is indexed: up to a number of an org of a kind. Gone when done.
CREATE TABLE derived_search_progress (
    kind BIGINT NOT NULL,
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (kind)
) {clustered};
INSERT INTO derived_search_progress (kind, org, number) VALUES (0, '', 0);
