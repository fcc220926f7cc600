"""Tokens and rights (behaviour: Tokens and rights): what a token looks like, who it stands for,
and what it may do.
"""
