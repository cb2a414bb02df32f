"""Mutated language models, lexicons, graphs, lang folders and models: named errors, no crash, no endless run."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from nrsr.data import Units
from nrsr.hmm.aligner import Aligner, Beams
from nrsr.hmm.fst_files import read_fst
from nrsr.hmm.gmm import single_gaussians
from nrsr.hmm.grammar import all_words, word_loop
from nrsr.hmm.graph import GraphOptions
from nrsr.hmm.graph_folder import Graph, make_graph
from nrsr.hmm.lexicon_fst import lexicon_fst
from nrsr.hmm.model import Model, read_model, read_transitions, write_model
from nrsr.hmm.prepare_lang import Pronunciations, write_lang
from nrsr.hmm.topology import Topology
from nrsr.hmm.training_graphs import GraphCompiler
from nrsr.hmm.tree import Tree
from nrsr.inference.arpa import load_kenlm
from nrsr.inference.ngram import NgramModel
from nrsr.inference.wfst import WfstDecoder, WfstSettings
from nrsr.kaldi.arpa import plain_file
from nrsr.kaldi.checksums import CHECKSUMS, ChecksumError
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lexicon import Pronunciation, read_lexicon
from nrsr.kaldi.make_lang import LangOptions, make_lang

sys.path.insert(0, str(Path(__file__).parents[1]))
from fuzzing import mutated, survive  # noqa: E402
from toy_monophones import write_monophones  # noqa: E402

WORDS = {"a": "A", "ab": "A B", "bee": "B", "be": "B", "aab": "A A B", "<unk>": "SPN"}
LEXICON = [Pronunciation(word, tuple(phones.split())) for word, phones in WORDS.items()]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """lang/, model/ (tree, final.mdl) and graph/ of a toy."""
    folder = tmp_path_factory.mktemp("fuzz")
    lang = write_lang(Pronunciations(dictionary_of(LEXICON), []), folder / "lang", LangOptions(states=2))
    write_monophones(lang, folder / "model")
    loop = word_loop(all_words(lang), lang)
    make_graph(folder / "lang", folder / "model", loop, folder / "graph", GraphOptions())
    return folder


def decode(folder: Path) -> str:
    decoder = WfstDecoder(Graph.load(folder), WfstSettings(acoustic_scale=1.0))
    scores = np.random.default_rng(0).normal(0, 3, (12, decoder._graph.num_pdfs % 1000)).astype(np.float32)
    return decoder(scores).words


@pytest.mark.parametrize("name", ["HCLG.fst", "words.txt", "num_pdfs", "transition_pdfs.int", "phones.txt", CHECKSUMS])
def test_any_change_of_a_graph_is_noticed(folders, tmp_path, name):
    graph = shutil.copytree(folders / "graph", tmp_path / "graph")
    content, right = (graph / name).read_bytes(), decode(graph)

    def work(case: int) -> None:
        spoilt = mutated(content, case)
        (graph / name).write_bytes(spoilt)
        try:
            words = decode(graph)
        except ChecksumError as error:
            assert str(graph) in str(error)
            raise
        assert spoilt == content or (name == CHECKSUMS and words == right)

    survive(work, 60)


@pytest.mark.parametrize("name", ["HCLG.fst", "words.txt", "num_pdfs", "transition_pdfs.int"])
def test_graphs_without_checksums(folders, tmp_path, name):
    graph = shutil.copytree(folders / "graph", tmp_path / "graph")
    (graph / CHECKSUMS).unlink()
    content = (graph / name).read_bytes()

    def work(case: int) -> None:
        (graph / name).write_bytes(mutated(content, case, text=name != "HCLG.fst"))
        decode(graph)

    survive(work, 300)


@pytest.mark.parametrize("name", ["L.fst", "words.txt", "phones.txt", "topo", "oov.txt", "phones/roots.int"])
def test_lang_folders_without_checksums(folders, tmp_path, name):
    lang = shutil.copytree(folders / "lang", tmp_path / "lang")
    (lang / CHECKSUMS).unlink()
    content = (lang / name).read_bytes()
    tree, transitions = Tree.read(folders / "model" / "tree"), read_transitions(folders / "model" / "final.mdl")

    def work(case: int) -> None:
        (lang / name).write_bytes(mutated(content, case, text=name != "L.fst"))
        read = Lang.load(lang)
        Topology.from_text(read.topo, str(lang / "topo"))
        compiler = GraphCompiler(transitions, tree, lang / "L.fst", read.disambiguation)
        compiler([read.words.get(word, read.oov_id) for word in ("a", "bee", "aab", "be")])

    survive(work, 300 if name == "L.fst" else 100)


@pytest.mark.parametrize("name", ["L_disambig.fst", "tree", "final.mdl"])
def test_making_graphs(folders, tmp_path, name):
    where = "lang" if name.endswith("fst") else "model"
    copies = {kind: shutil.copytree(folders / kind, tmp_path / kind) for kind in ("lang", "model")}
    (copies["lang"] / CHECKSUMS).unlink()
    content = (copies[where] / name).read_bytes()

    def work(case: int) -> None:
        (copies[where] / name).write_bytes(mutated(content, case))
        lang = Lang.load(copies["lang"])
        make_graph(
            copies["lang"], copies["model"], word_loop(all_words(lang), lang), tmp_path / "graph", GraphOptions()
        )

    survive(work, 200)


def test_mixtures(folders, tmp_path):
    model = shutil.copytree(folders / "model", tmp_path / "model")
    tree, transitions = Tree.read(model / "tree"), read_transitions(model / "final.mdl")
    rng = np.random.default_rng(0)
    gmm = single_gaussians(rng.normal(0, 1, (tree.num_pdfs, 3)), rng.uniform(1, 2, (tree.num_pdfs, 3)))
    write_model(model, Model(tree, transitions, gmm))
    content = (model / "final.mdl").read_bytes()
    first = content.index(b"<DIMENSION>")
    lang = Lang.load(folders / "lang")
    words = [lang.words[word] for word in ("a", "bee")]
    graph = GraphCompiler(transitions, tree, folders / "lang" / "L.fst", lang.disambiguation)(words)

    def work(case: int) -> None:
        (model / "final.mdl").write_bytes(content[:first] + mutated(content[first:], case))
        read = read_model(model)
        features = rng.normal(0, 1, (20, read.gmm.dim)).astype(np.float32)
        with np.errstate(all="ignore"):
            read.gmm.log_likelihoods(features)
        Aligner(read.transitions, read.tree, read.gmm, Beams())(graph, features)

    survive(work, 200)


def test_language_models(tmp_path):
    path = tmp_path / "lm.arpa"
    NgramModel([["a", "ab", "bee"], ["be", "a"], ["ab"]], 3).write_arpa(path)
    content = path.read_bytes()

    def work(case: int) -> None:
        path.write_bytes(mutated(content, case, text=True))
        with plain_file(path) as (plain, _):
            kenlm = load_kenlm(plain, ["a", "ab"], path)
        kenlm.score(kenlm.score(kenlm.start(False), 0)[0], 1)

    survive(work, 300)


def test_lexicons(tmp_path):
    path = tmp_path / "lexicon.txt"
    content = "".join(f"{word} {phones}\n" for word, phones in WORDS.items()).encode()

    def work(case: int) -> None:
        path.write_bytes(mutated(content, case, text=True))
        lexicon = [entry for entry in read_lexicon(path) if entry.word != "<unk>"]
        lang, said = make_lang(dictionary_of([*lexicon, LEXICON[-1]]), LangOptions())
        lexicon_fst(lang, said, 0.5, disambiguate=True)

    survive(work, 300)


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("name", ["bpe.model", "units.txt"])
def test_units(tmp_path, name, checked):
    Units.from_text(["ab b ab", "b ab ba"], "bpe", 7).save(tmp_path)
    if not checked:
        (tmp_path / CHECKSUMS).unlink()
    content = (tmp_path / name).read_bytes()

    def work(case: int) -> None:
        spoilt = mutated(content, case, text=name == "units.txt")
        (tmp_path / name).write_bytes(spoilt)
        units = Units.load(tmp_path)
        units.decode(units.encode("ab b c"))
        assert spoilt == content or not checked

    survive(work, 300)


def test_fst_files_of_other_kinds_are_refused(folders, tmp_path):
    content = (folders / "lang" / "L.fst").read_bytes()

    def work(case: int) -> None:
        (tmp_path / "x.fst").write_bytes(mutated(content[:120], case))
        read_fst(tmp_path / "x.fst")

    survive(work, 200)
