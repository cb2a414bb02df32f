"""Decoding graphs and WFST decoding: costs against a Viterbi search by hand, oracle scores, and bad input."""

import itertools
import math

import numpy as np
import pytest

from nrsr.hmm.fst_content import FstError
from nrsr.hmm.fst_files import read_fst
from nrsr.hmm.grammar import all_words, word_loop
from nrsr.hmm.graph import GraphOptions, decoding_graph
from nrsr.hmm.graph_folder import Graph, write_graph
from nrsr.hmm.prepare_lang import Pronunciations, find_pronunciations, write_lang
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import PDF_CLASS, Leaf, Split, Table, Tree, monophone_tree
from nrsr.inference.wfst import WfstDecoder, WfstError, WfstSettings
from nrsr.kaldi.binary import BinaryWriter
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.make_lang import LangOptions

# Words that begin others, sound alike (then the cheaper one wins) and are silence.
WORDS = {"a": "A", "ab": "A B", "bee": "B", "be": "B", "aab": "A A B"}
PROBABILITY = {"bee": 0.5}
SILENCE = 0.3
WEIGHTS = {"a": 1.0, "ab": 2.0, "bee": 1.0, "be": 3.0, "aab": 1.0}
OPTIONS = GraphOptions(transition_scale=1.0, self_loop_scale=0.3)


def small_lang(folder) -> Lang:
    entries = [Pronunciation(word, tuple(phones.split()), PROBABILITY.get(word, 1.0)) for word, phones in WORDS.items()]
    dictionary = dictionary_of([*entries, Pronunciation("<unk>", ("SPN",))])
    options = LangOptions(states=1, silence_states=3, silence_probability=SILENCE)
    return write_lang(Pronunciations(dictionary, []), folder, options)


def tree_of(lang: Lang, width: int) -> Tree:
    """Without context, or with questions about both neighbours of A and B."""
    topology = Topology.from_text(lang.topo, "topo")
    if width == 1:
        return monophone_tree(lang.sets, {phone: topology.classes(phone) for phone in topology.phones})
    silence, a, b = (lang.phones[phone] for phone in ("SIL", "A", "B"))
    quiet = Table(PDF_CLASS, tuple(Leaf(pdf) for pdf in range(3)))
    left = Split(0, (0, silence), Leaf(3), Split(2, (a,), Leaf(4), Leaf(5)))
    right = Split(2, (0, silence, b), Leaf(6), Split(0, (a,), Leaf(7), Leaf(8)))
    return Tree(3, 1, Split(1, tuple(lang.silence), quiet, Split(1, (a,), left, right)))


def sentences(frames: int):
    """(words, phones, cost) of all that fits into so many frames, silences of three frames at least included."""
    total = sum(WEIGHTS.values())
    take, skip = -math.log(SILENCE), -math.log(1 - SILENCE)
    for count in range(frames + 1):
        for words in itertools.product(WORDS, repeat=count):
            spoken = [WORDS[word].split() for word in words]
            if sum(map(len, spoken)) > frames:
                continue
            graph = sum(-math.log(WEIGHTS[word] / total * PROBABILITY.get(word, 1.0)) for word in words)
            for silent in itertools.product((False, True), repeat=count + 1):
                gaps = [["SIL"] if gap else [] for gap in silent]
                phones = gaps[0] + [phone for word, gap in zip(spoken, gaps[1:], strict=True) for phone in word + gap]
                if phones and sum(3 if phone == "SIL" else 1 for phone in phones) <= frames:
                    yield " ".join(words), phones, graph + sum(take if gap else skip for gap in silent)


