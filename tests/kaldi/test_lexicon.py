"""Lexicons, dict folders and lang folders: what is read back, Kaldi's forms, and bad input by line."""

import pytest

from nrsr.kaldi.dictionary import DictionaryError, dictionary_of, read_dictionary
from nrsr.kaldi.lang import Lang, LangError
from nrsr.kaldi.lexicon import LexiconError, Pronunciation, missing_words, read_lexicon, write_lexicon
from nrsr.kaldi.lists import ListError
from nrsr.kaldi.make_lang import LangOptions, disambiguators, in_positions, make_lang
from nrsr.kaldi.symbols import read_symbols
from nrsr.kaldi.topo import topology_text

ENTRIES = [Pronunciation("no", ("N", "OW")), Pronunciation("know", ("N", "OW")), Pronunciation("<unk>", ("SPN",))]


def test_lexicon_round_trip(tmp_path):
    entries = [Pronunciation("zwei", ("ts", "aɪ")), Pronunciation("a", ("A",), 0.25), Pronunciation("a", ("E",))]
    write_lexicon(tmp_path / "lexiconp.txt", entries)
    assert (tmp_path / "lexiconp.txt").read_text(encoding="utf-8") == "a 0.25 A\na 1 E\nzwei 1 ts aɪ\n"
    assert sorted(read_lexicon(tmp_path / "lexiconp.txt")) == sorted(entries)
    write_lexicon(tmp_path / "lexicon.txt", entries)
    assert read_lexicon(tmp_path / "lexicon.txt")[0] == Pronunciation("a", ("A",))
    assert missing_words(["a", "b", "c", "b"], entries) == ["b", "c"]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a A\nb\nc C\nd\n", ":2:", "'b' has no pronunciation.*1 more faulty lines: 4"),
        ("a A\nb XX\n", ":2:", "unknown phone 'XX'"),
        ("a A\nb A\na  A\n", ":3:", "'a' has the same phones in line 1"),
        ("a A\n\n", ":2:", "blank"),
        ("<eps> A\n", ":1:", "Kaldi's own symbol"),
        ("a #1\n", ":1:", "cannot be a phone"),
        ("", ":", "has no word"),
    ],
)
def test_faulty_lexicons_are_named_by_line(tmp_path, text, place, what):
    path = tmp_path / "lexicon.txt"
    path.write_text(text)
    with pytest.raises(LexiconError, match=what) as caught:
        read_lexicon(path, {"A", "C", "SIL"})
    assert str(caught.value).startswith(f"{path}{place}") and "\n" not in str(caught.value)


@pytest.mark.parametrize("probability", ["0", "1.5", "x", ""])
def test_probabilities_are_checked(tmp_path, probability):
    (tmp_path / "lexiconp.txt").write_text(f"a {probability} A\n")
    with pytest.raises(LexiconError, match=r"lexiconp\.txt:1: .*\(0, 1\]"):
        read_lexicon(tmp_path / "lexiconp.txt")


@pytest.mark.parametrize("name", ["lex_p.txt", "lexicon.txt", "lexiconp.txt"])
def test_probabilities_are_told_by_the_numbers(tmp_path, name):
    (tmp_path / name).write_text("read 0.6 r eh d\nread 1.0 r iy d\n")
    first, second = ("r", "eh", "d"), ("r", "iy", "d")
    expected = [Pronunciation("read", first, 0.6), Pronunciation("read", second, 1.0)]
    assert read_lexicon(tmp_path / name) == expected
    (tmp_path / name).write_text("read 1 r eh d\nat 1 ae t\n")
    assert [entry.phones for entry in read_lexicon(tmp_path / name)] == [first, ("ae", "t")]


def test_phones_may_be_whole_numbers(tmp_path):
    (tmp_path / "lexicon.txt").write_text("a 1 2\nb 1 3 2\nc 3\n")
    assert [entry.phones for entry in read_lexicon(tmp_path / "lexicon.txt")] == [("1", "2"), ("1", "3", "2"), ("3",)]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("lexiconp_silprob.txt", "read 1.0 0.5 1.0 1.0 r eh d\nat 1 0.4 1 1 ae t\n", "silence.* give lexiconp.txt"),
        ("lexiconp.txt", "read 1.0 0.5 1.0 1.0 r eh d\n", "silence.* give lexiconp.txt"),
        ("x.txt", "read 1.0 0.5 r eh d\n", "has 2 numbers before the phones"),
        ("lexicon.txt", "at ae t\nread 0.6 r eh d\n", r"lexicon.txt:2: 'read': '0.6' is a number and no phone"),
        ("lexicon.txt", "at ae t\nread r 1e-3 d\n", r"lexicon.txt:2: 'read': '1e-3' is a number and no phone"),
        ("lex_p.txt", "at 1.0 ae t\nread 1.5 r eh d\n", r"lex_p.txt:2: .*\(0, 1\]"),
        ("lexiconp.txt", "a inf A\n", r"lexiconp.txt:1: .*\(0, 1\]"),
        ("lexiconp.txt", "a 0_1 A\n", r"lexiconp.txt:1: .*\(0, 1\]"),
    ],
)
def test_other_numbers_are_refused(tmp_path, name, text, what):
    (tmp_path / name).write_text(text)
    with pytest.raises(LexiconError, match=what):
        read_lexicon(tmp_path / name)


def test_disambiguators():
    spoken = [("A",), ("A", "B"), ("C",), ("C",), ("A", "B"), ("A", "B", "D"), ("E",)]
    # Alike: A B twice, C twice; beginnings of others: A, A B.
    entries = [Pronunciation(str(number), phones) for number, phones in enumerate(spoken)]
    assert disambiguators(entries) == [1, 1, 1, 2, 2, 0, 0]


