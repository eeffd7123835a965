#!/usr/bin/env python3
"""check_terminal.py TORVYN GUESTS WHAT: what depends on signals, timing and terminals.

  sigint   Ctrl+C drains: all that was pulled is delivered, a summary, exit 130
  sigterm  the same, exit 0
  sigint-idle
           Ctrl+C while the source waits for input
  sigint-component
           sigint with a component in the flow: the engine has threads of its own
  sigint-loop
           a component that does not return is interrupted after drain_timeout_ms, E0402, exit 130
  sigint-twice
           the same at once, after a second Ctrl+C
  live     counters on a terminal: one line, gone before the summary; none where TERM is dumb
  no-live  none when pipeline output goes to the same terminal
  guest-output
           what a component prints cannot control a terminal; elsewhere it is unchanged
  build    what a tool printed last is a line on a terminal while it runs; elsewhere it comes whole, at the end
  color    diagnostics are coloured on a terminal, by --color, and not with NO_COLOR
"""
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

MANIFEST = """[torvyn]
name = "demo"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.source]
component = "builtin:generator"

[flow.main.nodes.sink]
component = "builtin:stdout"

[[flow.main.edges]]
from = { node = "source", port = "output" }
to = { node = "sink", port = "input" }
"""
RELAY = """[torvyn]
name = "demo"
version = "0.1.0"
contract_version = "0.1.0"

[runtime]
invocation_timeout_ms = 0

[flow.main.nodes.relay]
component = "@GUESTS@/relay.wasm"
interface = "torvyn:streaming/processor"
"""
COUNTERS = r"  [\d,]+ elements \| [\d,]+ elem/s \| \d+ errors \| queue \d+"
ERASE = "\r\x1b[K"


def check(condition, text):
    if not condition:
        sys.exit(text)


def wait_for(path, text):
    for _ in range(3000):
        with open(path, encoding="utf-8") as file:
            if text in file.read():
                return
        time.sleep(0.01)
    sys.exit(f"'{text}' does not come")


def figure(text, label):
    return int(re.search(rf"^  {label}: +([\d,]+)", text, re.M)[1].replace(",", ""))


def run_and_signal(torvyn, numbers, arguments):
    """Exit code, what it said, and the seconds from the last signal to the end."""
    read_end, write_end = os.pipe()
    with open("err", "wb") as err, open("out", "wb") as out:
        process = subprocess.Popen([torvyn, "run", *arguments], stdin=read_end, stdout=out, stderr=err)
        wait_for("err", "Running flow")
        for number in numbers:
            time.sleep(0.3)
            process.send_signal(number)
        started = time.monotonic()
        code = process.wait(timeout=30)
    os.close(read_end)
    os.close(write_end)
    with open("err", encoding="utf-8") as err:
        return code, err.read(), time.monotonic() - started


def interrupt_loop(torvyn, numbers, drain_ms, seconds):
    """The fourth element never comes back. What was delivered by then is there, what was queued is given up."""
    arguments = ["--config", "relay.fault=loop", "--config", f"runtime.drain_timeout_ms={drain_ms}"]
    code, text, took = run_and_signal(torvyn, numbers, arguments)
    check(code == 130, f"exit code {code}\n{text}")
    check("  Flow:        main (interrupted)\n" in text and "error[E0402]" in text, text)
    check(seconds[0] <= took <= seconds[1], f"it took {took} s")
    with open("out", encoding="utf-8") as out:
        check(len(out.readlines()) == figure(text, "Delivered"), text)


def interrupt(torvyn, number, code, ending, arguments):
    exit_code, text, _ = run_and_signal(torvyn, [number], arguments)
    check(exit_code == code, f"exit code {exit_code}, expected {code}\n{text}")
    check(f"  Flow:        main ({ending})\n" in text, text)
    check("error" not in text, text)
    delivered = figure(text, "Delivered")
    check(figure(text, "Elements") == delivered, text)
    with open("out", "rb") as out:
        lines = out.read().split(b"\n")
    check(len(lines) == delivered + 1 and lines[-1] == b"", f"{len(lines) - 1} lines, {delivered} delivered")
    return delivered


def on_terminal(command, both=False, environment=None, meanwhile=None):
    """Runs with standard error (and output) on a terminal; returns what it showed and the exit code."""
    main_end, terminal = pty.openpty()
    shown = bytearray()

    def collect():
        while True:
            try:
                data = os.read(main_end, 65536)
            except OSError:
                return
            if not data:
                return
            shown.extend(data)

    with open("out", "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal if both else out,
                                   stderr=terminal, env=environment)
        os.close(terminal)
        thread = threading.Thread(target=collect)
        thread.start()
        if meanwhile:
            meanwhile(shown)
        code = process.wait(timeout=60)
        thread.join()
    os.close(main_end)
    return shown.decode().replace("\r\n", "\n"), code


def live(torvyn):
    shown, code = on_terminal([torvyn, "run", "--timeout", "2s"])
    check(code == 1, f"exit code {code}\n{shown}")
    check(len(re.findall(re.escape(ERASE) + COUNTERS, shown)) >= 1, f"no counters: {shown!r}")
    summary = shown.index("── Summary")
    last = [match.end() for match in re.finditer(COUNTERS, shown)][-1]
    check(shown[last:].startswith(ERASE) and last < summary, f"the line is not erased: {shown!r}")
    shown, _ = on_terminal([torvyn, "run", "--timeout", "300ms", "--quiet"])
    check("elements" not in shown, f"--quiet: {shown!r}")
    shown, _ = on_terminal([torvyn, "run", "--timeout", "300ms", "--format", "json"])
    check("elements |" not in shown, f"--format json: {shown[-300:]!r}")
    shown, _ = on_terminal([torvyn, "run", "--timeout", "2s"], environment={**os.environ, "TERM": "dumb"})
    check("Summary" in shown and "\x1b" not in shown, f"TERM=dumb: {shown!r}")


