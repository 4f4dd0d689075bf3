"""Solve the discrete equations: heat conduction and thermo-elasticity, independent rooms."""
