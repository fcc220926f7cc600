-- Work that one process of many does from time to time: who has it until when, and how it went.
-- compatible: 17

-- `succeeded` is when the last run began that went well, `failed` when the last one ended that did not; `problem` is why.
CREATE TABLE schedules (
    name {text} NOT NULL PRIMARY KEY,
    holder {text},
    held_until BIGINT,
    succeeded BIGINT,
    failed BIGINT,
    problem {text}
) {clustered};
