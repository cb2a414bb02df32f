"""What configs say stands once: what several of them share is a base of all of them."""

from collections import defaultdict


def test_no_body_of_a_config_stands_twice(root):
    files = defaultdict(list)
    for path in [*root.glob("egs/**/*.yaml"), *root.glob("utils/**/*.yaml")]:
        lines = (line.partition(" #")[0].rstrip() for line in path.read_text(encoding="utf-8").splitlines())
        if body := [line for line in lines if line and not line.startswith(("#", "base:"))]:
            files["\n".join(body)].append(str(path.relative_to(root)))
    assert len(files) > 40
    assert [names for names in files.values() if len(names) > 1] == []
