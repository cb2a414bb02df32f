"""Frame batches against a slow implementation, their order by seed and epoch, balance, and what is left out."""

import pickle
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_frames import NOISES, SENONES, write_frame_data

from nrsr.config import ConfigError
from nrsr.data.batches import BatchSettings
from nrsr.data.features import FeaturesError
from nrsr.data.frame_block import IGNORED
from nrsr.data.frame_plan import batch_count, epoch_blocks, ordered_blocks, shuffled_items
from nrsr.data.frames import FrameDataset, FramesError
from nrsr.data.labels import UNKNOWN, LabelError, LabelSettings
from nrsr.data.training_set import load_batches
from nrsr.kaldi import TableWriter, open_table, read_list, write_list
from nrsr.training.plan import Training

LABELS = {"noise": {}, "condition": {"missing": "clean", "against": "clean"}}
SIZE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_frame_data(tmp_path_factory.mktemp("frames") / "data")


@pytest.fixture
def data(folder, tmp_path):
    """A copy to be damaged."""
    return shutil.copytree(folder, tmp_path / "data")


def opened(folder, left=0, right=0, **options):
    options = {"cmvn": "none", "deltas": 0, "labels": LABELS, "block_frames": 150} | options
    data = FrameDataset(folder, None, 8000, BatchSettings(), **options)
    data.left, data.right = left, right
    return data


def read(data, epoch=0, seed=3, size=SIZE, workers=0):
    return list(load_batches(data, data.batches(BatchSettings(size=size), seed, epoch), workers))


def key(row):
    return row.numpy().tobytes()


@pytest.mark.parametrize(
    ("chunk", "left", "right", "deltas"), [(1, 0, 0, 0), (1, 5, 5, 2), (4, 2, 3, 1), (50, 1, 0, 0)]
)
def test_an_epoch_is_every_chunk_once_with_the_frames_around_it(folder, chunk, left, right, deltas):
    data = opened(folder, left, right, chunk=chunk, deltas=deltas)
    wanted = {}
    for number, name in enumerate(data.ids):
        features, senones = data.features[name], open_table(folder / "ali.scp")[name]
        for first in range(0, len(senones), chunk):
            places = np.clip(np.arange(first - left, first + chunk + right), 0, len(senones) - 1)
            targets = np.full(chunk, IGNORED)
            targets[: len(senones) - first] = senones[first : first + chunk]
            labels = [data.labels[kind].numbers[number] for kind in LABELS]
            wanted[features[places].tobytes()] = (name, targets.tolist(), labels)
    batches = read(data)
    assert all(len(batch) <= SIZE and batch.inputs.is_contiguous() for batch in batches)
    found = {}
    for batch in batches:
        labels = zip(*(batch.labels[kind].tolist() for kind in LABELS), strict=True)
        for inputs, targets, label in zip(batch.inputs, batch.targets.tolist(), labels, strict=True):
            name = wanted[key(inputs)][0]
            assert name in batch.ids
            found[key(inputs)] = (name, targets, list(label))
    assert found == wanted
    assert sum(map(len, batches)) == len(wanted)


def test_batches_are_the_same_by_seed_and_epoch_and_mix_utterances(folder):
    first, again = read(opened(folder, 1, 1)), read(opened(folder, 1, 1), workers=2)
    assert len(first) == len(again) > 10
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets)
        assert one.ids == other.ids and torch.equal(one.labels["noise"], other.labels["noise"])
    for changed in (read(opened(folder, 1, 1), epoch=1), read(opened(folder, 1, 1), seed=4)):
        assert not all(torch.equal(one.targets, other.targets) for one, other in zip(first, changed, strict=False))
    assert min(len(batch.ids) for batch in first) > 1


def test_reading_may_begin_within_an_epoch(folder):
    whole, data = read(opened(folder)), opened(folder)
    places = data.batches(BatchSettings(size=SIZE), 3, 0)
    for start in (1, 7, len(places) - 1):
        part = list(load_batches(opened(folder), places[start:]))
        assert all(torch.equal(one.inputs, other.inputs) for one, other in zip(part, whole[start:], strict=True))


class LoggedDataset(FrameDataset):
    """Writes a line into `log` for each block that is read, in whichever process."""

    def _read(self, key):
        with self.log.open("a") as stream:
            stream.write(f"{key}\n")
        return super()._read(key)


