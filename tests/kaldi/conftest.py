"""Puts this folder on the path, for toy_datadirs, and gives the tests that use it an empty folder."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def datadirs_in_tmp(tmp_path, monkeypatch):
    """An empty current folder, whose files are not waited for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of small files: do not wait for the disk
