"""Data directories in, data directories out: mixing, speed, features, subsets, parts and sums."""
