"""A list of labels that is missing: the message says who writes it."""

import pytest

from nrsr.data.labels import LabelError, open_labels
from nrsr.kaldi import DataDir, write_list
from nrsr.kaldi.audio import AudioError, to_rate


@pytest.mark.parametrize(
    ("file", "source"),
    [("utt2noise", "nrsr mix writes it"), ("utt2emotion", "write it, a line `UTTERANCE LABEL` each")],
)
def test_a_missing_list_of_labels(tmp_path, file, source):
    write_list(tmp_path / "utt2spk", {"a-1": "a"})
    with pytest.raises(LabelError, match=f"{file}: no such file; {source}, or say with `missing: clean`"):
        open_labels({"kind": {"file": file}}, DataDir(tmp_path))


def test_audio_of_another_rate_says_what_a_user_can_do():
    with pytest.raises(
        AudioError, match=r"resample it \(`sox in.wav -r 16000 out.wav`\), or set sample_rate: 8000 in "
    ):
        to_rate(None, 8000, 16000, resample=False)
