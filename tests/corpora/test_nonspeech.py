"""How the nonspeech sounds divide over folds and sets."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from nrsr.corpora import nonspeech

FOLDS = range(nonspeech.FOLDS)
ALL = list(range(1, 101))
some_files = st.sets(st.integers(1, 100), min_size=1).map(sorted)


def categories(numbers):
    return {nonspeech.category_of(number) for number in numbers}


def test_every_number_has_one_category():
    listed = [number for members in nonspeech.CATEGORIES.values() for number in members]
    assert sorted(listed) == ALL
    assert [nonspeech.category_of(n) for n in (1, 17, 18, 46, 87, 88, 89, 97, 98, 100)] == [
        "crowd", "crowd", "machine", "traffic", "snore", "click", "laugh", "footsteps", "door", "phone_dialling",
    ]  # fmt: skip


@given(some_files, st.integers(0, 5))
def test_each_file_is_in_one_set_of_each_fold(numbers, seed):
    for fold in FOLDS:
        sets = nonspeech.split_files(numbers, fold, seed)
        assert sorted(number for members in sets.values() for number in members) == numbers


@given(some_files, st.integers(0, 5))
def test_unseen_categories_are_not_trained_on_and_seen_ones_are(numbers, seed):
    for fold in FOLDS:
        sets = {name: categories(members) for name, members in nonspeech.split_files(numbers, fold, seed).items()}
        assert not sets["unseen"] & (sets["train"] | sets["dev"] | sets["seen"])
        assert sets["seen"] | sets["dev"] <= sets["train"]


@given(some_files, st.integers(0, 5))
def test_development_may_have_the_categories_that_the_next_fold_holds_out(numbers, seed):
    for fold in FOLDS:
        sets = nonspeech.split_files(numbers, fold, seed, held_out_dev=True)
        assert sorted(number for members in sets.values() for number in members) == numbers
        kinds = {name: categories(members) for name, members in sets.items()}
        assert kinds["dev"] == categories(numbers) & set(nonspeech.UNSEEN[(fold + 1) % nonspeech.FOLDS])
        assert kinds["unseen"] == categories(nonspeech.split_files(numbers, fold, seed)["unseen"])
        assert kinds["seen"] <= kinds["train"]
        assert not kinds["train"] & (kinds["dev"] | kinds["unseen"])


@given(some_files)
def test_each_category_is_unseen_in_exactly_one_fold(numbers):
    unseen = [categories(nonspeech.split_files(numbers, fold)["unseen"]) for fold in FOLDS]
    for category in categories(numbers):
        assert sum(category in held_out for held_out in unseen) == 1


def test_the_folds_hold_out_a_quarter_of_the_files_each():
    for fold in FOLDS:
        sets = nonspeech.split_files(ALL, fold)
        assert len(sets["unseen"]) == 25
        assert 0.5 < len(sets["train"]) / 75 < 0.62
        assert 0.25 < len(sets["seen"]) / 75 < 0.35
        assert 0.08 < len(sets["dev"]) / 75 < 0.2


def test_the_seen_test_files_rotate_with_the_fold():
    tested = [set(nonspeech.split_files(ALL, fold)["seen"]) for fold in FOLDS]
    large = [n for n in ALL if len(nonspeech.CATEGORIES[nonspeech.category_of(n)]) >= 9]
    # Where the windows do not meet, a file is in the seen test of one fold at most.
    assert all(sum(n in members for members in tested) <= 1 for n in large)
    assert len(set.union(*tested)) > 65


def test_a_set_without_files_is_an_error(tmp_path):
    for number in (1, 2, 18):
        soundfile.write(tmp_path / f"n{number}.wav", np.zeros(2000) + 0.1, 20000)
    with pytest.raises(nonspeech.NonspeechError, match="fill the set 'dev'"):
        nonspeech.read_noises(tmp_path, fold=0)


def test_an_empty_or_absent_folder_is_named(tmp_path):
    assert "no such folder" in nonspeech.check(tmp_path / "none")[0]
    assert "no sound n1.wav" in nonspeech.check(tmp_path)[0]
    (tmp_path / "N7.WAV").touch()
    assert "it has N7.WAV" in nonspeech.check(tmp_path)[0]


def test_strange_files_are_listed(tmp_path):
    for name in ("n5.wav", "n05.wav", "n101.wav", "hello.wav"):
        (tmp_path / name).touch()
    assert list(nonspeech.find_files(tmp_path)) == [5]
    assert nonspeech.strange_files(tmp_path) == ["hello.wav", "n05.wav", "n101.wav"]
    assert len(nonspeech.missing(tmp_path)) == 99
