"""Sub-commands of `nrsr`, one thin file each: `add_arguments(parser)` and `run(args)`, which may return a status."""
