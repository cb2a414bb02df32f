"""L by enumeration of its paths, guessed pronunciations, and nrsr prepare-lang."""

import math

import kaldifst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.hmm.fst_content import FstError
from nrsr.hmm.fst_files import read_fst, write_fst
from nrsr.hmm.graph import determinise
from nrsr.hmm.lexicon_fst import lexicon_fst
from nrsr.hmm.pronounce import PronunciationError, guess
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lexicon import Pronunciation, read_lexicon
from nrsr.kaldi.make_lang import LangOptions, make_lang

LEXICON = [Pronunciation("<unk>", ("SPN",)), Pronunciation("a", ("A", "B"), 0.5), Pronunciation("b", ("B",))]


def cost(fst, lang, phones, words):
    """Cost of the best path with these phones and words, None where there is none."""
    acceptors = [
        kaldifst.make_linear_acceptor([table[name] for name in names])
        for table, names in ((lang.phones, phones.split()), (lang.words, words.split()))
    ]
    sides = kaldifst.compose(kaldifst.compose(acceptors[0], fst), acceptors[1])
    if sides.start < 0:
        return None
    _, _, _, weight = kaldifst.get_linear_symbol_sequence(kaldifst.shortest_path(sides))
    return weight.value


@pytest.mark.parametrize("silence", [0.0, 0.2])
def test_the_costs_of_l(silence):
    lang, lexicon = make_lang(dictionary_of(LEXICON), LangOptions())
    fst = lexicon_fst(lang, lexicon, silence, disambiguate=False)
    take, skip = (-math.log(silence), -math.log(1 - silence)) if silence else (None, 0.0)
    half = math.log(2)
    assert cost(fst, lang, "A B B", "a b") == pytest.approx(half + 3 * skip, abs=1e-5)
    assert cost(fst, lang, "SPN", "<unk>") == pytest.approx(2 * skip, abs=1e-5)
    assert cost(fst, lang, "A", "a") is None
    expected = pytest.approx(half + 2 * take + skip, abs=1e-5) if silence else None
    assert cost(fst, lang, "SIL A B SIL B", "a b") == expected
    assert cost(fst, lang, "A B SIL SIL B", "a b") is None


def test_disambiguation_symbols_stand_where_they_must():
    entries = [*LEXICON, Pronunciation("c", ("B",))]
    lang, lexicon = make_lang(dictionary_of(entries), LangOptions())
    fst = lexicon_fst(lang, lexicon, 0.5, disambiguate=True)
    assert cost(fst, lang, "A B B #1 B #2", "a b c") == pytest.approx(math.log(2) * 5, abs=1e-5)
    assert cost(fst, lang, "A B", "a") is not None and cost(fst, lang, "B", "b") is None
    assert cost(fst, lang, "SIL #3 A B SIL #3 #0", "a #0") is not None
    determinised = kaldifst.StdVectorFst(fst)
    assert kaldifst.determinize_star(determinised, max_states=1000) is False  # ends, so the symbols suffice


