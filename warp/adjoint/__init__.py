"""Differentiate metrics by every input: one more solve with the same operator and V-cycle."""
