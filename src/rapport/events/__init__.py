"""The events of every change, in order."""