def no_live(torvyn):
    shown, _ = on_terminal([torvyn, "run", "--timeout", "300ms", "--color", "never"], both=True)
    check("Hello, Torvyn! (1)\n" in shown and "\x1b" not in shown, shown[:300])
    shown, _ = on_terminal([torvyn, "run", "--timeout", "2s", "--output", "file"], both=True)
    check(re.search(COUNTERS, shown), shown)


BUILD_COMMAND = """build_command = '''
printf 'one\\ntwo \\033[2J\\n'
until [ -e go ]; do sleep 0.05; done
cp %s/relay.wasm $TORVYN_OUTPUT
'''
"""


def build(torvyn, guests):
    subprocess.run([torvyn, "--quiet", "init", "p", "--no-git", "--language", "c"], check=True, timeout=60)
    os.chdir("p")
    with open("Torvyn.toml", "a", encoding="utf-8") as file:
        file.write(BUILD_COMMAND % guests)
    line = re.compile(re.escape(ERASE) + r"  p: \d+ s \| two \\x1b\[2J")

    def let_go(shown):
        for _ in range(3000):
            if line.search(shown.decode(errors="replace")):
                break
            time.sleep(0.02)
        with open("go", "w", encoding="utf-8"):
            pass

    shown, code = on_terminal([torvyn, "build"], meanwhile=let_go)
    check(code == 0, f"exit code {code}\n{shown}")
    check(line.search(shown), f"nothing of the tool is shown: {shown!r}")
    begin = shown.index("building p (c) ...\n")
    last = [match.end() for match in line.finditer(shown)][-1]
    check(begin < last and shown[last:] == ERASE + "one\ntwo \x1b[2J\n", f"{shown!r}")
    dumb = {**os.environ, "TERM": "dumb"}
    for options, environment in ((["--quiet"], None), (["--format", "json"], None), ([], dumb)):
        subprocess.run(["sh", "-c", "rm -rf .torvyn go; (sleep 2; touch go) >/dev/null 2>&1 &"], check=True, timeout=60)
        shown, code = on_terminal([torvyn, "build", *options], environment=environment)
        check(code == 0 and " s | " not in shown and ERASE not in shown, f"{options}: {shown!r}")


def color(torvyn):
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    bad = ["run", "--manifest", "missing.toml"]
    shown, _ = on_terminal([torvyn, *bad], environment={**plain, "TERM": "xterm"})
    check("\x1b[1;31merror[E0001]" in shown, shown)
    for change in ({"NO_COLOR": ""}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown, _ = on_terminal([torvyn, *bad], environment={**plain, "TERM": "xterm", **change})
        check("\x1b" not in shown, f"{change}: {shown}")
    shown, _ = on_terminal([torvyn, "--color", "never", *bad], environment=plain)
    check("\x1b" not in shown, shown)
    piped = subprocess.run([torvyn, "--color=always", *bad], capture_output=True, env={**plain, "NO_COLOR": "1"},
                           timeout=60)
    check(b"\x1b[1;31merror[E0001]" in piped.stderr, piped.stderr)


def guest_output(torvyn):
    with open("orders", "w", encoding="utf-8") as file:
        file.write("print \\e[2J\\rnot so\n")
    command = [torvyn, "run", "--input", "orders", "--quiet"]
    shown, code = on_terminal(command, both=True)
    check(code == 0 and "\\x1b[2J\\rnot so" in shown and "\x1b" not in shown, f"{code} {shown!r}")
    piped = subprocess.run(command, capture_output=True, timeout=60)
    check(piped.stdout == b"\x1b[2J\rnot so\ndone\n", piped.stdout)


def main():
    torvyn, guests, what = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="torvyn-case-") as folder:
        os.chdir(folder)
        os.environ["TERM"] = "xterm"
        os.environ["TORVYN_HOME"] = os.path.join(folder, "home")
        with open("Torvyn.toml", "w", encoding="utf-8") as file:
            components = what in ("sigint-component", "sigint-loop", "sigint-twice", "guest-output")
            guest = "prober" if what == "guest-output" else "relay"
            file.write(RELAY.replace("@GUESTS@/relay", f"{guests}/{guest}") if components else MANIFEST)
        if what in ("sigint", "sigint-component"):
            check(interrupt(torvyn, signal.SIGINT, 130, "interrupted", []) > 0, "nothing was delivered")
        elif what == "sigterm":
            check(interrupt(torvyn, signal.SIGTERM, 0, "terminated", []) > 0, "nothing was delivered")
        elif what == "sigint-idle":
            check(interrupt(torvyn, signal.SIGINT, 130, "interrupted", ["--input", "-"]) == 0, "whence?")
        elif what == "sigint-loop":
            interrupt_loop(torvyn, [signal.SIGINT], 300, (0.2, 20))
        elif what == "sigint-twice":
            interrupt_loop(torvyn, [signal.SIGINT, signal.SIGINT], 25000, (0, 20))
        else:
            {"live": live, "build": lambda program: build(program, guests), "no-live": no_live, "color": color,
             "guest-output": guest_output}[what](torvyn)


main()
