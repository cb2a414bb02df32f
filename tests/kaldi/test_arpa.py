"""ARPA files: what decoding and graphs read alike, whatever its blanks, and what both refuse with its line."""

import gzip
import math

import kaldifst
import pytest

from nrsr.hmm.grammar import GrammarError, arpa_grammar
from nrsr.inference.arpa import load_kenlm, read_vocabulary
from nrsr.kaldi.arpa import LanguageModelError, plain_file, read_arpa
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.make_lang import LangOptions, make_lang

GOOD = """
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.5\t</s>
-0.4\thé\t-0.2
-0.7\tb

\\2-grams:
-0.2\t<s> hé
-0.3\thé </s>
-0.4\thé b

\\end\\
"""
LANG, _ = make_lang(
    dictionary_of([Pronunciation("<unk>", ("SPN",)), Pronunciation("hé", ("E",)), Pronunciation("b", ("B",))]),
    LangOptions(),
)
FORMS = {
    "plain": GOOD,
    "comment": f"# made by hand\nof two words\n{GOOD}",
    "two tabs": GOOD.replace("\t", "\t\t"),
    "trailing blanks": GOOD.replace("\n", " \t\n"),
    "CRLF": GOOD.replace("\n", "\r\n"),
    "spaces": GOOD.replace("\t", "  "),
    "text behind": GOOD + "and more words\n",
    "no line end": GOOD.rstrip("\n"),
    "no blank lines": "\n".join(line for line in GOOD.split("\n") if line),
    "blank lines between": GOOD.replace("\n-", "\n\n-"),
    "blanks in the head": GOOD.replace("ngram 1=5", "ngram  1 = 5"),
    "byte order mark": f"\ufeff{GOOD.lstrip()}",
}


def kenlm_score(path) -> float:
    """log10 p(hé b) and the end of the sentence, as decoding sees it."""
    with plain_file(path) as (plain, _):
        kenlm = load_kenlm(plain, ["hé", "b"])
    state, first = kenlm.score(kenlm.start(False), 0)
    state, second = kenlm.score(state, 1)
    return first + second + kenlm.finish(state)[1]


def graph_cost(path) -> float:
    """The same by the acceptor of which graphs are made; `#0` may stand anywhere."""
    acceptor = kaldifst.make_linear_acceptor([LANG.words["hé"], LANG.words["b"]])
    kaldifst.add_self_loops(acceptor, [LANG.words["#0"]], [LANG.words["#0"]])
    kaldifst.arcsort(acceptor, sort_type="olabel")
    both = kaldifst.compose(acceptor, arpa_grammar(path, LANG))
    return kaldifst.get_linear_symbol_sequence(kaldifst.shortest_path(both))[3].value


@pytest.mark.parametrize("form", FORMS)
def test_both_read_every_form_alike(tmp_path, form):
    path = tmp_path / "lm.arpa"
    path.write_text(FORMS[form], encoding="utf-8", newline="")
    assert read_vocabulary(path) == ["<unk>", "<s>", "</s>", "hé", "b"]
    assert read_arpa(path).plain == (form in ("plain", "no line end"))
    expected = -0.2 - 0.4 - 0.5  # of the seen n-grams, and of `</s>` behind b, which has no backoff weight
    assert kenlm_score(path) == pytest.approx(expected, abs=1e-5)
    assert graph_cost(path) == pytest.approx(-expected * math.log(10), abs=1e-4)


