"""The machine: CPU or GPU, its memory, compiled kernels and where they are stored."""
