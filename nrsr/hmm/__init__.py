"""Hidden Markov models of phones: topology, trees, Gaussian mixtures, alignment and decoding graphs."""
