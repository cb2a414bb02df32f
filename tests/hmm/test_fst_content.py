"""FST files as arrays: what is read is what the library wrote, and what could crash or never end is refused by name."""

import shutil
import struct

import kaldifst
import numpy as np
import pytest
from toy_monophones import write_monophones

from nrsr.hmm.fst_content import FstError, check_labels, parse_fst, refuse_endless
from nrsr.hmm.fst_files import load_content, read_fst, to_library, write_fst
from nrsr.hmm.grammar import all_words, word_loop
from nrsr.hmm.graph import GraphOptions
from nrsr.hmm.graph_folder import Graph, make_graph, read_num_pdfs
from nrsr.hmm.prepare_lang import Pronunciations, write_lang
from nrsr.kaldi.checksums import CHECKSUMS, ChecksumError
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.lists import ListError
from nrsr.kaldi.make_lang import LangOptions

TEXT = "0 1 1 3 0.5\n0 2 0 4 1\n1 2 2 0 0.25\n2 0 5 1\n2 0.75\n"
HEADER = 66  # bytes before the first state, without symbol tables


def content_of(text: str, tmp_path) -> bytes:
    write_fst(kaldifst.compile(text), tmp_path / "x.fst")
    return (tmp_path / "x.fst").read_bytes()


def test_arrays_and_back(tmp_path):
    fst = parse_fst(content_of(TEXT, tmp_path), "x.fst")
    arcs = fst.arcs
    assert (fst.start, fst.counts.tolist()) == (0, [2, 1, 1])
    assert fst.body[arcs].tolist() == [1, 0, 2, 5] and fst.body[arcs + 1].tolist() == [3, 4, 0, 1]
    assert fst.body.view(np.float32)[arcs + 2].tolist() == [0.5, 1, 0.25, 0]
    assert fst.sources.tolist() == [0, 0, 1, 2] and fst.body[arcs + 3].tolist() == [1, 2, 2, 0]
    again = to_library(fst, "x.fst")
    assert again.to_str(show_weight_one=True) == kaldifst.compile(TEXT).to_str(show_weight_one=True)


def test_symbol_tables_in_a_file_are_passed_over(tmp_path):
    content = content_of(TEXT, tmp_path)
    table = struct.pack("<i", 2125658996) + struct.pack("<i", 1) + b"t" + struct.pack("<qq", 2, 1)
    table += struct.pack("<i", 3) + b"one" + struct.pack("<q", 1)
    flags = content[:26] + struct.pack("<ii", 2, 3) + content[34:HEADER]
    assert content[26:34] == struct.pack("<ii", 2, 0)
    fst = parse_fst(flags + table + table + content[HEADER:], "x.fst")
    assert fst.written() == parse_fst(content, "x.fst").written()


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (HEADER + 4, struct.pack("<q", 1 << 40), "truncated or broken"),  # arcs of the first state
        (HEADER + 4, struct.pack("<q", -1), "truncated or broken"),
        (HEADER + 12, struct.pack("<i", -5), "input label -5"),
        (HEADER + 16, struct.pack("<i", -5), "output label -5"),
        (HEADER + 20, struct.pack("<f", np.nan), "weights that are no costs"),
        (HEADER + 20, struct.pack("<f", -np.inf), "weights that are no costs"),
        (HEADER + 20, struct.pack("<f", -2e38), "weights that are no costs"),
        (HEADER, struct.pack("<f", np.nan), "weights that are no costs"),
        (HEADER + 24, struct.pack("<i", 3), "an arc to state 3 of 3"),
        (HEADER - 16, struct.pack("<q", 9), "announces 9 states"),
        (HEADER - 16, struct.pack("<q", 2), "truncated or broken"),
        (HEADER - 24, struct.pack("<q", 7), "start 7"),
        (4, struct.pack("<i", 1 << 30), "truncated or broken"),
        (26, struct.pack("<i", 9), "version 9"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, place, value, what):
    content = bytearray(content_of(TEXT, tmp_path))
    content[place : place + len(value)] = value
    with pytest.raises(FstError, match=rf"^x.fst: .*{what}") as caught:
        parse_fst(bytes(content), "x.fst")
    assert "\n" not in str(caught.value)


