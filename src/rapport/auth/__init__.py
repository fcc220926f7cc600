"""Tokens and rights (SPEC section 5): what a token looks like, who it stands for, and what it may do."""
