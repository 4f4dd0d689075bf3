"""Conduct heat on the voxel grid: operator, multigrid, steady and transient solutions."""
