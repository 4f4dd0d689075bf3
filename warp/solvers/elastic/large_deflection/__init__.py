"""Plates that bend by more than their thickness."""
