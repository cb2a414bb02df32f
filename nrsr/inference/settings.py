"""How to decode: the config's `decoding`, with what the command line changes."""

from dataclasses import dataclass, replace
from typing import Any

from nrsr.config import ConfigError, settings_from

METHODS = ("greedy", "beam", "joint")


@dataclass(frozen=True)
class DecodingSettings:
    """The config's `decoding`; weights are the published ones of joint CTC/attention decoding.

    Attributes:
        method: "greedy" (best CTC path), "beam" (CTC prefixes) or "joint" (CTC and attention).
        beam: hypotheses kept, for "beam" and "joint".
        lm_weight: of the language model's natural logarithm, where one is given (`--lm`).
        word_score: added for each word, where the language model is over words.
        ctc_weight: share of CTC in "joint"; the attention decoder has the rest.
        length_penalty: added for each unit in "joint".
        batch_size: utterances that go through the network together.
    """

    method: str = "greedy"
    beam: int = 60
    lm_weight: float = 0.3
    word_score: float = 0.0
    ctc_weight: float = 0.3
    length_penalty: float = 0.0
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"decoding.method: {self.method!r} is not known; take one of {', '.join(METHODS)}")
        for name in ("beam", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"decoding.{name}: {getattr(self, name)} is too small; take 1 or more")
        if not 0 <= self.ctc_weight <= 1:
            raise ConfigError(f"decoding.ctc_weight: {self.ctc_weight} must lie between 0 and 1")

    @classmethod
    def from_config(cls, config: dict[str, Any], changes: dict[str, Any]) -> "DecodingSettings":
        """From an experiment's config; `changes` of None are none.

        Raises:
            ConfigError: a key that is not known, or a value of another type.
        """
        settings = settings_from(cls, config.get("decoding"), "decoding")
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(settings, **given)
