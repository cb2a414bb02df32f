"""DNN and TDNN against slow implementations, frame by frame."""

import pytest
import torch

from nrsr.config import ConfigError
from nrsr.nn.dnn import Dnn
from nrsr.nn.tdnn import Tdnn


def test_dnn_is_its_layers_on_the_joined_frames():
    torch.manual_seed(0)
    network = Dnn(3, layers=2, width=8, left=2, right=1).eval()
    inputs = torch.randn(2, 2 + 5 + 1, 3)
    first, last = network(inputs)
    assert first.shape == last.shape == (2, 5, 8)
    for frame in range(5):
        joined = torch.cat([inputs[:, frame + place] for place in range(4)], 1)  # oldest frame first
        hidden = torch.relu(network.layers[0][0](joined))
        torch.testing.assert_close(first[:, frame], hidden)
        torch.testing.assert_close(last[:, frame], torch.relu(network.layers[1][0](hidden)))


def test_tdnn_is_its_layers_at_their_offsets():
    torch.manual_seed(0)
    offsets = [[-1, 0, 2], [-3, 1], [0]]
    network = Tdnn(2, width=4, offsets=offsets, norm=None).eval()
    assert (network.left, network.right) == (4, 3)
    inputs = torch.randn(1, 4 + 6 + 3, 2)
    found = network(inputs)
    assert [hidden.shape for hidden in found] == [(1, 6, 4)] * 3

    def layer(number, frame):
        """The hidden layer `number` at a frame of the input, by recursion."""
        if number < 0:
            return inputs[0, frame]
        joined = torch.cat([layer(number - 1, frame + offset) for offset in offsets[number]])
        return torch.relu(network.layers[number][0](joined))

    for number in range(3):
        for frame in range(6):
            torch.testing.assert_close(found[number][0, frame], layer(number, frame + 4))


def test_default_sizes_are_those_of_the_papers():
    dnn = Dnn(120)
    assert dnn.layers[0][0].in_features == 1320 and dnn.dims == [2048] * 6
    assert (Tdnn(40).left, Tdnn(40).right) == (13, 9)


@pytest.mark.parametrize("network", [Dnn(3, 2, 6, norm="batch"), Tdnn(3, 6)], ids=["dnn", "tdnn"])
def test_batch_normalisation_has_the_statistics_of_all_frames(network):
    network.train()
    inputs = torch.randn(4, network.left + 7 + network.right, 3) * 3 + 1
    hidden = network(inputs)[0]
    assert len(network(inputs)) == len(network.dims)
    if isinstance(network, Dnn):
        torch.testing.assert_close(hidden.flatten(0, 1).mean(0), torch.zeros(6), atol=1e-5, rtol=0)


def test_six_layers_let_the_variance_through():
    torch.manual_seed(0)
    hidden = [layer.detach() for layer in Dnn(40, layers=6, width=256)(torch.randn(64, 11, 40))]
    assert 0.4 < float(hidden[-1].square().mean() / hidden[0].square().mean()) < 2.5


def test_bad_sizes_are_refused():
    for network, options, message in [
        (Dnn, {"layers": 0}, "layers >= 1"),
        (Dnn, {"left": -1}, "left >= 0"),
        (Dnn, {"norm": "layer"}, "'layer'"),
        (Tdnn, {"offsets": [[1, 2]]}, "both sides of 0"),
        (Tdnn, {"offsets": []}, "both sides of 0"),
        (Tdnn, {"norm": "layer"}, "'layer'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            network(3, **options)
