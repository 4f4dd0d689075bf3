"""Put the package on a grid: grid lines, material ids, boundary conditions, supports."""
