"""YAML text in, plain values out, within bounds, so that a hostile config costs neither time nor memory."""

import math
import re
from typing import Any

import yaml

MAX_DEPTH = 50  # mappings and lists within each other
MAX_NODES = 100_000  # values, aliases counted at each use
MAX_CHARACTERS = 1 << 20
MAX_NUMBER = 2**32 - 1  # the largest seed
PLAIN = (str, bool, int, float, type(None))


class ParseError(Exception):
    """Text that is no config; says what is wrong, and in which line or at which key."""

    def __init__(self, problem: str, line: int | None = None):
        super().__init__(problem)
        self.line = line


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, bounds nesting, and reads 2e-3 as a number, as YAML 1.2 does."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError(f"is nested deeper than {MAX_DEPTH} levels", self.peek_event().start_mark.line)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, PLAIN):
                raise ParseError("a key is a list, a mapping or a date, not text", key_node.start_mark.line)
            if key in seen:
                raise ParseError(f"the key {key!r} appears twice", key_node.start_mark.line)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse(text: str) -> Any:
    """The value that a YAML document holds: text, numbers, true, false, null, and lists and mappings of them.

    Raises:
        ParseError: bad YAML, another kind of value, a number beyond MAX_NUMBER or NaN, or text that would grow beyond
            bounds.
    """
    if len(text) > MAX_CHARACTERS:
        raise ParseError(f"has more than {MAX_CHARACTERS} characters")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {}, ())
        value = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ParseError(f"not readable as YAML: {error.problem or error.context}", mark and mark.line) from error
    except yaml.YAMLError as error:
        raise ParseError(f"not readable as YAML: {error}") from error
    except (ValueError, LookupError, TypeError, OverflowError) as error:  # as of dates and numbers that cannot be
        raise ParseError(f"holds a value that is none of its kind ({error})") from error
    _check(value, "")
    return value


def _count(node: yaml.Node, known: dict[int, int], within: tuple[int, ...]) -> int:
    """How many values a node stands for, with its aliases written out."""
    if id(node) in within:
        raise ParseError("a value holds itself", node.start_mark.line)
    if id(node) not in known:
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            children = [part for pair in children for part in pair]
        known[id(node)] = 1 + sum(_count(child, known, (*within, id(node))) for child in children)
        if known[id(node)] > MAX_NODES:
            raise ParseError(f"holds more than {MAX_NODES} values, with its aliases written out", node.start_mark.line)
    return known[id(node)]


def _check(value: Any, key: str) -> None:
    """Refuse values that are not plain, and numbers beyond bounds."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for inner in value:
            _check(inner, key)
    elif not isinstance(value, PLAIN):
        raise ParseError(f"{key}: a {type(value).__name__} is no value of a config; write text in quotes")
    elif isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise ParseError(f"{key}: the number lies beyond {MAX_NUMBER}; correct it")
    elif isinstance(value, float) and math.isnan(value):
        raise ParseError(f"{key}: is no number (.nan); correct it")
