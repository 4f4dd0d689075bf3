"""Solve the discrete equations: conduction of heat and thermo-elasticity, which never import each other."""
