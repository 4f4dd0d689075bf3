"""Turn fields into numbers and store both in one HDF5 file."""
