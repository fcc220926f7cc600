-- Who is told of events, what they are told, and how each attempt went.
-- compatible: 1

-- A secret signs, so unlike a token's it has to be here as it is. `event_types` and `headers` are JSON arrays.
-- `position` is the seq of the last event that was looked at for this webhook; `succeeded_date` and `degraded_date`
-- decide whether its receiver is given up, and what is sent again once it is back.
CREATE TABLE webhooks (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    url {text} NOT NULL,
    status {text} NOT NULL,
    event_types {text} NOT NULL,
    headers {text} NOT NULL,
    secret {text} NOT NULL,
    secret_before {text},
    secret_changed_date BIGINT,
    position BIGINT NOT NULL,
    succeeded_date BIGINT NOT NULL,
    degraded_date BIGINT,
    created_by {text} NOT NULL,
    created_date BIGINT NOT NULL,
    modified_by {text} NOT NULL,
    modified_date BIGINT NOT NULL,
    PRIMARY KEY (org, number)
);

-- What a webhook is told once. `state`: pending or, for challenges, verify; sending or verifying while an attempt is
-- under way; then delivered or failed. `due` is when an attempt is due, when a claim ends, or when it was over: so
-- what a killed process had claimed falls due by itself. `seq` is the event's; a `document` stands in for the event.
-- `tries` counts the attempts since it was last asked for, `attempts` all of them.
CREATE TABLE webhook_deliveries (
    org {text} NOT NULL,
    number BIGINT NOT NULL,
    webhook BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    type {text} NOT NULL,
    object {text} NOT NULL,
    state {text} NOT NULL,
    tries BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    created_date BIGINT NOT NULL,
    document {text},
    PRIMARY KEY (org, number)
) {clustered};
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (org, webhook, state, due, seq);
CREATE INDEX ix_webhook_deliveries_created_date ON webhook_deliveries (org, created_date, number);

-- `answer` is the first bytes of the receiver's, as text. `duration` is in milliseconds.
CREATE TABLE webhook_attempts (
    org {text} NOT NULL,
    delivery BIGINT NOT NULL,
    number BIGINT NOT NULL,
    date BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    http_status BIGINT,
    answer {text},
    error {text},
    PRIMARY KEY (org, delivery, number)
) {clustered};
