"""The engagements, as a Django app."""
