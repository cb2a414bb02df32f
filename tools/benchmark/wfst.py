"""Speed of WFST decoding of digit strings: seconds of speech (100 frames each) in a second of one core's time.

Example:
    python tools/benchmark/wfst.py
    python tools/benchmark/wfst.py --graph exp/tri/graph --scores exp/dnn/decode_test/loglikes.scp --scale 0.2

Without --graph: ten digits said as espeak-ng guesses, a triphone tree with a leaf for every pair of a state and the
class of its neighbour, a word loop and a 3-gram, and scores in which the right pdf mostly stands out. Scaling
and the way back to words are part of the time; reading scores and the graph is not. CPU time is counted.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from nrsr.corpora.digits import DIGITS
from nrsr.hmm.fst_files import read_fst
from nrsr.hmm.grammar import all_words, arpa_grammar, word_loop
from nrsr.hmm.graph import GraphOptions, decoding_graph
from nrsr.hmm.graph_folder import Graph, write_graph
from nrsr.hmm.prepare_lang import find_pronunciations, write_lang
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import PDF_CLASS, Leaf, Split, Table, Tree
from nrsr.inference import NgramModel
from nrsr.inference.wfst import WfstDecoder, WfstSettings
from nrsr.kaldi import open_table
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.make_lang import LangOptions

FRAMES_PER_SECOND = 100
CLASSES = 6  # of neighbouring phones


def triphone_tree(lang: Lang, topology: Topology) -> Tree:
    """Silence without context; in speech the first state knows the left neighbour, the last the right, others both."""
    numbers = itertools.count()
    neighbours = [lang.phone_ids[first::CLASSES] for first in range(CLASSES)]

    def asked(key: int, classes: list[list[int]]) -> Leaf | Split:
        if len(classes) == 1:
            return Leaf(next(numbers))
        half = len(classes) // 2
        yes = tuple(sorted(sum(classes[:half], [])))
        return Split(key, yes, asked(key, classes[:half]), asked(key, classes[half:]))

    children: list[Table | None] = [None] * (max(lang.phone_ids) + 1)
    for phone in lang.phone_ids:
        states = range(topology.classes(phone))
        if phone in lang.silence:
            children[phone] = Table(PDF_CLASS, tuple(Leaf(next(numbers)) for _ in states))
        else:
            children[phone] = Table(PDF_CLASS, tuple(asked(0 if state == 0 else 2, neighbours) for state in states))
    return Tree(3, 1, Table(1, tuple(children)))


def peaked_scores(pdfs: np.ndarray, num_pdfs: int, rng: np.random.Generator) -> np.ndarray:
    """Log posteriors [frames, pdfs] of a network that is mostly right."""
    logits = rng.normal(0, 2, (len(pdfs), num_pdfs)).astype(np.float32)
    logits[np.arange(len(pdfs)), pdfs] += 8
    return torch.from_numpy(logits).log_softmax(dim=1).numpy()


def spoken_pdfs(
    words: list[str],
    lang: Lang,
    said: Mapping[str, tuple[str, ...]],
    tree: Tree,
    topology: Topology,
    rng: np.random.Generator,
) -> np.ndarray:
    """Pdf of each frame of a digit string with silence around it, four frames a state on average."""
    phones = [lang.phones[phone] for phone in ["SIL", *itertools.chain(*(said[word] for word in words)), "SIL"]]
    windows = zip([0, *phones], phones, [*phones[1:], 0], strict=False)
    states = [(window, state) for window in windows for state in range(topology.classes(window[1]))]
    pdfs = tree.pdf_ids(np.array([window for window, _ in states]), np.array([state for _, state in states]))
    return np.repeat(pdfs, rng.integers(2, 7, len(pdfs)))


def make_toy(folder: Path, utterances: int) -> tuple[dict[str, Path], dict[str, np.ndarray], dict[str, str]]:
    """Graph folders by name, scores and reference words."""
    found = find_pronunciations(DIGITS, guess_missing=True)
    lang = write_lang(found, folder / "lang", LangOptions())
    topology = Topology.from_text(lang.topo, "topo")
    tree = triphone_tree(lang, topology)
    transitions = transitions_of(tree, topology)
    rng = np.random.default_rng(0)
    strings = [[str(word) for word in rng.choice(DIGITS, rng.integers(1, 8))] for _ in range(utterances)]
    NgramModel(strings, 3).write_arpa(folder / "lm.arpa")
    graphs = {}
    for name, grammar in (
        ("loop", word_loop(all_words(lang), lang)),
        ("3-gram", arpa_grammar(folder / "lm.arpa", lang)),
    ):
        lexicon = read_fst(folder / "lang" / "L_disambig.fst")
        graphs[name] = folder / name
        write_graph(
            graphs[name], decoding_graph(lexicon, grammar, lang, tree, transitions, GraphOptions()), lang, transitions
        )
    said = {entry.word: entry.phones for entry in found.dictionary.lexicon}
    scores = {
        f"u{number:04d}": peaked_scores(spoken_pdfs(words, lang, said, tree, topology, rng), tree.num_pdfs, rng)
        for number, words in enumerate(strings)
    }
    return graphs, scores, {f"u{number:04d}": " ".join(words) for number, words in enumerate(strings)}


def time_decoding(
    graph: Graph, scores: Mapping[str, np.ndarray], settings: WfstSettings
) -> tuple[float, dict[str, str]]:
    """Multiples of real time, and words."""
    decode = WfstDecoder(graph, settings)
    start = time.process_time()
    words = {utterance: decode(array).words for utterance, array in scores.items()}
    seconds = time.process_time() - start
    return sum(map(len, scores.values())) / FRAMES_PER_SECOND / seconds, words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", type=Path, help="graph folder of a real system")
    parser.add_argument("--scores", type=Path, help="scp of its log-likelihoods")
    parser.add_argument("--scale", type=float, default=0.1, help="acoustic scale (0.1)")
    parser.add_argument("--utterances", type=int, default=200, help="number of strings made (200)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if args.graph:
            graphs, scores, spoken = {str(args.graph): args.graph}, dict(open_table(args.scores)), None
        else:
            graphs, scores, spoken = make_toy(Path(name), args.utterances)
        for title, folder in graphs.items():
            graph = Graph.load(folder)
            for beam in (8.0, 10.0, 13.0, 16.0):
                speed, words = time_decoding(graph, scores, WfstSettings(args.scale, beam))
                right = sum(words[utterance] == spoken[utterance] for utterance in words) if spoken else None
                found = f", {right} of {len(words)} strings right" if spoken else ""
                size = f"{graph.fst.num_states} states, {graph.num_pdfs} pdfs"
                print(f"{title} ({size}), beam {beam:g}: {speed:.0f} times real time{found}")


if __name__ == "__main__":
    main()