def test_packed_files(tmp_path):
    for name in ("lm.arpa.gz", "lm.arpa"):
        (tmp_path / name).write_bytes(gzip.compress(GOOD.encode()))
        assert kenlm_score(tmp_path / name) == pytest.approx(-1.1, abs=1e-5)
        assert graph_cost(tmp_path / name) == pytest.approx(1.1 * math.log(10), abs=1e-4)
        (tmp_path / name).write_bytes(gzip.compress(GOOD.encode())[:-12])
        for read in (read_vocabulary, lambda path: arpa_grammar(path, LANG)):
            with pytest.raises(LanguageModelError, match=rf"{name}: cannot be unpacked"):
                read(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-0.4\thé", "-0,4\thé", "lm.arpa:10: expected a log10 probability, 1 words .* decimal point"),
        ("-0.4\thé", "-0.4x\thé", "lm.arpa:10: expected a log10 probability, 1 words"),
        ("hé\t-0.2", "hé\t-0.2x", "lm.arpa:10: expected a log10 probability, 1 words"),
        ("hé\t-0.2", "hé\t-1e999", "lm.arpa:10: .*backoff weight -1e999 is infinite"),
        ("-0.4\thé", "-1_0\thé", "lm.arpa:10: expected a log10 probability"),
        ("-0.2\t<s> hé", "-0.2\t<s> hé\t-0.1", "lm.arpa:14: expected a log10 probability, 2 words, found"),
        ("-0.2\t<s> hé", "-0.2\t<s>", "lm.arpa:14: expected a log10 probability, 2 words, found"),
        ("-0.3\thé </s>", "-0.3\tsie </s>", "lm.arpa:15: 'sie' of 'sie </s>' is not among the .1-grams:"),
        ("-0.5\t</s>", "0.5\t</s>", "lm.arpa:9: .*above 0"),
        ("-0.5\t</s>", "nan\t</s>", "lm.arpa:9: expected a log10"),
        ("-0.5\t</s>", "-1e999\t</s>", "lm.arpa:9: .*infinite"),
        ("ngram 1=5", "ngram 1=6", "lm.arpa:13: "),
        ("ngram 1=5", "ngram 1=4", "lm.arpa:11: expected .2-grams:"),
        ("ngram 2=3", "ngram 3=3", "lm.arpa:4: expected `ngram 2=COUNT`"),
        ("ngram 2=3", "ngram 2=x", "lm.arpa:4: expected `ngram 2=COUNT`"),
        ("\\data\\", "data", "lm.arpa:2: expected .data"),
        ("\\2-grams:", "\\3-grams:", "lm.arpa:13: expected .2-grams:"),
        ("\n\\end\\\n", "", "lm.arpa:17: the file ends before .end"),
        ("</s>", "</S>", "has no </s>"),
        ("-1.0\t<unk>", "-1.0\t</s>", "lm.arpa:9: .1-grams: has '</s>' twice"),
        ("-0.7\tb", "-0.7\tb" + "b" * (1 << 20), "lm.arpa:11: is longer than"),
        ("-0.4\thé b", "-0.4\t<s> hé", r"lm.arpa:16: .2-grams: has an n-gram twice, the second time as number 3"),
        ("-0.7\tb", "-0.7\tb\0", "lm.arpa:11: expected a log10"),
    ],
)
def test_both_refuse_with_the_line(tmp_path, old, new, message):
    path = tmp_path / "lm.arpa"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new), encoding="utf-8", newline="")
    for read in (read_vocabulary, lambda path: arpa_grammar(path, LANG)):
        with pytest.raises(LanguageModelError, match=message) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_bytes(GOOD.encode("latin-1"))
    for read in (read_vocabulary, lambda path: arpa_grammar(path, LANG)):
        with pytest.raises(LanguageModelError, match="lm.arpa:10: .*is not UTF-8"):
            read(path)
        with pytest.raises(LanguageModelError, match="nothing.arpa: No such file"):
            read(tmp_path / "nothing.arpa")
        with pytest.raises(LanguageModelError, match="Is a directory"):
            read(tmp_path)


def test_what_kenlm_says_becomes_one_line(tmp_path):
    """KenLM is given what it cannot read, without the check before."""
    (tmp_path / "x.arpa").write_text(GOOD.replace("-0.4\t", "-0.4 "), encoding="utf-8")
    with pytest.raises(LanguageModelError) as caught:
        load_kenlm(tmp_path / "x.arpa", ["b"], "lm.arpa.gz")
    message = str(caught.value)
    assert (
        message.startswith("lm.arpa.gz: KenLM cannot read it (Expected tab after probability") and "\n" not in message
    )
    assert not any(part in message for part in (".hh", "threw", "\n"))


def test_orders_that_kenlm_does_not_read(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-1 <s>\n-1 </s>\n-0.3 b\n\\end\\\n")
    with pytest.raises(LanguageModelError, match="n-grams up to 1, KenLM reads 2 to 6"):
        read_vocabulary(path)
    assert arpa_grammar(path, LANG).num_states == 1


def test_graphs_refuse_ngrams_that_would_be_left_out(tmp_path):
    """The trigram `<s> b hé` begins with a bigram that the file lacks."""
    path = tmp_path / "lm.arpa"
    third = "\\3-grams:\n-0.1\t<s> b hé\n\n\\end\\"
    path.write_text(GOOD.replace("ngram 2=3", "ngram 2=3\nngram 3=1").replace("\\end\\", third), encoding="utf-8")
    with pytest.raises(GrammarError, match="1 n-grams begin with words that are no n-gram"):
        arpa_grammar(path, LANG)