WORDS = st.lists(st.lists(st.sampled_from("AB"), min_size=1, max_size=4).map(tuple), min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(spoken=WORDS, silence=st.sampled_from([0.0, 0.5]))
def test_any_lexicon_can_be_determinised(spoken, silence):
    entries = [Pronunciation(f"w{number}", phones) for number, phones in enumerate(spoken)]
    lang, lexicon = make_lang(dictionary_of([*entries, LEXICON[0]]), LangOptions())
    fst = lexicon_fst(lang, lexicon, silence, disambiguate=True)
    assert kaldifst.determinize_star(fst, max_states=5000) is False


@pytest.mark.parametrize("other", [("A",), ("A", "A")])
def test_without_disambiguation_symbols_it_cannot(other):
    entries = [LEXICON[0], Pronunciation("one", ("A",)), Pronunciation("other", other)]
    lang, lexicon = make_lang(dictionary_of(entries), LangOptions())
    with pytest.raises(FstError, match="a test cannot be determinised"):
        determinise(lexicon_fst(lang, lexicon, 0.5, disambiguate=False), "a test")


def test_fst_files(tmp_path):
    fst = kaldifst.make_linear_acceptor([1, 2])
    write_fst(fst, tmp_path / "x" / "a.fst")
    assert read_fst(tmp_path / "x" / "a.fst").num_states == 3
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["a.fst"]
    content = (tmp_path / "x" / "a.fst").read_bytes()
    for name, damaged in {"short": content[:-9], "other": b"x" * 99, "empty": b""}.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(FstError, match=f"{name}: is"):
            read_fst(tmp_path / name)
    with pytest.raises(FstError, match="no such file"):
        read_fst(tmp_path / "missing.fst")


def test_guesses():
    said = {entry.word: " ".join(entry.phones) for entry in guess(["zero", "one", "seven", "eight", "kitchen", "it's"])}
    assert said["one"] == "W AH N" and said["zero"] == "Z IH R OW" and said["kitchen"] == "K IH CH AH N"
    assert said["seven"] == "S EH V AH N" and said["eight"] == "EY T" and said["it's"] == "IH T S"
    stressed = [f"{phone}{digit}" for phone in ("EH", "AH") for digit in "012"] + ["S", "V", "N"]
    assert guess(["seven"], like=stressed)[0].phones == ("S", "EH1", "V", "AH0", "N")
    assert guess(["nine"], voice="de")[0].phones == ("n", "iː", "n", "ə")


def test_texts_in_capitals_are_not_spelled():
    lower, upper = guess(["it", "us", "la"]), guess(["IT", "US", "LA"], texts=["HELLO", "<noise>"])
    assert [entry.phones for entry in upper] == [entry.phones for entry in lower]
    assert [entry.word for entry in upper] == ["IT", "LA", "US"]
    assert guess(["US"], texts=["hello"])[0].phones == ("Y", "UW", "EH", "S")  # an abbreviation, in texts of both


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"words": ["<noise>", "…", "one"]}, "no phones for 2 words: <noise> …;"),
        (
            {"words": ["nine"], "like": ["n", "ai"]},
            "guesses 1 phones that the lexicon does not have, such as 'aɪ' in 'nine'",
        ),
        ({"words": ["nine"], "voice": "klingonese"}, "no voice 'klingonese'"),
    ],
)
def test_what_cannot_be_guessed(arguments, what):
    with pytest.raises(PronunciationError, match=what):
        guess(**arguments)


def test_prepare_lang_from_texts_alone(tmp_path, nrsr_main):
    (tmp_path / "text").write_text("u1 one two\nu2\nu3 two\n")
    status, out, err = nrsr_main("prepare-lang", "--text", tmp_path / "text", "--guess", tmp_path / "lang")
    assert status == 0 and "2 words; espeak-ng guesses: one two" in err
    assert "3 words with 3 pronunciations, 2 of them guessed; 7 phones, 2 of them silence" in out
    assert (tmp_path / "lang" / "guessed.txt").read_text() == "one W AH N\ntwo T UW\n"
    assert Lang.load(tmp_path / "lang").oov == "<unk>"
    assert (
        read_fst(tmp_path / "lang" / "L.fst").start == 0 and read_fst(tmp_path / "lang" / "L_disambig.fst").start == 0
    )


def test_prepare_lang_from_the_words_of_another(tmp_path, nrsr_main):
    (tmp_path / "text").write_text("u1 one two\n")
    assert nrsr_main("prepare-lang", "--text", tmp_path / "text", "--guess", tmp_path / "first")[0] == 0
    words = tmp_path / "first" / "words.txt"
    status, _, err = nrsr_main("prepare-lang", "--words", words, "--guess", tmp_path / "second")
    assert status == 0 and "2 words; espeak-ng guesses: one two" in err
    assert (tmp_path / "second" / "words.txt").read_text() == words.read_text()


def test_prepare_lang_lists_words_without_pronunciation(tmp_path, nrsr_main):
    (tmp_path / "lexicon.txt").write_text("one W AH N\n")
    (tmp_path / "text").write_text("u1 one two\nu3 three\n")
    options = ["--lexicon", tmp_path / "lexicon.txt", "--text", tmp_path / "text", tmp_path / "lang"]
    status, _, err = nrsr_main("prepare-lang", *options)
    assert status == 0 and "2 words have no pronunciation and are read as <unk>" in err and ": three two" in err
    assert not (tmp_path / "lang" / "guessed.txt").exists()
    status, _, err = nrsr_main("prepare-lang", "--guess", *options)
    assert status == 1 and "guesses 5 phones that the lexicon does not have" in err
    (tmp_path / "lexicon.txt").write_text("one W AH N\nthrift TH R IH F T IY\nshoe SH UW\n")
    status, _, err = nrsr_main("prepare-lang", "--guess", *options)
    assert status == 0 and "2 words have no pronunciation; espeak-ng guesses: three two" in err
    words = {entry.word for entry in read_lexicon(tmp_path / "lang" / "lexicon.txt")}
    assert words == {"<unk>", "one", "two", "three", "thrift", "shoe"}


def test_prepare_lang_without_a_source(tmp_path, nrsr_main):
    status, _, err = nrsr_main("prepare-lang", tmp_path / "lang")
    assert status == 1 and "give --dict or --lexicon, or words and --guess" in err
