"""Puts this folder on the path, for toy_librimix, and makes the parts that LibriMix is made from."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """The parts of LibriMix: LibriSpeech/train-clean-100, wham_noise/tr, metadata for two and three speakers."""
    from toy_librimix import write_parts

    root = tmp_path_factory.mktemp("parts")
    write_parts(root)
    return root
