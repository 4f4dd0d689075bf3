"""Kernels that only the host runs, before or after a solve; they have no CUDA twin."""
