"""The console: pages for people, by the same methods as the API, so that none can do what its
reader may not.
"""
