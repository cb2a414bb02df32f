"""Alignments: where phones begin, contexts, other models, and files, Kaldi's among them."""

import gzip

import numpy as np
import pytest

from nrsr.hmm.alignment_files import clean_names, parallel_alignments, read_alignments, write_alignments
from nrsr.hmm.alignments import AlignmentError, convert, is_reordered, pdf_classes, phone_contexts, phone_starts
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import Transitions, transitions_of
from nrsr.hmm.tree import PDF_CLASS, Leaf, Split, Table, Tree, monophone_tree
from nrsr.kaldi.objects import binary_bytes
from nrsr.kaldi.tables import open_table
from nrsr.kaldi.topo import topology_text

PHONES = {"<eps>": 0, "SIL": 1, "a": 2, "b": 3}
TOPOLOGY = Topology.from_text(topology_text([2, 3], [1], states=2, silence_states=1), "topo")
CLASSES = {phone: TOPOLOGY.classes(phone) for phone in TOPOLOGY.phones}
MONO = transitions_of(monophone_tree([[1], [2], [3]], CLASSES), TOPOLOGY)


def path(transitions: Transitions, states: list[tuple[int, int, int]], reorder: bool = True) -> list[int]:
    """Transition-ids of (phone, HMM state, frames) through a left-to-right model without context."""
    ids = []
    for phone, state, frames in states:
        own = np.flatnonzero((transitions.phone == phone) & (transitions.hmm_state == state))
        (loop,), (leave,) = own[transitions.self_loop[own]], own[~transitions.self_loop[own]]
        loops = [int(loop)] * (frames - 1)
        ids += [int(leave), *loops] if reorder else [*loops, int(leave)]
    return ids


# Silence, a, b, a with the frames of their states; then another utterance: b, b of one frame a state, silence.
FIRST = [(1, 0, 3), (2, 0, 2), (2, 1, 1), (3, 0, 1), (3, 1, 4), (2, 0, 1), (2, 1, 2)]
SECOND = [(3, 0, 1), (3, 1, 1), (3, 0, 1), (3, 1, 1), (1, 0, 2)]
UTTERANCES = np.repeat([0, 1], [14, 6])


@pytest.mark.parametrize("reorder", [True, False])
def test_phones_begin_where_they_were_put(reorder):
    ids = np.array(path(MONO, FIRST, reorder) + path(MONO, SECOND, reorder))
    assert is_reordered(MONO, ids, UTTERANCES) == reorder
    assert phone_starts(MONO, ids, UTTERANCES).tolist() == [0, 3, 6, 11, 14, 16, 18]


def test_contexts_end_at_the_utterance():
    ids = np.array(path(MONO, FIRST) + path(MONO, SECOND))
    contexts, segments = phone_contexts(MONO, ids, UTTERANCES, 3, 1)
    assert contexts.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 2], [3, 2, 0], [0, 3, 3], [3, 3, 1], [3, 1, 0]]
    assert np.bincount(segments).tolist() == [3, 3, 5, 3, 2, 2, 2]
    assert pdf_classes(MONO, ids).tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0]
    assert phone_starts(MONO, ids[:0], UTTERANCES[:0]).tolist() == []


def context_tree() -> Tree:
    """Phone a differs by what stands before it; silence and b do not."""
    silence = Table(PDF_CLASS, (Leaf(0),))
    a = Split(0, (1,), Table(PDF_CLASS, (Leaf(1), Leaf(2))), Table(PDF_CLASS, (Leaf(3), Leaf(4))))
    b = Table(PDF_CLASS, (Leaf(5), Leaf(6)))
    return Tree(3, 1, Table(1, (None, silence, a, b)))


def test_alignments_are_converted_to_the_pdfs_of_another_tree_and_back():
    tree = context_tree()
    tri = transitions_of(tree, TOPOLOGY)
    ids = np.array(path(MONO, FIRST) + path(MONO, SECOND), np.int32)
    converted = convert(ids, UTTERANCES, MONO, tri, tree)
    assert tri.pdf[converted].tolist() == [0, 0, 0, 1, 1, 2, 5, 6, 6, 6, 6, 3, 4, 4, 5, 6, 5, 6, 0, 0]
    assert (tri.self_loop[converted] == MONO.self_loop[ids]).all()
    mono_tree = monophone_tree([[1], [2], [3]], CLASSES)
    assert convert(converted, UTTERANCES, tri, MONO, mono_tree).tolist() == ids.tolist()


def test_an_alignment_of_other_phones_is_refused():
    smaller = Topology({phone: TOPOLOGY.entries[phone] for phone in (1, 2)})
    tree = monophone_tree([[1], [2]], CLASSES)
    ids = np.array(path(MONO, FIRST), np.int32)
    with pytest.raises(AlignmentError, match="phone 3: differs"):
        convert(ids, np.zeros(14), MONO, transitions_of(tree, smaller), tree)


def written(tmp_path) -> dict[str, np.ndarray]:
    alignments = {"u2": np.array(path(MONO, SECOND), np.int32), "u1": np.array(path(MONO, FIRST), np.int32)}
    write_alignments(tmp_path, alignments, {"u3": "3 frames are too short"}, MONO, PHONES)
    return alignments