def test_a_training_on_a_gpu_reads_each_block_once(folder, tmp_path):
    data = LoggedDataset(folder, None, 8000, BatchSettings(), cmvn="none", deltas=0, block_frames=150)
    data.log = tmp_path / "log"
    training = SimpleNamespace(config=SimpleNamespace(batches=BatchSettings()), device=torch.device("cuda"))
    batches = data.batches(BatchSettings(size=SIZE), 3, 0)
    blocks = {str(tuple(place[:3])) for [place] in batches}
    assert len(list(Training.loaded(training, data, batches))) == len(batches) and len(blocks) > 2
    assert sorted(data.log.read_text().splitlines()) == sorted(blocks)


def test_development_data_come_whole_and_in_order(folder):
    data = opened(folder)
    batches = list(load_batches(data, data.dev_batches(BatchSettings(size=SIZE))))
    targets = torch.cat([batch.targets.flatten() for batch in batches]).tolist()
    assert targets == np.concatenate([open_table(folder / "ali.scp")[name] for name in data.ids]).tolist()


def test_a_pickled_dataset_reads_the_same(folder):
    data = opened(folder, 2, 2)
    data[data.batches(BatchSettings(size=SIZE), 3, 0)[0][0]]  # a thread reads ahead now
    one, other = read(data), read(pickle.loads(pickle.dumps(data)))
    assert all(torch.equal(first.inputs, second.inputs) for first, second in zip(one, other, strict=True))


def test_balanced_batches_are_half_clean_and_half_noisy(folder):
    data = opened(folder, balance="condition")
    assert data.labels["condition"].classes == ["clean", "other"]
    clean = int(data.counts[data.labels["condition"].numbers == 0].sum())
    noisy = int(data.counts.sum()) - clean
    batches = read(data)
    for batch in batches:
        assert batch.labels["condition"].float().mean() == 0.5
    assert sum(map(len, batches)) >= 2 * max(clean, noisy)
    assert sum(map(len, batches)) < 2.3 * max(clean, noisy)
    seen = {key(row) for batch in batches for row in batch.inputs}
    assert len(seen) == clean + noisy  # the larger half once, the smaller one whole and some of it again
    of_three = read(opened(folder, balance="noise"), size=30)
    for batch in of_three:
        assert torch.bincount(batch.labels["noise"], minlength=3).tolist() == [len(batch) // 3] * 3


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=3),
    st.integers(1, 120),
    st.integers(1, 20),
)
def test_every_group_has_its_share_of_every_block(groups, block_size, size):
    sizes = np.array([count for group in groups for count in group])
    ends = np.cumsum([len(group) for group in groups])
    numbers = np.split(np.arange(len(sizes)), ends[:-1])
    blocks = epoch_blocks(sizes, numbers, block_size, 1, 2)
    totals = [int(sizes[group].sum()) for group in numbers]
    for place, group in enumerate(numbers):
        parts = [block[place] for block in blocks]
        assert all(len(part) for part in parts)
        seen = np.bincount(np.concatenate(parts), minlength=len(sizes))[group]
        assert seen.min() == 1 if totals[place] == max(totals) else seen.min() >= 0
        assert seen.max() - seen.min() <= 1
        assert sum(int(sizes[part].sum()) for part in parts) >= max(totals)
    for block in blocks:
        counts = [int(sizes[part].sum()) for part in block]
        items = shuffled_items(counts, (1, 2))
        assert items.shape == (len(groups), max(counts))
        assert sorted(set(items.ravel().tolist())) == list(range(sum(counts)))
        assert batch_count(counts, size) * size >= max(counts) * len(groups) > (batch_count(counts, size) - 1) * size
    ordered = ordered_blocks(sizes, block_size)
    assert np.concatenate([block[0] for block in ordered]).tolist() == list(range(len(sizes)))


def test_metadata_and_fingerprint(folder):
    data = opened(folder, deltas=2)
    metadata = data.metadata()
    alignments = np.concatenate(list(open_table(folder / "ali.scp").values()))
    assert metadata == {
        "input_dim": 21,
        "senone_counts": np.bincount(alignments).tolist(),
        "classes": {"noise": NOISES, "condition": ["clean", "other"]},
    }
    assert opened(folder, senones=9).metadata()["senone_counts"] == metadata["senone_counts"] + [0] * (9 - SENONES)
    assert data.fingerprint() == opened(folder, deltas=2).fingerprint()
    assert data.fingerprint() != opened(folder, labels={"noise": {}}).fingerprint()


