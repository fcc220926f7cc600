"""The API's reference, as a page."""
