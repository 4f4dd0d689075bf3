"""Carry stress and strain from one step to the next: parts that appear or change, and relaxation."""
