"""An experiment folder: its config, checkpoints, metadata of the training data, and versions."""
