"""The process as a table: after each step its temperature, its time and the warpage; along a profile, point by point."""
