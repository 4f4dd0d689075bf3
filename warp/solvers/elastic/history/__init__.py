"""Carry stress and strain from one step to the next: attached or changed parts, and relaxation."""
