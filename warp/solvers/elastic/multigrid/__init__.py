"""Precondition the elastic solve by one V-cycle: levels, transfer, smoothers, coarsest level."""