def viterbi(phones, scores, lang, tree, transitions):
    """Cost of the best path of the HMMs of some phones, by plain dynamic programming over their states."""
    ids = [lang.phones[phone] for phone in phones]
    padded = [0, *ids, 0]
    topology, log_probs = transitions.topology, transitions.log_probs
    starts = np.cumsum([0, *(len(topology.entries[phone]) - 1 for phone in ids)])
    arcs = []  # (from, to, cost of the step, pdf of the state it leaves)
    for place, phone in enumerate(ids):
        window = [padded[place : place + 3]] if tree.width == 3 else [[phone]]
        for number, state in enumerate(topology.entries[phone][:-1]):
            pdf = tree.pdf_ids(np.array(window), np.array([state.pdf_class]))[0]
            here = (transitions.phone == phone) & (transitions.hmm_state == number) & (transitions.pdf == pdf)
            targets = [target for target, _ in state.transitions]
            of_state = list(zip(targets, np.flatnonzero(here), strict=True))
            stay = sum(math.exp(log_probs[id]) for target, id in of_state if target == number)
            for target, id in of_state:
                if target == number:
                    step = -OPTIONS.self_loop_scale * log_probs[id]
                else:
                    leave = math.log(1 - stay)
                    step = -OPTIONS.transition_scale * (log_probs[id] - leave) - OPTIONS.self_loop_scale * leave
                arcs.append((starts[place] + number, starts[place] + target, step, pdf))
    best = np.full(starts[-1] + 1, np.inf)
    best[0] = 0
    for row in scores:
        following = np.full_like(best, np.inf)
        for source, target, step, pdf in arcs:
            following[target] = min(following[target], best[source] + step - row[pdf])
        best = following
    return best[-1]


@pytest.mark.parametrize("width", [1, 3])
def test_decoder_finds_the_best_of_all_sentences(tmp_path, width):
    lang = small_lang(tmp_path / "lang")
    tree = tree_of(lang, width)
    transitions = transitions_of(tree, Topology.from_text(lang.topo, "topo"))
    rng = np.random.default_rng(width)
    transitions = transitions.updated(rng.integers(5, 50, transitions.num_ids + 1).astype(float))
    grammar = word_loop(WEIGHTS, lang)
    fst = decoding_graph(read_fst(tmp_path / "lang" / "L_disambig.fst"), grammar, lang, tree, transitions, OPTIONS)
    write_graph(tmp_path / "graph", fst, lang, transitions)
    decode = WfstDecoder(tmp_path / "graph", WfstSettings(acoustic_scale=0.5, beam=100.0))
    for frames in (1, 3, 4, 5):
        candidates = list(sentences(frames))
        for _ in range(2):
            scores = rng.normal(0, 3, (frames, transitions.num_pdfs)).astype(np.float32)
            costs = [cost + viterbi(phones, 0.5 * scores, lang, tree, transitions) for _, phones, cost in candidates]
            result = decode(scores)
            assert result.final and result.cost == pytest.approx(min(costs), abs=1e-3)
            assert result.words == candidates[int(np.argmin(costs))][0]
            assert len(result.pdfs) == frames and result.pdfs.min() >= 0


DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Model folder of untrained monophones and lang folder, of guessed pronunciations."""
    folder = tmp_path_factory.mktemp("digits")
    lang = write_lang(find_pronunciations(DIGITS, guess_missing=True), folder / "lang", LangOptions())
    tree = tree_of(lang, 1)
    (folder / "model").mkdir()
    tree.write(folder / "model" / "tree")
    writer = BinaryWriter()
    transitions_of(tree, Topology.from_text(lang.topo, "topo")).write_to(writer)
    writer.save(folder / "model" / "final.mdl")
    return folder


def oracle(words: list[str], lang: Lang, pronunciations: dict[str, list[str]], rng: np.random.Generator) -> np.ndarray:
    """Scores in which the right pdfs stand out from noise; silence before every other word."""
    topology = Topology.from_text(lang.topo, "topo")
    tree = tree_of(lang, 1)
    phones = [phone for word in words for phone in [*(["SIL"] if rng.random() < 0.5 else []), *pronunciations[word]]]
    pdfs = [
        int(tree.pdf_ids(np.array([[lang.phones[phone]]]), np.array([number]))[0])
        for phone in phones
        for number in range(topology.classes(lang.phones[phone]))
        for _ in range(rng.integers(1, 4))
    ]
    scores = rng.normal(0, 2, (len(pdfs), tree.num_pdfs)).astype(np.float32)
    scores[np.arange(len(pdfs)), pdfs] += 15
    return scores


def test_oracle_scores_give_the_right_words(digits, nrsr_main):
    status, out, err = nrsr_main("make-graph", "--lang", digits / "lang", "--model", digits / "model", "--loop")
    assert status == 0, err
    assert "graph: " in out and " arcs; grammar: 1 states" in out
    lang = Lang.load(digits / "lang")
    assert set(all_words(lang)) == set(DIGITS)
    lexicon = [line.split() for line in (digits / "lang" / "lexicon.txt").read_text().splitlines()]
    pronunciations = {word: phones for word, *phones in lexicon}
    rng = np.random.default_rng(0)
    spoken = {f"u{number}": [str(word) for word in rng.choice(DIGITS, rng.integers(1, 8))] for number in range(30)}
    scores = {utterance: oracle(words, lang, pronunciations, rng) for utterance, words in spoken.items()}
    graph = digits / "model" / "graph"
    decode = WfstDecoder(graph)
    best = {utterance: decode(array) for utterance, array in scores.items()}
    assert {name: result.words for name, result in best.items()} == {name: " ".join(spoken[name]) for name in spoken}
    right = [(best[utterance].pdfs == array.argmax(axis=1)).mean() for utterance, array in scores.items()]
    assert np.mean(right) > 0.97


def test_what_ends_early_is_told(digits, nrsr_main):
    (digits / "list").write_text("seven seven\nnine nine\n")
    options = ["--lang", digits / "lang", "--model", digits / "model", "--out", digits / "graph"]
    for scale in ("nan", "inf", "-1"):
        status, _, err = nrsr_main("make-graph", *options, "--sentences", digits / "list", f"--self-loop-scale={scale}")
        assert status == 2 and f"--self-loop-scale: {scale}: scales are numbers from 0" in err
    status, _, err = nrsr_main("make-graph", *options, "--sentences", digits / "list")
    assert status == 0, err
    pdfs = Graph.load(digits / "graph").num_pdfs
    decode = WfstDecoder(digits / "graph")
    empty, short = (decode(np.zeros((frames, pdfs), np.float32)) for frames in (0, 5))
    assert not empty.final and np.isinf(empty.cost)
    assert not short.final and np.isfinite(short.cost)


def test_bad_scores_and_settings(digits, nrsr_main):
    nrsr_main("make-graph", "--lang", digits / "lang", "--model", digits / "model", "--loop")
    graph = digits / "model" / "graph"
    pdfs = Graph.load(graph).num_pdfs
    with pytest.raises(WfstError, match=rf"utterance u1: has scores \(9, 3\), the graph is for \[frames, {pdfs}\]"):
        WfstDecoder(graph)(np.zeros((9, 3), np.float32), "utterance u1")
    with pytest.raises(WfstError, match="u2: has scores that are not finite"):
        WfstDecoder(graph)(np.full((9, pdfs), -np.inf, np.float32), "u2")
    with pytest.raises(WfstError, match="must be above 0"):
        WfstSettings(acoustic_scale=0)
    (graph / "transition_pdfs.int").unlink()
    with pytest.raises(FstError, match="let nrsr make-graph make the graph"):
        Graph.load(graph)


def test_make_graph_refuses_what_does_not_fit(digits, tmp_path, nrsr_main):
    small_lang(tmp_path / "lang")
    status, _, err = nrsr_main("make-graph", "--lang", tmp_path / "lang", "--model", digits / "model", "--loop")
    assert status == 1 and "phones are in one of them alone" in err
    (tmp_path / "list").write_text("ten\n")
    options = ["--lang", digits / "lang", "--model", digits / "model", "--sentences", tmp_path / "list"]
    status, _, err = nrsr_main("make-graph", *options)
    assert status == 1 and "list: 1 words are not in the lang folder's words.txt: ten;" in err
