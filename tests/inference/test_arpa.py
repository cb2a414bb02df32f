"""ARPA files that KenLM would refuse or misread give an error with the line."""

import pytest

from nrsr.inference.arpa import LanguageModelError, load_kenlm, read_vocabulary

GOOD = """
\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.5\t</s>
-0.4\thé\t-0.2

\\2-grams:
-0.2\t<s> hé
-0.3\thé </s>

\\end\\
"""


def test_good_file(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_text(GOOD, encoding="utf-8")
    assert read_vocabulary(path) == ["<unk>", "<s>", "</s>", "hé"]
    kenlm = load_kenlm(path, ["hé"])
    assert kenlm.score(kenlm.start(False), 0)[1] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-0.4\thé", "-0.4 hé", "lm.arpa:10: .*separated by tabs"),
        ("-0.2\t<s> hé", "-0.2\t<s>  hé", "lm.arpa:13: expected 2 words separated by single spaces"),
        ("-0.2\t<s> hé", "-0.2\t<s> hé\t-0.1", "lm.arpa:13: expected probability<TAB>2 words"),
        ("-0.5\t</s>", "-x5\t</s>", "lm.arpa:9: expected probability<TAB>1 words"),
        ("-0.5\t</s>", "0.5\t</s>", "lm.arpa:9: .*above 0"),
        ("-0.5\t</s>", "nan\t</s>", "lm.arpa:9: .*above 0"),
        ("ngram 1=4", "ngram 1=5", "lm.arpa:11: "),
        ("ngram 1=4", "ngram 1=3", "lm.arpa:10: expected .2-grams:"),
        ("ngram 2=2", "ngram 3=2", "lm.arpa:4: expected `ngram 2=COUNT`"),
        ("\\data\\", "data", "lm.arpa:2: expected .data"),
        ("\\2-grams:", "\\3-grams:", "lm.arpa:12: expected .2-grams:"),
        ("\n\\end\\\n", "", "lm.arpa:15: the file ends before .end"),
        ("-0.3\thé </s>", "-0.3\thé </s>\r", "lm.arpa:14: ends in a carriage return"),
        ("</s>", "</S>", "has no </s>"),
        ("-1.0\t<unk>", "-1.0\thé", "has 'hé' twice"),
    ],
)
def test_bad_files(tmp_path, old, new, message):
    path = tmp_path / "lm.arpa"
    path.write_text(GOOD.replace(old, new), encoding="utf-8", newline="")
    with pytest.raises(LanguageModelError, match=message):
        read_vocabulary(path)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_bytes(GOOD.encode("latin-1"))
    with pytest.raises(LanguageModelError, match="lm.arpa:10: .*is not UTF-8"):
        read_vocabulary(path)
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(LanguageModelError, match="lm.arpa:1: is compressed"):
        read_vocabulary(path)
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n")
    with pytest.raises(LanguageModelError, match="lm.arpa:3: KenLM reads n-grams from 2"):
        read_vocabulary(path)
    with pytest.raises(LanguageModelError, match="nothing.arpa: No such file"):
        read_vocabulary(tmp_path / "nothing.arpa")