def test_what_is_left_out_is_named(data):
    features, alignments = (dict(open_table(data / f"{name}.scp")) for name in ("feats", "ali"))
    names = sorted(features)
    alignments[names[1]] = alignments[names[1]][:-2]
    del alignments[names[2]], features[names[3]]
    alignments["elsewhere"] = np.zeros(5, np.int32)
    features[names[4]], alignments[names[4]] = features[names[4]][:0], alignments[names[4]][:0]
    for name, table in (("feats", features), ("ali", alignments)):
        with TableWriter(f"ark,scp:{data}/{name}.ark,{data}/{name}.scp") as writer:
            for utterance, value in table.items():
                writer[utterance] = value
    (data / "utt2num_frames").unlink()
    opened_data = opened(data)
    count = len(features[names[1]])
    assert opened_data.skipped == {
        names[1]: f"features and alignment of different lengths: {count} frames, {count - 2} aligned",
        names[2]: "no alignment",
        names[3]: "no features",
        names[4]: "no frames",
        "elsewhere": "in ali.scp alone",
    }
    assert len(opened_data) == len(names) - 4
    assert opened_data.reasons() == (
        "1 features and alignment of different lengths, 1 in ali.scp alone, 1 no alignment, 1 no features, 1 no frames"
    )


def test_unknown_labels_are_masked_and_told(folder, data):
    train = opened(folder)
    assert train.notes() == [f"{folder}/utt2noise: 1 of 24 utterances have no label that is learnt: no label (1)"]
    assert train.labels["noise"].numbers[0] == UNKNOWN
    write_list(data / "utt2noise", {**read_list(data / "utt2noise"), "s1-001": "train"})
    dev = opened(data)
    dev.apply_metadata(train.metadata())
    assert dev.labels["noise"].classes == NOISES
    assert dev.labels["noise"].numbers[train.ids.index("s1-001")] == UNKNOWN
    assert dev.notes()[0].endswith("2 of 24 utterances have no label that is learnt: no label (1), train (1)")
    balanced = opened(folder, balance="noise")
    assert balanced.notes()[-1] == f"{folder}: data.balance leaves out the 1 without a noise"
    assert all((batch.labels["noise"] != UNKNOWN).all() for batch in read(balanced))


def test_data_that_do_not_fit_are_refused(folder, data):
    with pytest.raises(ConfigError, match="data.balance: 'speaker' is none of data.labels"):
        opened(folder, balance="speaker")
    with pytest.raises(ConfigError, match="chunk >= 1"):
        opened(folder, chunk=0)
    with pytest.raises(ConfigError, match="give the name of a list"):
        LabelSettings(file="../utt2noise")
    with pytest.raises(ConfigError, match="data.labels: expected"):
        opened(folder, labels=["noise"])
    with pytest.raises(FramesError, match="has senone [23], but data.senones is 2"):
        opened(folder, senones=2)
    with pytest.raises(LabelError, match="utt2where: no such file"):
        opened(folder, labels={"where": {"file": "utt2where"}})
    one_kind = opened(folder, labels={"where": {"file": "utt2where", "missing": "clean"}})
    with pytest.raises(LabelError, match="1 kinds of label among the utterances .clean."):
        one_kind.metadata()
    train = opened(folder)
    with pytest.raises(FramesError, match="21 values a frame with deltas, the training data have 7"):
        opened(folder, deltas=2).apply_metadata(train.metadata())
    with pytest.raises(FramesError, match="has senone 3, the training data have 3"):
        train.apply_metadata(train.metadata() | {"senone_counts": [1, 1, 1]})
    names = train.ids
    write_list(data / "utt2num_frames", {name: int(train.counts[number]) for number, name in enumerate(names)})
    with TableWriter(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        for name in names:
            writer[name] = np.zeros((5, 7), np.float32)
    with pytest.raises(FeaturesError, match="utt2num_frames says"):
        read(opened(data))
    with TableWriter(f"ark,scp:{data}/ali.ark,{data}/ali.scp") as writer:
        writer[names[0]] = np.zeros(5, np.float32)
    with pytest.raises(FramesError, match="is no vector of senone numbers"):
        opened(data)
    with TableWriter(f"ark,scp:{data}/ali.ark,{data}/ali.scp") as writer:
        writer["x"] = np.zeros(5, np.int32)
    with pytest.raises(FramesError, match="no utterance is left of 25; 1 in ali.scp alone, 24 no alignment"):
        opened(data)
    (data / "ali.scp").unlink()
    with pytest.raises(FramesError, match="ali.scp: no such file"):
        opened(data)
