"""The classifier of utterances: its loss by hand, utterances without labels, what it puts out, both networks."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy_gans import RATE, WORDS, make_batch

from nrsr.config import ConfigError
from nrsr.data.labels import UNKNOWN
from nrsr.systems import LossError, build_system

MEL = {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 128, "n_mels": 16}
NETWORKS = {
    "words": {"class": "nrsr.nn.WordClassifier", "frames": 64, "width": 2},
    "pooled": {
        "class": "nrsr.nn.PooledEncoder",
        "encoder": {"class": "nrsr.nn.BlstmEncoder", "width": 3, "layers": 1},
    },
}


def make(network: str, samples: int | None = 8192, kinds=("word",), **changes):
    torch.manual_seed(0)
    spec = {"class": "nrsr.systems.Classifier", "features": MEL, "network": NETWORKS[network], "samples": samples}
    config = {"sample_rate": RATE, "system": {**spec, **changes}}
    return build_system(config, metadata={"classes": dict.fromkeys(kinds, WORDS)} if kinds else {})


@pytest.mark.parametrize("network", NETWORKS)
def test_the_loss_counts_utterances_with_a_label(network):
    system, batch = make(network).eval(), make_batch()
    batch.labels["word"][1] = UNKNOWN
    logits = system(batch.waves, batch.lengths)
    kept = batch.labels["word"] != UNKNOWN
    expected = F.cross_entropy(logits[kept], batch.labels["word"][kept])
    torch.testing.assert_close(system.losses(batch, "main", ["ce"])["ce"], expected)
    assert system.counts(batch, "main", ["ce"])["ce"] == 5
    criteria = system.validate(batch)
    torch.testing.assert_close(criteria["loss"][0] / criteria["loss"][1], expected.detach())
    right = (logits.argmax(1) == batch.labels["word"])[kept].sum()
    assert criteria["accuracy"] == (right, 5)
    batch.labels["word"].fill_(UNKNOWN)
    loss = system.losses(batch, "main", ["ce"])["ce"]
    assert loss == 0.0 and loss.requires_grad


@torch.no_grad()
@pytest.mark.parametrize(("network", "samples"), [("words", 8192), ("pooled", None), ("pooled", 4000)])
def test_what_it_puts_out_does_not_depend_on_company(network, samples):
    system, batch = make(network, samples).eval(), make_batch()
    inputs = [wave[:length].numpy() for wave, length in zip(batch.waves, batch.lengths.tolist(), strict=True)]
    assert list(system.outputs()) == ["word", "posteriors", "embedding"]
    assert [output.on_request for output in system.outputs().values()] == [False, True, True]
    together = system.infer(inputs, ["word", "posteriors"])
    for row, given in enumerate(inputs):
        alone = system.infer([given], ["word", "posteriors"])
        torch.testing.assert_close(alone["posteriors"][0], together["posteriors"][row], rtol=1e-4, atol=1e-5)
        assert alone["word"][0] == together["word"][row] == WORDS[int(together["posteriors"][row].argmax())]
    np.testing.assert_allclose(together["posteriors"].sum(1), 1.0, rtol=1e-5)
    if samples is not None:  # what lies behind does not count
        longer = [np.concatenate([np.pad(wave, (0, samples)), np.ones(50, np.float32)]) for wave in inputs]
        cut = system.infer([wave[:samples] for wave in longer], ["posteriors"])["posteriors"]
        torch.testing.assert_close(system.infer(longer, ["posteriors"])["posteriors"], cut)


def test_it_learns():
    system, batch = make("words"), make_batch(12)
    optimiser = torch.optim.Adam(system.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        system.losses(batch, "main", ["ce"])["ce"].backward()
        optimiser.step()
    criteria = system.eval().validate(batch)
    assert criteria["accuracy"][0] / 12 > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ()}, "data.labels: none; a classifier learns one kind of label"),
        ({"kinds": ("word", "noise")}, "data.labels: word, noise; a classifier learns one kind"),
        ({"network": "words", "features": {**MEL, "n_mels": 20}}, "20 bands and 64 frames; both must be multiples"),
        ({"network": "words", "features": {"class": "nrsr.nn.Tdnn"}}, "which this slot takes"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        make(**{"network": "words", **options})
    with pytest.raises(LossError, match="Classifier has no loss asr; it has ce"):
        make("words").losses(make_batch(), "main", ["asr"])
