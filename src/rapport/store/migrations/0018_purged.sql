-- What was told of an object is found when it goes for good.
-- compatible: 17

CREATE INDEX ix_webhook_deliveries_seq ON webhook_deliveries (org, seq);
-- A link's event shows what it joins.
CREATE INDEX ix_events_links ON events (org, seq) WHERE kind = 'link';
