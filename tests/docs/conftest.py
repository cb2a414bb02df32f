"""The corpus of docs/add-a-corpus.md as the command `nrsr prepare mycorpus`."""

import sys
from types import ModuleType

import pytest
from pages import blocks

from nrsr.corpora import CORPORA


@pytest.fixture
def mycorpus(monkeypatch) -> ModuleType:
    """The page's module, known to nrsr by the page's line."""
    source, line = blocks("docs/add-a-corpus.md", "python")
    module = ModuleType("nrsr.corpora.mycorpus")
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(CORPORA, "mycorpus", "")
    exec(line, {"CORPORA": CORPORA})
    return module
