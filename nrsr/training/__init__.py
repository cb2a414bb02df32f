"""Training: the one loop, schedules, checkpoints, averaging, experiment folders."""
