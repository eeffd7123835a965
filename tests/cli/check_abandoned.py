#!/usr/bin/env python3
"""The last step of cancelling: a host call that does not come back, whatever it is told, is left behind.

Nothing that a guest may call does that, so the thread that runs the guest is held from outside, as by a file system that
does not answer: this process traces that one thread and stops it in the middle of its call. The flow's other steps
(drain, cancel, interrupt) then have no effect, and the process must end without it, say so, and exit with 1.
"""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000

MANIFEST = """
[torvyn]
name = "case"
version = "0.1.0"
contract_version = "0.1.0"

[runtime]
worker_threads = 2
invocation_timeout_ms = 0
drain_timeout_ms = 50
cancel_grace_ms = 50
cancel_trap_ms = 50

[flow.stuck.nodes.source]
component = "builtin:generator:1"

[flow.stuck.nodes.reader]
component = "{guests}/../blocking-processor.wasm"
interface = "torvyn:streaming/processor"

[[flow.stuck.edges]]
from = {{ node = "source", port = "output" }}
to = {{ node = "reader", port = "input" }}

[flow.other.nodes.source]
component = "builtin:generator:3"

[flow.other.nodes.sink]
component = "builtin:file:other.txt"
interface = "torvyn:streaming/sink"

[[flow.other.edges]]
from = {{ node = "source", port = "output" }}
to = {{ node = "sink", port = "input" }}

[security.grants.reader]
capabilities = ["wasi:cli/stdin", "wasi:cli/stderr"]
"""


def wait_until(condition, what):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    sys.exit(f"never came: {what}")


def thread_that_polls(pid):
    """The worker that sleeps in poll(2): the guest's read. Workers that wait for tasks sleep in epoll or a futex."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as file:
            name = file.read()
        try:
            with open(f"/proc/{pid}/task/{tid}/syscall") as file:
                number = file.read().split()[0]
        except OSError:
            continue
        if name.startswith("tvn-worker") and number in ("271", "73"):  # ppoll of x86-64, of aarch64
            return int(tid)
    return None


def hold(tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, tid, 0, 0) != 0:
            print(f"left out: this machine lets nobody trace ({os.strerror(ctypes.get_errno())})")
            sys.exit(77)
    os.waitpid(tid, WALL)  # until it has stopped


def await_end(tid):
    """The end of a traced thread is the tracer's to take, and the process does not end before."""
    while True:
        _, status = os.waitpid(tid, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return


def read(path):
    with open(path) as file:
        return file.read()


def lines_of(path):
    return len(read(path).splitlines()) if os.path.exists(path) else 0


def main():
    torvyn, guests = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "Torvyn.toml"), "w") as file:
            file.write(MANIFEST.format(guests=guests))
        errors = os.path.join(folder, "errors")
        output = os.path.join(folder, "other.txt")
        # Memory of a thread that never ends is not freed, and the leak checker cannot stop one that is traced.
        environment = dict(os.environ, TORVYN_HOME=folder, TORVYN_STATE_DIR=folder, ASAN_OPTIONS="detect_leaks=0")
        with open(errors, "w") as stderr:
            run = subprocess.Popen([torvyn, "run", "--all"], cwd=folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
        try:
            wait_until(lambda: "reading 0" in read(errors), "the guest's call")
            wait_until(lambda: thread_that_polls(run.pid), "a thread in the call")
            wait_until(lambda: lines_of(output) == 3, "what the other flow delivers")
            tid = thread_that_polls(run.pid)
            hold(tid)
            run.send_signal(signal.SIGTERM)
            await_end(tid)
            code = run.wait(timeout=60)
        finally:
            run.kill()
            run.wait()
        said = read(errors)
        expected = "flow 'stuck' did not end when it was cancelled, and was abandoned"
        if code != 1 or f"error[E0402]: {expected}" not in said:
            sys.exit(f"exit code {code}, and it said:\n{said}")
        if "Failed:      1" not in said:
            sys.exit(f"the element in the call is not accounted for:\n{said}")
        if lines_of(output) != 3:
            sys.exit("the other flow was harmed")


main()
