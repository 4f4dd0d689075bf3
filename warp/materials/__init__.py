"""Answer for material properties: the library, temperature curves, relaxation, mixtures and composites."""
