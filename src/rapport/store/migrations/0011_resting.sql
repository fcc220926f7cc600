-- A receiver may ask to be left alone, whichever process it is that it asks.
-- compatible: 7

-- Until when, where it did.
ALTER TABLE webhooks ADD COLUMN resting_until BIGINT;
