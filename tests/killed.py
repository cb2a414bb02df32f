"""A sub-command that is killed outright at a chosen place, in a child process of the test's."""

import os
import signal
from collections.abc import Callable


def killed_at(place: int, work: Callable[[], object]) -> bool:
    """Run `work` in a forked child that is killed with SIGKILL at a change of the disk's names.

    Args:
        place: the rename or removal before which the child is killed, from 0.

    Returns:
        whether the child came as far as that; otherwise it has done all its work.
    """
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            _kill_before(place)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _kill_before(place: int) -> None:
    left = place

    def counted(change: Callable) -> Callable:
        def call(*arguments, **options):
            nonlocal left
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return change(*arguments, **options)

        return call

    os.replace, os.unlink = counted(os.replace), counted(os.unlink)
