"""Precondition heat conduction by one V-cycle: levels, transfer, coarsest level."""
