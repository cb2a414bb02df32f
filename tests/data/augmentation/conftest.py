"""Puts the folder above on the path, for augmented_corpus."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
