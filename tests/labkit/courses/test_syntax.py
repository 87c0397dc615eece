"""Two graders at once read labs and answers: trees of syntax built at the same time do not disturb each other."""

import gc
import sys
import threading
from pathlib import Path

from labkit.courses.syntax import parse

SOURCE = Path(__file__).read_text()


class Cycle:
    """Its end runs Python in the middle of whatever the collector interrupts, where threads may change."""

    def __init__(self):
        self.me = self

    def __del__(self):
        for _ in range(50):
            pass


def test_many_threads_parse_at_once(request):
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    request.addfinalizer(lambda: (sys.setswitchinterval(interval), gc.set_threshold(*threshold)))
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    wrong = []

    def read():
        for _ in range(150):
            for _ in range(20):
                Cycle()
            try:
                parse(SOURCE)
            except SystemError as error:
                wrong.append(str(error))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
