"""Units: ids, round trips, files, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.data.units import Units, UnitsError

TEXT = ["one two three", "seven  eight\tnine", "go to the left", "turn right now", "one one two"]


@pytest.mark.parametrize(("kind", "size"), [("char", None), ("word", None), ("bpe", 40)])
def test_ids_round_trip_and_files(tmp_path, kind, size):
    units = Units.from_text(TEXT, kind, size)
    assert units.symbols[:2] == ["<blank>", "<unk>"] and units.symbols[-1] == "<sos/eos>"
    assert (units.blank, units.unknown, units.sos_eos) == (0, 1, len(units) - 1)
    units.save(tmp_path)
    loaded = Units.load(tmp_path)
    assert (loaded.kind, loaded.symbols) == (kind, units.symbols)
    for text in TEXT:
        ids = units.encode(text)
        assert loaded.encode(text) == ids and not {0, 1, units.sos_eos} & set(ids)
        assert loaded.decode([0, *ids, units.sos_eos]) == " ".join(text.split())
    assert (tmp_path / "units.txt").read_text().splitlines()[0] == "<blank> 0"


def test_worked_ids():
    words = Units.from_text(["b a", "a c"], "word")
    assert words.symbols == ["<blank>", "<unk>", "a", "b", "c", "<sos/eos>"]
    assert words.encode("c x a") == [4, 1, 2] and words.decode([4, 1, 2]) == "c <unk> a"
    letters = Units.from_text(["b a"], "char")
    assert letters.encode("ab c") == [3, 4, 2, 1] and letters.decode([3, 4, 2, 1]) == "ab <unk>"


def test_single_letter_words_stay_words(tmp_path):
    Units.from_text(["a b c"], "word").save(tmp_path)
    assert Units.load(tmp_path).kind == "word"


def test_bpe_is_the_same_each_time():
    first, second = (Units.from_text(TEXT, "bpe", 40) for _ in range(2))
    assert first.model == second.model


@pytest.mark.parametrize(("kind", "size"), [("char", None), ("word", None), ("bpe", 40)])
def test_unknown_words_are_named(kind, size):
    units = Units.from_text(TEXT, kind, size)
    assert units.unknown_words(["one žluť two", "žluť"]) == {"žluť": 2}


@given(st.lists(st.text("abc dé ", max_size=20), min_size=1).filter(lambda texts: "".join(texts).strip()))
@settings(max_examples=50, deadline=None)
def test_any_text_comes_back(texts):
    for kind in ("char", "word"):
        units = Units.from_text(texts, kind)
        assert [units.decode(units.encode(text)) for text in texts] == [" ".join(text.split()) for text in texts]


@pytest.mark.parametrize(
    ("texts", "kind", "size", "message"),
    [
        ([], "word", None, "no words"),
        (["", "  "], "char", None, "no words"),
        (["a <space>"], "word", None, "<space> is reserved"),
        (TEXT, "phone", None, "units.kind"),
        (TEXT, "bpe", None, "needs a size"),
        (TEXT, "word", 10, "has none"),
        (TEXT, "bpe", 5000, r"set \d+ or less"),
        (TEXT, "bpe", 4, r"set \d+ or more"),
    ],
)
def test_what_is_refused(texts, kind, size, message):
    with pytest.raises(UnitsError, match=message):
        Units.from_text(texts, kind, size)


def test_the_named_largest_size_works():
    with pytest.raises(UnitsError) as refused:
        Units.from_text(TEXT, "bpe", 5000)
    largest = int(str(refused.value).split("set ")[1].split()[0])
    # The pieces asked for, with <blank> and <sos/eos> around them.
    assert len(Units.from_text(TEXT, "bpe", largest)) == largest + 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<blank> 0\n<unk> 1\na 3\n<sos/eos> 3\n", "units.txt:3"),
        (b"<blank> 0\n<unk> 1\na a 2\n<sos/eos> 3\n", "units.txt:3"),
        (b"<blank> 0\n<unk> 1\na 2\n", "<sos/eos> last"),
        (b"<blank> 0\n<unk> 1\na 2\na 3\n<sos/eos> 4\n", "no symbol twice"),
        (b"", "needs <blank>"),
        (b"\xff 0\n", "not UTF-8"),
    ],
)
def test_bad_tables_are_refused(tmp_path, content, message):
    (tmp_path / "units.txt").write_bytes(content)
    with pytest.raises(UnitsError, match=message):
        Units.load(tmp_path)


def test_missing_and_mixed_folders(tmp_path):
    with pytest.raises(UnitsError, match="make-units"):
        Units.load(tmp_path)
    Units.from_text(TEXT, "bpe", 40).save(tmp_path)
    (tmp_path / "checksums").unlink()
    (tmp_path / "units.txt").write_text("<blank> 0\n<unk> 1\na 2\n<sos/eos> 3\n")
    with pytest.raises(UnitsError, match="do not fit"):
        Units.load(tmp_path)
    (tmp_path / "bpe.model").write_bytes(b"nonsense")
    with pytest.raises(UnitsError, match="no sentencepiece model"):
        Units.load(tmp_path)
