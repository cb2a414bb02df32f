"""The joint front-end and recogniser: neither padding nor the rest of the batch changes its output."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_joint_asr import DECODER, alone, make_batch, make_system


@pytest.mark.parametrize("extra", [0, 1, 80, 3333])
def test_output_does_not_depend_on_padding_or_batch(extra):
    batch = make_batch()
    system = make_system(batch, decoder=DECODER).eval()
    hidden, log_probs, lengths = system.encode(batch.waves, batch.lengths)
    whole = system.validate(batch)
    assert torch.equal(lengths, system.output_lengths(batch.lengths))
    total = 0.0
    for row in range(len(batch)):
        one = alone(batch, row, extra)
        _, alone_probs, alone_lengths = system.encode(one.waves, one.lengths)
        assert alone_lengths[0] == lengths[row]
        size = int(lengths[row])
        torch.testing.assert_close(alone_probs[0, :size], log_probs[row, :size], atol=1e-5, rtol=0)
        total += system.validate(one)["loss"][0]
    torch.testing.assert_close(total, whole["loss"][0], atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def evaluated():
    return make_system(make_batch()).eval()


@given(lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=3), extra=st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_any_length_is_encoded_as_if_alone(evaluated, lengths, extra):
    lengths = torch.tensor(lengths)
    waves = torch.randn(len(lengths), int(lengths.max()) + extra)
    _, log_probs, sizes = evaluated.encode(waves, lengths)  # random samples as padding: they must not matter
    assert torch.equal(sizes, evaluated.output_lengths(lengths))
    for row, (length, size) in enumerate(zip(lengths.tolist(), sizes.tolist(), strict=True)):
        _, alone_probs, alone_sizes = evaluated.encode(waves[row : row + 1, :length], lengths[row : row + 1])
        assert alone_sizes[0] == size
        torch.testing.assert_close(alone_probs[0, :size], log_probs[row, :size], atol=1e-5, rtol=0)


def test_enhanced_does_not_depend_on_padding():
    batch = make_batch()
    system = make_system(batch).eval()
    enhanced, losses = system.frontend(batch.waves, batch.lengths, batch.clean)
    for row in range(len(batch)):
        one = alone(batch, row, 500)
        alone_enhanced, loss = system.frontend(one.waves, one.lengths, one.clean)
        size = int(batch.lengths[row])
        torch.testing.assert_close(alone_enhanced[0, :size], enhanced[row, :size], atol=1e-5, rtol=0)
        assert not enhanced[row, size:].any()
        torch.testing.assert_close(loss[0], losses[row])
