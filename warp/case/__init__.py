"""Read a case file into a checked description of package, materials, loads and steps, in SI."""
