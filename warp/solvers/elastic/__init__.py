"""Solve thermo-elasticity on the staggered voxel grid: operator, load, solution, stress."""
