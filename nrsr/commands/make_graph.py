"""Make the decoding graph HCLG of a model, a lang folder and a grammar.

Example:
    nrsr make-graph --lang data/lang --model exp/mono --loop
    nrsr make-graph --lang data/lang --model exp/tri --arpa exp/lm/3gram.arpa --out exp/tri/graph_3gram

The model is a folder with Kaldi's tree and final.mdl, of a GMM or a neural network. The grammar is an ARPA language
model, a loop of words, or a list of sentences. Neural senone systems decode with the graph of their tree's model.
"""

import argparse
import math
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The lang folder, the acoustic model, one kind of grammar, and the scales of Kaldi's mkgraph.sh."""
    parser.add_argument("--lang", required=True, type=Path, metavar="DIR", help="lang folder (nrsr prepare-lang)")
    parser.add_argument("--model", required=True, type=Path, metavar="DIR", help="folder with tree and final.mdl")
    grammar = parser.add_mutually_exclusive_group(required=True)
    grammar.add_argument("--arpa", type=Path, metavar="FILE", help="language model (.gz too)")
    grammar.add_argument(
        "--loop",
        nargs="?",
        const="",
        metavar="FILE",
        help="any sequence of words; FILE lists them with optional weights (all words of the lang folder)",
    )
    grammar.add_argument("--sentences", type=Path, metavar="FILE", help="exactly one sentence of FILE, one a line")
    parser.add_argument(
        "--transition-scale", type=scale, default=1.0, metavar="X", help="scale for leaving transitions (1)"
    )
    parser.add_argument("--self-loop-scale", type=scale, default=0.1, metavar="X", help="scale for self-loops (0.1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="graph folder to write (graph/ in the model's)")


def scale(text: str) -> float:
    """A number from 0."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: scales are numbers from 0; Kaldi takes 1 and 0.1")
    return value


def run(args: argparse.Namespace) -> None:
    """Compose HCLG from lang, model and grammar, write it, and print its size."""
    from nrsr.hmm.grammar import all_words, arpa_grammar, read_sentences, read_weights, sentence_list, word_loop
    from nrsr.hmm.graph import GraphOptions
    from nrsr.hmm.graph_folder import make_graph
    from nrsr.kaldi.lang import Lang

    lang = Lang.load(args.lang)
    if args.arpa:
        grammar = arpa_grammar(args.arpa, lang)
    elif args.sentences:
        grammar = sentence_list(read_sentences(args.sentences), lang, str(args.sentences))
    else:
        weights = read_weights(args.loop) if args.loop else all_words(lang)
        grammar = word_loop(weights, lang, args.loop or str(args.lang))
    out = args.out or args.model / "graph"
    options = GraphOptions(args.transition_scale, args.self_loop_scale)
    graph = make_graph(args.lang, args.model, grammar, out, options)
    arcs = sum(graph.num_arcs(state) for state in range(graph.num_states))
    print(f"{out}: {graph.num_states} states, {arcs} arcs; grammar: {grammar.num_states} states")
