"""A front-end trained by itself: its loss and criteria by hand, what it puts out, and its way before a recogniser."""

import numpy as np
import pytest
import torch
from toy_joint_asr import MASK, NULL, make_batch, make_system

from nrsr.nn.si_snr import si_snr
from nrsr.systems import LossError, build_system


def make(batch, frontend=MASK):
    torch.manual_seed(3)
    system = build_system({"sample_rate": 8000, "system": {"class": "nrsr.systems.Enhancement", "frontend": frontend}})
    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if hasattr(module, "finish"):
            module.finish()
    return system.eval()


def test_the_loss_is_that_of_the_joint_system():
    batch = make_batch()
    batch.has_clean[1] = False
    joint, alone = make_system(batch).eval(), make(batch)
    alone.frontend.load_state_dict(joint.frontend.state_dict())
    expected = joint.losses(batch, "main", ["se"])["se"]
    torch.testing.assert_close(alone.losses(batch, "main", ["se"])["se"], expected)
    assert alone.counts(batch, "main", ["se"])["se"] == 3
    criteria = alone.validate(batch)
    torch.testing.assert_close(criteria["loss"][0] / criteria["loss"][1], expected.detach())
    enhanced = alone.frontend(batch.waves, batch.lengths)[0]
    kept = batch.has_clean
    after, before = (
        si_snr(waves[kept], batch.clean[kept], batch.lengths[kept], 80.0).sum() for waves in (enhanced, batch.waves)
    )
    torch.testing.assert_close(criteria["si_snr"][0], after.detach())
    torch.testing.assert_close(criteria["si_snri"][0], (after - before).detach(), atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_what_it_puts_out_does_not_depend_on_company():
    batch = make_batch()
    system = make(batch)
    inputs = [wave[:length].numpy() for wave, length in zip(batch.waves, batch.lengths.tolist(), strict=True)]
    together = system.infer(inputs, ["wav"])["wav"]
    alone = [system.infer([one], ["wav"])["wav"][0] for one in inputs]
    for one, other, given in zip(together, alone, inputs, strict=True):
        assert len(one) == len(given)
        np.testing.assert_allclose(one, other, atol=1e-5)


@torch.no_grad()
def test_samples_are_the_waveforms_of_two_utterances():
    batch = make_batch()
    batch.has_clean[1] = False
    for system in (make(batch), make_system(batch).eval()):
        samples = system.samples(batch)
        assert list(samples) == ["1/noisy", "1/enhanced", "1/clean", "2/noisy", "2/enhanced"]
        assert torch.equal(samples["1/clean"], batch.clean[0, : batch.lengths[0]])
        assert samples["2/enhanced"].shape == (batch.lengths[1],)


def test_a_front_end_without_a_loss_is_refused():
    batch = make_batch()
    with pytest.raises(LossError, match="Identity has no enhancement loss"):
        make(batch, NULL).losses(batch, "main", ["se"])
    with pytest.raises(LossError, match="Enhancement has no loss asr; it has se"):
        make(batch).losses(batch, "main", ["asr"])
