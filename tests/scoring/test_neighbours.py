"""Nearest examples in parts, and distances within a class, against loops."""

import numpy as np

from nrsr.scoring.neighbours import mean_distances, nearest


def test_nearest_in_parts_and_but_for_itself():
    rng = np.random.default_rng(0)
    examples, others = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(11, 5)).astype(np.float32)
    names = np.array([f"o{number}" for number in range(11)])
    parts = [(names[:4].tolist(), others[:4]), (names[4:].tolist(), others[4:])]
    found = nearest(examples, [], parts, same=False)
    distances = np.linalg.norm(examples[:, None] - others, axis=2)
    np.testing.assert_allclose(found.distances, distances.min(1), rtol=1e-5)
    assert found.names.tolist() == names[distances.argmin(1)].tolist()
    same = nearest(others, names.tolist(), parts, same=True)
    among = np.linalg.norm(others[:, None] - others, axis=2) + 1e9 * np.eye(11)
    np.testing.assert_allclose(same.distances, among.min(1), rtol=1e-5)
    assert (nearest(others, names.tolist(), parts, same=False).distances == 0).all()


def test_mean_distances_within_classes():
    examples, classes = np.array([[0.0], [1.0], [5.0], [9.0]]), np.array([0, 0, 0, 1])
    found = mean_distances(examples, classes)
    np.testing.assert_allclose(found[:3], [3.0, 2.5, 4.5])
    assert np.isnan(found[3])
