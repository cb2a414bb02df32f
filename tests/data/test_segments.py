"""Segments of a fixed length: the same stretch of all parallel signals, short utterances, and data without words."""

import numpy as np
import pytest
from augmented_corpus import RATE, UNITS, opened, write_corpus, write_waves

from nrsr.config import ConfigError
from nrsr.data.batches import BatchSettings
from nrsr.data.draw import Draw
from nrsr.data.parallel_audio import DatasetError
from nrsr.data.training_set import load_batches


@pytest.fixture
def corpus(tmp_path):
    """Five utterances of 3500 to 5500 samples without transcripts; the clean speech is half of each."""
    speech, _ = write_corpus(tmp_path)
    (tmp_path / "train" / "text").unlink()
    write_waves(tmp_path / "train", {name: wave / 2 for name, wave in speech.items()}, scp="spk1.scp")
    return tmp_path / "train", speech


SPEED = {"class": "nrsr.data.augmentation.Speed", "factors": [0.9, 1.1]}


def place_of(part: np.ndarray, whole: np.ndarray) -> int:
    windows = np.lib.stride_tricks.sliding_window_view(whole, len(part))
    return int(np.flatnonzero((windows == part).all(1))[0])


def test_the_same_stretch_of_all_parallel_signals(corpus):
    path, speech = corpus
    data, starts = opened(path, None, units=None, segment=800), set()
    for epoch in range(30):
        example = data[Draw(0, 1, epoch)]
        assert len(example.wave) == 800 and example.targets is None
        starts.add(place_of(example.wave, speech["u1"]))
        np.testing.assert_array_equal(example.clean, example.wave / 2)
    assert len(starts) > 25 and min(starts) < 600 and max(starts) > 2100
    np.testing.assert_array_equal(data[0].wave, speech["u1"])  # development data stay whole
    longer = opened(path, None, units=None, segment=4600)
    assert longer.collate([longer[0]]).waves.shape == (1, 4600)  # and at least as long as a segment


def test_sources_of_several_speakers_are_cut_alike(corpus):
    path, speech = corpus
    write_waves(path, {name: wave / 4 for name, wave in speech.items() if name != "u2"}, scp="spk2.scp")
    (path / "utt2spk").write_text("".join(f"{name} s\n" for name in speech))
    data = opened(path, None, units=None, segment=800)
    batches = list(load_batches(data, [[Draw(0, 1, 0), Draw(1, 1, 0)]]))
    assert batches[0].clean is None and batches[0].sources.shape == (2, 2, 800)
    assert batches[0].has_clean.tolist() == [True, False] and not batches[0].sources[1].any()
    np.testing.assert_array_equal(batches[0].sources[0], np.stack([batches[0].waves[0] / 2, batches[0].waves[0] / 4]))


@pytest.mark.parametrize("short", ["pad", None])
def test_short_utterances_are_padded(corpus, short):
    path, _ = corpus
    data = opened(path, None, units=None, segment=4600, short=short)
    batch = next(load_batches(data, data.batches(BatchSettings(size=5), 1, 0)))
    assert batch.waves.shape == (5, 4600) and sorted(batch.lengths.tolist()) == [3500, 4000, 4500, 4600, 4600]
    assert not batch.waves[batch.lengths.argmin(), 3500:].any() and batch.targets is None
    alone = next(load_batches(data, [[Draw(0, 1, 0)]]))
    assert alone.waves.shape == (1, 4600) and alone.clean.shape == (1, 4600)


def test_short_utterances_are_left_out(corpus):
    path, _ = corpus
    data = opened(path, None, units=None, segment=4600, short="leave_out")
    assert data.ids == ["u4", "u5"] and data.skipped["u1"] == "shorter than data.segment: 0.438 s"
    with pytest.raises(DatasetError, match="no utterance is left of 5; 5 shorter than data.segment"):
        opened(path, None, units=None, segment=9000, short="leave_out")


def test_an_epoch_of_segments_with_a_hop_has_all_whole_ones(corpus):
    path, speech = corpus
    data = opened(path, None, units=None, segment=2000, hop=1000)
    batches = data.batches(BatchSettings(size=3), 1, 0)
    # All whole ones of 3500, 4000, 4500, 5000 and 5500 samples.
    expected = sorted((f"u{n}", start) for n in range(1, 6) for start in range(0, 3000 + 500 * n - 1999, 1000))
    assert sorted((data.ids[draw.number], draw.start) for batch in batches for draw in batch) == expected
    assert [len(batch) for batch in batches].count(3) == len(expected) // 3 and batches != data.batches(
        BatchSettings(size=3), 1, 1
    )
    assert data.batch_counts(BatchSettings(size=3), 1, 2) == [len(batches)] * 2
    for draw in batches[0]:
        example = data[draw]
        np.testing.assert_array_equal(example.wave, speech[example.id][draw.start : draw.start + 2000])
        np.testing.assert_array_equal(example.clean, example.wave / 2)
    # A short utterance is one segment, and what is drawn for the segments of an utterance differs.
    assert [
        draw.start
        for [draw] in opened(path, None, units=None, segment=5200, hop=9).batches(BatchSettings(size=1), 1, 0)
        if draw.number == 0
    ] == [0]
    with pytest.raises(ConfigError, match="data.hop: is for utterances that keep their lengths"):
        opened(path, [SPEED], units=None, segment=2000, hop=1000)
    one, two = (Draw(0, 1, 0, start).generator("u1").random() for start in (0, 1000))
    assert one != two


def test_the_cap_counts_segments_in_training_and_whole_utterances_in_validation(corpus):
    path, _ = corpus
    data, settings = opened(path, None, units=None, segment=800), BatchSettings(size=5, max_seconds=0.7)
    assert [len(batch) for batch in data.batches(settings, 1, 0)] == [5]
    assert [len(batch) for batch in data.dev_batches(settings)] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "options, named",
    [
        ({"segment": 0}, "data.segment: 0 is no number of samples"),
        ({"segment": 1.5}, "data.segment: 1.5 is no number of samples; give a whole one, as 8192"),
        ({"segment": 800, "short": "drop"}, "data.short: 'drop': take one of pad, leave_out"),
        ({"short": "pad"}, "data.short: 'pad' is for segments alone"),
        ({"hop": 400}, "data.hop: 400 is for segments alone"),
        ({"segment": 800, "hop": 0}, "data.hop: 0 is no number of samples"),
    ],
)
def test_settings_that_cannot_be(corpus, options, named):
    with pytest.raises(ConfigError, match=named):
        opened(corpus[0], None, units=None, **options)


def test_a_recogniser_gets_no_segments(corpus):
    (corpus[0] / "text").write_text("".join(f"u{n} one\n" for n in range(1, 6)))
    with pytest.raises(ConfigError, match="data.segment: nobody knows which words"):
        opened(corpus[0], None, units=UNITS, segment=RATE)