def test_cycles_without_input(tmp_path):
    for text, free, falls in [
        ("0 1 0 1 1\n1 0 0 0 -2\n1 2 1 1\n2\n", True, True),
        ("0 1 0 1 1\n1 0 0 0 2\n1 2 1 1\n2\n", True, False),
        ("0 0 0 1 -1\n0\n", True, True),
        ("0 1 0 1 -1\n1 2 0 1 -1\n0 2 0 1 -1\n2\n", False, False),
        ("0 1 0 1 -1\n1 0 3 1 -1\n0\n", False, False),
    ]:
        fst = parse_fst(content_of(text, tmp_path), "x.fst")
        for any_cycle, refused in ((True, free), (False, falls)):
            if refused:
                with pytest.raises(FstError, match="x.fst: goes round without input"):
                    refuse_endless(fst, "x.fst", any_cycle=any_cycle)
            else:
                refuse_endless(fst, "x.fst", any_cycle=any_cycle)


def test_labels(tmp_path):
    fst = parse_fst(content_of(TEXT, tmp_path), "x.fst")
    check_labels(fst, "input", [1, 2, 5], "x.fst", "phones.txt")
    with pytest.raises(FstError, match="x.fst: has the input label 2, which phones.txt does not have"):
        check_labels(fst, "input", [1, 5, 7], "x.fst", "phones.txt")
    with pytest.raises(FstError, match="has the output label 4, which words.txt"):
        check_labels(fst, "output", {1: "a", 3: "b", 1 << 40: "c"}, "x.fst", "words.txt")
    with pytest.raises(FstError, match="input label 5, which phones.txt"):
        read_fst(tmp_path / "x.fst", inputs=[1, 2])


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    words = [Pronunciation("one", ("A", "B")), Pronunciation("two", ("B",)), Pronunciation("<unk>", ("SPN",))]
    lang = write_lang(Pronunciations(dictionary_of(words), []), folder / "lang", LangOptions(states=1))
    write_monophones(lang, folder / "model")
    make_graph(folder / "lang", folder / "model", word_loop(all_words(lang), lang), folder / "graph", GraphOptions())
    return folder


def spoilt_bit(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["HCLG.fst", "words.txt", "num_pdfs", "transition_pdfs.int", "phones/silence.csl"])
def test_changed_graphs(toy, tmp_path, name):
    graph = shutil.copytree(toy / "graph", tmp_path / "graph")
    assert Graph.load(graph).num_pdfs == read_num_pdfs(graph)
    (graph / name).write_bytes(b" " + (graph / name).read_bytes())
    with pytest.raises(ChecksumError, match=f"graph/{name}: has .* bytes, .* were written; make .* anew, or,"):
        Graph.load(graph)
    (graph / CHECKSUMS).unlink()
    (graph / name).unlink()
    if not name.startswith("phones/"):
        with pytest.raises((FstError, ListError), match=name):
            Graph.load(graph)


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("transition_pdfs.int", lambda text: text.replace("1\n", "2000000000\n", 1), "must hold whole numbers"),
        ("transition_pdfs.int", lambda text: text.replace("1\n", "900\n", 1), "has pdf .*900, num_pdfs says"),
        ("transition_pdfs.int", lambda text: "0\n", "has the input label .*, which transition_pdfs.int does not have"),
        ("transition_pdfs.int", lambda text: "-1\n" + text, "must hold whole numbers"),
        ("num_pdfs", lambda text: "", "num_pdfs: must hold one number above 0"),
        ("num_pdfs", lambda text: "1\n", "num_pdfs says 1"),
        ("words.txt", lambda text: text.replace("two 3", "two 1000000000"), "has the output label 3"),
        ("words.txt", lambda text: text.replace("two 3", "two 9" + "9" * 5000), "where its number should be"),
    ],
)
def test_files_of_a_graph_without_checksums_must_fit(toy, tmp_path, name, change, what):
    graph = shutil.copytree(toy / "graph", tmp_path / "graph")
    (graph / CHECKSUMS).unlink()
    before = (graph / name).read_text()
    (graph / name).write_text(change(before))
    assert change(before) != before
    with pytest.raises((FstError, ListError), match=what) as caught:
        Graph.load(graph)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_changed_lang_folders(toy, tmp_path):
    lang = shutil.copytree(toy / "lang", tmp_path / "lang")
    spoilt_bit(lang / "L.fst")
    with pytest.raises(ChecksumError, match="L.fst: its bytes are not those that were written"):
        load_content(lang / "L.fst")
    Lang.load(lang)
    spoilt_bit(lang / "phones" / "sets.int")
    with pytest.raises(ChecksumError, match="phones/sets.int: its bytes"):
        Lang.load(lang)
    (lang / CHECKSUMS).write_text("L.fst x\n")
    with pytest.raises(ChecksumError, match="checksums: 'L.fst' needs a size and a SHA-256"):
        Lang.load(lang)
