"""What the tests that start `torvyn run` have in common: checks, waiting, what of the environment is kept."""
import sys
import time

WAIT_S = 60  # for what must happen, however slow the machine is
KEPT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH")


def check(condition, text):
    if not condition:
        sys.exit(text)


def wait_for(what, condition, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    sys.exit(f"{what} does not come")
