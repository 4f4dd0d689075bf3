"""Material properties: the library, temperature curves, relaxation, mixtures and composites."""