def test_alignments_are_written_as_tables_and_times_of_phones(tmp_path):
    alignments = written(tmp_path)
    pdfs = open_table(tmp_path / "ali.scp")
    assert list(pdfs) == ["u1", "u2"] and pdfs["u2"].tolist() == [3, 4, 3, 4, 0, 0]
    assert pdfs["u1"].dtype == np.int32
    lines = (tmp_path / "phone.ctm").read_text().splitlines()
    assert lines[:3] == ["u1 1 0.000 0.030 SIL", "u1 1 0.030 0.030 a", "u1 1 0.060 0.050 b"]
    assert lines[-1] == "u2 1 0.040 0.020 SIL" and len(lines) == 7
    assert (tmp_path / "unaligned").read_text() == "u3 3 frames are too short\n"
    again = read_alignments(tmp_path, MONO)
    assert {name: ids.tolist() for name, ids in again.items()} == {n: ids.tolist() for n, ids in alignments.items()}


def gzip_table(file, table: dict[str, list[int]]) -> None:
    parts = [name.encode() + b" " + binary_bytes(np.array(ids, "<i4"), False) for name, ids in table.items()]
    file.write_bytes(gzip.compress(b"".join(parts)))


def test_kaldis_alignments_are_read_in_the_order_of_their_jobs(tmp_path):
    for job in range(1, 12):
        gzip_table(tmp_path / f"ali.{job}.gz", {f"u{job:02d}": path(MONO, FIRST)})
    assert list(read_alignments(tmp_path, MONO)) == [f"u{job:02d}" for job in range(1, 12)]
    (tmp_path / "ali.3.gz").unlink()
    with pytest.raises(AlignmentError, match=r"ali\.3\.gz is missing"):
        read_alignments(tmp_path, MONO)
    gzip_table(tmp_path / "ali.3.gz", {"u04": path(MONO, FIRST)})
    with pytest.raises(AlignmentError, match="u04 is in another"):
        read_alignments(tmp_path, MONO)


def test_alignments_of_another_model_are_refused(tmp_path):
    with pytest.raises(AlignmentError, match="neither trans_ali.scp nor"):
        read_alignments(tmp_path, MONO)
    gzip_table(tmp_path / "ali.1.gz", {"u1": [1, 2, 99]})
    with pytest.raises(AlignmentError, match=r"u1 is none to the transition-ids .*1 to 10"):
        read_alignments(tmp_path, MONO)


def test_noisy_utterances_find_their_clean_ones():
    known = {"u1": 0, "u2": 0, "a-c1": 0}
    found = clean_names(["u1", "u2-c1", "u2-c12", "x", "a-c1", "z"], {"z": "u2", "x": "nobody"}, known)
    assert found == {"u1": "u1", "u2-c1": "u2", "u2-c12": "u2", "a-c1": "a-c1", "z": "u2"}


def test_noisy_utterances_at_another_speed_find_their_clean_ones_at_that_speed():
    known = {"u0": 0, "sp0.9-u0": 0, "sp0.9-sp1.1-u0": 0, "sp1-u0": 0}
    names = ["u1", "sp0.9-u1", "sp0.9-sp1.1-u1", "sp0.9-u0-c1", "sp1.1-u1", "sp1-u1"]
    found = clean_names(names, {**dict.fromkeys(names, "u0"), "sp1-u1": "sp1-u0"}, known)
    assert found == {
        "u1": "u0",
        "sp0.9-u1": "sp0.9-u0",
        "sp0.9-sp1.1-u1": "sp0.9-sp1.1-u0",
        "sp0.9-u0-c1": "sp0.9-u0",
        "sp1.1-u1": "u0",  # refused afterwards, since the numbers of frames differ
        "sp1-u1": "sp1-u0",
    }


def test_mixtures_of_speech_at_other_speeds_find_it():
    known = {"a": 0, "sp0.9-a": 0}
    for at_other_speed in ("a", "sp0.9-a"):  # utt2uniq names the first speech of all, or that at the same speed
        originals = {"sp0.9-a-c1": at_other_speed, "sp0.9-a": at_other_speed, "a-c2": "a"}
        assert clean_names(list(originals), originals, known) == {
            "sp0.9-a-c1": "sp0.9-a", "sp0.9-a": "sp0.9-a", "a-c2": "a"
        }  # fmt: skip


def test_parallel_speech_must_have_as_many_frames():
    alignments = {"u1": np.ones(14, np.int32), "u2": np.ones(6, np.int32)}
    sources = {"u1-c1": "u1", "u2-c1": "u2"}
    assert list(parallel_alignments(alignments, sources, {"u1-c1": 14, "u2-c1": 6}, "data/x")) == ["u1-c1", "u2-c1"]
    with pytest.raises(AlignmentError, match="data/x: 1 of 2 utterances .* u2-c1 with 7 against 6"):
        parallel_alignments(alignments, sources, {"u1-c1": 14, "u2-c1": 7}, "data/x")
