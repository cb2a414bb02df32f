"""The base of every error that nrsr raises for a user's mistake or a user's file."""


class NrsrError(Exception):
    """One line that names the file, line or key, and the cure; commands print it and exit with status 1."""
