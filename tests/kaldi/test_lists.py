"""Two-column lists: what is accepted, what is refused, and the order they are written in."""

import pytest

from nrsr.kaldi.lists import ListError, c_sorted, read_list, write_list


def test_crlf_tabs_and_unicode_line_ends_are_read(tmp_path):
    path = tmp_path / "text"
    path.write_bytes("b  one two\r\na\tthree\u2028four \r\nc \u3000five\n".encode())
    assert read_list(path) == {"b": "one two", "a": "three\u2028four", "c": "\u3000five"}
    assert list(read_list(path)) == ["b", "a", "c"]


def test_write_sorts_by_bytes_whatever_the_locale(tmp_path):
    path = tmp_path / "utt2spk"
    names = ["b", "B", "a_1", "a-1", "a1", "é", "z", "𝄞", "\uffee"]
    write_list(path, dict.fromkeys(names, "s"))
    written = [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines()]
    assert written == sorted(names, key=lambda name: name.encode("utf-8")) == c_sorted(names)
    assert read_list(path) == dict.fromkeys(names, "s")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a 1\n\nb 2\n", [":2:", "blank"]),
        (b"a 1\n  \n", [":2:", "blank"]),
        (b"a 1\nb\n", [":2:", "'b'", "no value"]),
        (b"a 1\nb 2\na 3\n", [":3:", "'a'", "line 1"]),
        (b"a 1\nb \xe9\n", [":2:", "UTF-8", "iconv"]),
        (b"a \0\0\n", [":1:", "NUL"]),
        ("a\xa0b 1\n".encode(), [":1:", "'a\\xa0b'", "white space"]),
    ],
)
def test_bad_lines_are_named(tmp_path, content, words):
    path = tmp_path / "wav.scp"
    path.write_bytes(content)
    with pytest.raises(ListError) as caught:
        read_list(path)
    assert str(path) in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_empty_values_only_when_allowed(tmp_path):
    path = tmp_path / "text"
    write_list(path, {"a": "", "b": "x"})
    assert path.read_bytes() == b"a\nb x\n"
    assert read_list(path, allow_empty_values=True) == {"a": "", "b": "x"}


@pytest.mark.parametrize("name", ["", "a b", "a\tb", " a", "a\n", "a\u3000b", "a\0", "\ud800"])
def test_bad_ids_are_not_written(tmp_path, name):
    with pytest.raises(ListError):
        write_list(tmp_path / "x", {name: "1"})
    assert list(tmp_path.iterdir()) == []


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ListError, match="no such file"):
        read_list(tmp_path / "none")
    with pytest.raises(ListError, match="cannot be read"):
        read_list(tmp_path)
