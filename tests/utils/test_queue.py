"""utils/queue.sh: a list of runs that several processes share."""

import os
import signal
import subprocess
import time

import pytest


@pytest.fixture
def queue(root, tmp_path):
    """queue(items) starts a process on the queue of tmp_path/q."""

    def start(items: str) -> subprocess.Popen:
        script = tmp_path / "list.sh"
        script.write_text(f"""set -euo pipefail
. {root}/utils/queue.sh
queue={tmp_path}/q
queue_pause=0.05
work() {{ echo "$1" >> {tmp_path}/order; sleep 0.1; }}
broken() {{ false; echo "went on" >> {tmp_path}/order; }}
{items}
run_queue
[ ${{#failed[@]}} -eq 0 ]
""")
        return subprocess.Popen(["bash", str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def order(tmp_path) -> list[str]:
    return (tmp_path / "order").read_text().splitlines()


MANY = "for i in 1 2 3 4 5 6; do item run$i work $i; done"


def test_two_processes_share_the_items_and_a_third_has_nothing_to_do(queue, tmp_path):
    running = [queue(MANY), queue(MANY)]
    printed = [process.communicate(timeout=60)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(order(tmp_path)) == list("123456")
    assert order(tmp_path)[:2] in (["1", "2"], ["2", "1"]) and order(tmp_path)[-1] in "56"
    assert sum(map(len, printed)) == 6 and all(printed)
    assert sum("done after 0 min, 6 of 6 done" in line for line in sum(printed, [])) >= 1
    assert queue(MANY).communicate(timeout=60) == ("", "")
    assert len(order(tmp_path)) == 6


def test_an_item_waits_for_others_and_not_for_what_failed(queue, tmp_path):
    items = """
item_after "one two" late work late
item broken broken
item_after broken never work never
item one work one
item two work two
"""
    process = queue(items)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert order(tmp_path) == ["one", "two", "late"]
    assert "broken: FAILED (see " in out and "never" in err and "broken" in err
    (tmp_path / "order").unlink()
    second = queue(items.replace("item broken broken", "item broken work mended"))
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert order(tmp_path) == ["mended", "never"]


def test_an_item_does_not_wait_for_what_is_not_in_the_list(queue, tmp_path):
    process = queue("only='w*'\nitem one work one\nitem_after one wait work wait\nitem w work w")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "is not in the list: wait" in err
    assert order(tmp_path) == ["w"]


def test_what_was_killed_is_done_by_the_next_process(queue, tmp_path):
    items = f"item slow sh -c 'echo started >> {tmp_path}/order; [ -e {tmp_path}/go ] || exec sleep 60'"
    process = queue(items)
    deadline = time.monotonic() + 20
    while not (tmp_path / "order").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=20)  # its child has the output as well: it is gone, too
    (tmp_path / "go").touch()
    again = queue(items)
    assert "slow: done" in again.communicate(timeout=60)[0]
    assert order(tmp_path) == ["started", "started"]
