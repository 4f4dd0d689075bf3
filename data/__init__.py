"""Data that ships with the program: the material library, packages, benchmark tables."""