def test_positions():
    assert in_positions(["A"]) == ("A_S",)
    assert in_positions(["A", "B"]) == ("A_B", "B_E")
    assert in_positions(["A", "B", "C", "D"]) == ("A_B", "B_I", "C_I", "D_E")


@pytest.mark.parametrize("positions", [False, True])
def test_a_lang_folder_is_read_back(tmp_path, positions):
    lang, lexicon = make_lang(dictionary_of(ENTRIES), LangOptions(position_dependent=positions))
    lang.write(tmp_path)
    assert Lang.load(tmp_path) == lang
    assert lang.words == {"<eps>": 0, "<unk>": 1, "know": 2, "no": 3, "#0": 4, "<s>": 5, "</s>": 6}
    assert len(lang.phone_ids) == (18 if positions else 4)
    # no and know sound alike: #1 and #2; #3 is silence's.
    assert [phone for phone in lang.phones if phone.startswith("#")] == ["#0", "#1", "#2", "#3"]
    assert lexicon[0].phones == (("N_B", "OW_E") if positions else ("N", "OW"))
    assert (tmp_path / "phones" / "silence.csl").read_text() == ":".join(map(str, lang.silence)) + "\n"
    first_root = (tmp_path / "phones" / "roots.txt").read_text().splitlines()[0]
    assert first_root == ("shared split SIL SIL_B SIL_E SIL_I SIL_S" if positions else "shared split SIL")
    boundary = {name: lang.word_boundary.get(number) for name, number in lang.phones.items()}
    if positions:
        assert (boundary["SIL"], boundary["SIL_S"], boundary["N_I"]) == ("nonword", "singleton", "internal")
    else:
        assert lang.word_boundary == {}


def test_topology_is_kaldis():
    text = topology_text([3, 2], [1])
    assert "<ForPhones>\n2 3\n</ForPhones>" in text
    assert "<State> 2 <PdfClass> 2 <Transition> 2 0.75 <Transition> 3 0.25 </State>\n<State> 3 </State>" in text
    silence = text[text.index("<ForPhones>\n1\n") :]
    assert (
        "<State> 0 <PdfClass> 0 <Transition> 0 0.25 <Transition> 1 0.25 <Transition> 2 0.25 <Transition> 3 0.25"
        in silence
    )
    assert (
        "<State> 3 <PdfClass> 3 <Transition> 1 0.25 <Transition> 2 0.25 <Transition> 3 0.25 <Transition> 4 0.25"
        in silence
    )
    with pytest.raises(LangError, match="0 and 5 states"):
        topology_text([1], [], states=0)


def write_dictionary(folder, **changes):
    files = {
        "lexicon": "<unk> spn\nno n ow\n",
        "silence_phones": "sil\nspn\n",
        "nonsilence_phones": "n\now ow1\n",
        "optional_silence": "sil\n",
        "extra_questions": "n ow ow1\n",
    } | changes
    for name, text in files.items():
        if text is not None:
            (folder / f"{name}.txt").write_text(text)


def test_a_dict_folder(tmp_path):
    write_dictionary(tmp_path)
    lang, _ = make_lang(read_dictionary(tmp_path), LangOptions(position_dependent=True))
    assert len(lang.sets) == 4
    names = {number: phone for phone, number in lang.phones.items()}
    assert [names[phone] for phone in lang.sets[-1]] == [f"{p}_{x}" for p in ("ow", "ow1") for x in "BEIS"]
    assert ["n_I", "ow_I", "ow1_I"] in [[names[phone] for phone in question] for question in lang.questions]


@pytest.mark.parametrize(
    ("changes", "error", "what"),
    [
        ({"lexicon": "<unk> spn\nno n ow x\n"}, LexiconError, r"lexicon\.txt:2: 'no' has the unknown phone 'x'"),
        ({"nonsilence_phones": "n\nn ow\n"}, DictionaryError, "1 phones appear twice .*: n;"),
        ({"nonsilence_phones": ""}, DictionaryError, "holds no phone"),
        ({"optional_silence": "n\n"}, DictionaryError, "must hold one phone of silence_phones"),
        ({"extra_questions": "n q\n"}, DictionaryError, r"extra_questions\.txt:1: 'q'"),
        ({"silence_phones": None}, ListError, r"silence_phones\.txt: there is no such file"),
    ],
)
def test_faulty_dict_folders(tmp_path, changes, error, what):
    write_dictionary(tmp_path, **changes)
    with pytest.raises(error, match=what):
        read_dictionary(tmp_path)


def test_lang_options_that_cannot_be():
    with pytest.raises(DictionaryError, match="<oov>, has no pronunciation"):
        make_lang(dictionary_of(ENTRIES), LangOptions(oov="<oov>"))
    with pytest.raises(DictionaryError, match="1 phones end like positions in a word: T_S;"):
        make_lang(dictionary_of([*ENTRIES, Pronunciation("t", ("T_S",))]), LangOptions(position_dependent=True))


def test_broken_lang_folders(tmp_path):
    with pytest.raises(LangError, match="no lang folder"):
        Lang.load(tmp_path)
    make_lang(dictionary_of(ENTRIES), LangOptions())[0].write(tmp_path)
    (tmp_path / "phones" / "sets.int").write_text("1\n99\n")
    with pytest.raises(LangError, match=r"sets\.int:2"):
        Lang.load(tmp_path)
    (tmp_path / "words.txt").write_text("<eps> 0\na 1\nb 1\n")
    with pytest.raises(ListError, match="'a' and 'b' both have the number 1"):
        read_symbols(tmp_path / "words.txt")
