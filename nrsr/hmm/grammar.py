"""G, the acceptor of word sequences: of an ARPA language model, a loop of words, or a list of sentences."""

import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import kaldifst

from nrsr.errors import NrsrError
from nrsr.kaldi.arpa import CURE, UNKNOWNS, plain_file
from nrsr.kaldi.lang import WORD_DISAMBIGUATION, Lang, real_words
from nrsr.kaldi.lists import read_lines, split_words
from nrsr.kaldi.symbols import write_symbols
from nrsr.listing import shown

SHOWN = 10  # words that a message lists
NO_HISTORY = re.compile(r"^.*line \d+ \[(.*)\] skipped: no parent", re.MULTILINE)  # what kaldilm leaves out


class GrammarError(NrsrError):
    """A grammar that is empty, broken, or has words without pronunciation; names file, words and cure."""


def word_loop(weights: Mapping[str, float], lang: Lang, source: str = "word loop") -> kaldifst.StdVectorFst:
    """Any number of words after each other, none included, each drawn independently.

    Args:
        weights: word -> its weight, above 0; they are scaled to sum to 1.
        source: what to name in messages, such as a file.

    Raises:
        GrammarError: no words, or words that are not in the lang folder.
    """
    _check_words(weights, lang, source)
    total = sum(weights.values())
    arcs = [
        f"0 0 {lang.words[word]} {lang.words[word]} {-math.log(weight / total):.8g}" for word, weight in weights.items()
    ]
    return _compiled([*arcs, "0 0"])


def sentence_list(
    sentences: Iterable[Sequence[str]], lang: Lang, source: str = "sentence list"
) -> kaldifst.StdVectorFst:
    """Exactly one of some sentences (or of some words), each equally probable.

    Raises:
        GrammarError: no sentence, one without words, or words that are not in the lang folder.
    """
    sentences = sorted(set(map(tuple, sentences)))
    _check_words({word for sentence in sentences for word in sentence}, lang, source)
    if not all(sentences):
        raise GrammarError(f"{source}: a sentence has no words; remove it")
    lines, state, cost = [], 2, math.log(len(sentences))
    for sentence in sentences:
        source_state, weight = 0, cost
        for word in sentence[:-1]:
            lines.append(f"{source_state} {state} {lang.words[word]} {lang.words[word]} {weight:.8g}")
            source_state, state, weight = state, state + 1, 0.0
        lines.append(f"{source_state} 1 {lang.words[sentence[-1]]} {lang.words[sentence[-1]]} {weight:.8g}")
    return _compiled([*lines, "1 0"])


def all_words(lang: Lang) -> dict[str, float]:
    """Equal weights of all words of a lang folder but the one for unknown words."""
    return {word: 1.0 for word in real_words(lang.words) if word != lang.oov}


def read_weights(path: str | Path) -> dict[str, float]:
    """The weights of a word loop: a word a line, and its weight where it is not 1.

    Raises:
        GrammarError: a line that is none, or a word twice.
        ListError: the file is missing or not UTF-8.
    """
    weights: dict[str, float] = {}
    for number, line in read_lines(path):
        columns = split_words(line)
        try:
            weight = float(columns[1]) if len(columns) == 2 else 1.0
        except ValueError:
            weight = math.nan
        if len(columns) not in (1, 2) or not 0 < weight < math.inf:
            raise GrammarError(f"{path}:{number}: expected a word and perhaps its weight above 0; correct the line")
        if columns[0] in weights:
            raise GrammarError(f"{path}:{number}: {columns[0]!r} is in an earlier line too; remove one of them")
        weights[columns[0]] = weight
    return weights


def read_sentences(path: str | Path) -> list[list[str]]:
    """A sentence a line; blank lines are refused when the list is built."""
    return [split_words(line) for _, line in read_lines(path)]


def arpa_grammar(path: str | Path, lang: Lang) -> kaldifst.StdVectorFst:
    """The acceptor of an ARPA file (.gz too) by Kaldi's arpa2fst; its backing-off arcs have `#0`.

    `<unk>` and the lang folder's word for unknown words are left out with all their n-grams.

    kaldilm runs in a process of its own, since it ends the process that calls it when a file is broken.

    Raises:
        LanguageModelError: the file is missing or broken (named with its line).
        GrammarError: it has words that the lang folder lacks, or accepts no sentence.
    """
    left_out = {lang.oov, *UNKNOWNS}
    with plain_file(path) as (plain, arpa), tempfile.TemporaryDirectory() as name:
        missing = sorted(set(arpa.words) - lang.words.keys() - left_out)
        if missing:
            raise GrammarError(_words_missing(str(path), missing))
        table = Path(name) / "words.txt"
        write_symbols(table, {word: id for word, id in lang.words.items() if word not in left_out})
        options = [f"--disambig-symbol={WORD_DISAMBIGUATION}", f"--read-symbol-table={table}"]
        converter = subprocess.run(
            [sys.executable, "-m", "kaldilm", *options, "--max-arpa-warnings=-1", "--", str(plain)],
            capture_output=True,
            check=False,
        )
    said = converter.stderr.decode(errors="replace")
    if lost := NO_HISTORY.findall(said):
        raise GrammarError(
            f"{path}: {len(lost)} n-grams begin with words that are no n-gram of the file, such as {lost[0][:60]!r}; "
            f"{CURE}"
        )
    if converter.returncode != 0:
        last = (said.strip().split("\n") or [""])[-1][:200] or f"status {converter.returncode}"
        raise GrammarError(f"{path}: cannot be turned into an acceptor ({last}); check it, or reinstall kaldilm")
    grammar = _compiled(converter.stdout.decode().split("\n"))
    if grammar.start < 0:
        raise GrammarError(f"{path}: accepts no sentence; it has no word but unknown ones")
    return grammar


def _compiled(lines: Sequence[str]) -> kaldifst.StdVectorFst:
    grammar = kaldifst.compile("\n".join(line for line in lines if line) + "\n")
    kaldifst.connect(grammar)
    kaldifst.arcsort(grammar, sort_type="ilabel")
    return grammar


def _check_words(words: Iterable[str], lang: Lang, source: str) -> None:
    words = sorted(set(words))
    if not words:
        raise GrammarError(f"{source}: the grammar has no words; give it some")
    known = set(real_words(lang.words))
    missing = [word for word in words if word not in known]
    if missing:
        raise GrammarError(_words_missing(source, missing))


def _words_missing(source: str, words: Sequence[str]) -> str:
    return (
        f"{source}: {len(words)} words are not in the lang folder's words.txt: {shown(words, SHOWN)}; give them"
        " pronunciations (nrsr prepare-lang --words FILE --guess) or take them out of the grammar"
    )
