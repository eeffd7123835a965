#!/usr/bin/env python3
"""check_views.py TORVYN GUESTS WHAT: `torvyn top` and `torvyn tap` beside a running `torvyn run`.

  top       one sample, many samples, two processes, a flow that ends
  terminal  keys, a new size and the end on a terminal; NO_COLOR
  tap       elements of both edges, samples, limits, what is refused, a flow that ends; no TCP
  tap_tcp   no payloads over TCP
  unread    both end at a signal although nobody reads what they print
  tap_truth what a tap shows is what went through
  hostile   peers that answer with something else than they should
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from waiting import KEPT, WAIT_S, check, wait_for  # pylint: disable=wrong-import-position

MANIFEST = """[torvyn]
name = "case"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.relay]
component = "%s/relay.wasm"
interface = "torvyn:streaming/processor"
"""


class Case:
    def __init__(self, torvyn, guests, folder):
        self.torvyn, self.folder = os.path.abspath(torvyn), folder
        self.state = os.path.join(folder, "state")
        os.makedirs(self.state, mode=0o700)
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder, TORVYN_STATE_DIR=self.state,
                                LC_ALL="C.UTF-8", TZ="UTC", TERM="xterm")
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST % guests)

    def start(self, *options):
        before = set(os.listdir(self.state))
        process = subprocess.Popen([self.torvyn, "run", "--quiet", "--output", "/dev/null", *options], cwd=self.folder,
                                   env=self.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        name = wait_for("the socket", lambda: [n for n in set(os.listdir(self.state)) - before if n.endswith(".sock")])
        return process, name[0]

    def run(self, *arguments, code=0):
        result = subprocess.run([self.torvyn, *arguments], cwd=self.folder, env=self.environment, timeout=WAIT_S,
                                stdin=subprocess.DEVNULL, capture_output=True)
        out, err = result.stdout.decode(), result.stderr.decode()
        check(result.returncode == code, f"{arguments}: exit {result.returncode}, not {code}\n{out}\n{err}")
        return out, err

    def running(self):
        """Waits until elements flow."""
        def delivered():
            value = json.loads(self.run("top", "--once", "--interval", "100ms", "--format", "json")[0])
            return all(f["delivered"] > 0 for p in value["processes"] for f in p["flows"])
        wait_for("elements", delivered)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("run does not end")


def check_sample(value, flows):
    found = [flow for one in value["processes"] for flow in one["flows"]]
    check(len(found) == flows, f"{len(found)} flows: {value}")
    for flow in found:
        check([s["name"] for s in flow["stages"]] == ["source", "relay", "sink"], f"stages {flow}")
        check(flow["delivered"] <= flow["elements"], f"more delivered than pulled: {flow}")
        for stage in flow["stages"]:
            shares = [stage[key] for key in ("busy", "blocked", "idle")]
            check(all(s is None or 0 <= s <= 1 for s in shares), f"shares {stage}")
            check(None in shares or abs(sum(shares) - 1) < 1e-6, f"shares do not add up: {stage}")
        for queue in flow["queues"]:
            check(0 <= queue["heat"] <= 1 and queue["depth"] <= queue["capacity"], f"heat {queue}")


def top(case):
    _, err = case.run("top", code=2)
    check("no flow runs" in err, err)
    first, _ = case.start("--input", "generator")
    case.running()
    out, _ = case.run("top", "--once", "--interval", "200ms")
    check("\x1b" not in out and "Flow main  Running  level production  (times of 1 in 64 elements: busy is an estimate)"
          in out, out)
    check(re.search(r"^  source → relay  [█░]{10} +\d+/64 ", out, re.M), out)
    value = json.loads(case.run("top", "--once", "--interval", "200ms", "--format", "json")[0])
    check(value["command"] == "top" and value["exit_code"] == 0, f"{value}")
    check_sample(value, 1)
    second, name = case.start("--input", "generator")
    check(re.fullmatch(r"torvyn-\d+\.sock", name), name)
    lines = case.run("top", "--samples", "3", "--interval", "100ms", "--format", "json")[0].splitlines()
    check(len(lines) == 3, f"{len(lines)} samples")
    samples = [json.loads(line) for line in lines]
    for sample in samples:
        check_sample(sample, 2)
        check([one["pid"] for one in sample["processes"]] == [first.pid, second.pid], "the processes' order")
    counts = [s["processes"][0]["flows"][0]["elements"] for s in samples]
    check(counts == sorted(counts), f"counters go back: {counts}")
    one = json.loads(case.run("top", "--once", "--interval", "100ms", "--pid", str(second.pid), "--format", "json")[0])
    check_sample(one, 1)
    _, err = case.run("top", "nobody", code=2)
    check("no process has a flow of that name" in err, err)
    check("too short" in case.run("top", "--interval", "1ms", code=2)[1], "a short interval")
    # It ends with the last flow.
    watching = subprocess.Popen([case.torvyn, "top", "--interval", "100ms"], cwd=case.folder, env=case.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    check(b"torvyn top" in watching.stdout.readline(), "no title")
    end(first)
    end(second)
    out = watching.communicate(timeout=WAIT_S)[0].decode()
    check(watching.returncode == 0 and "No flow runs." in out, f"exit {watching.returncode}: {out[-500:]}")


class Terminal:
    def __init__(self, case, *arguments, **variables):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(case.folder)
            os.execve(case.torvyn, [case.torvyn, *arguments], {**case.environment, **variables})
        self.text = ""
        self.size(24, 100)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.text += data.decode("utf-8", "replace")

    def until(self, what, start=0):
        def seen():
            self.read()
            return re.search(what, self.text[start:])
        wait_for(what, seen)
        return len(self.text)

    def press(self, key):
        os.write(self.fd, key.encode())

    def end(self, code):
        status = None

        def ended():
            nonlocal status
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return pid != 0
        wait_for("the end", ended)
        check(os.waitstatus_to_exitcode(status) == code, f"exit {os.waitstatus_to_exitcode(status)}, not {code}")
        self.read()
        check(self.text.endswith("\x1b[?25h\x1b[?1049l"), "the terminal is not as it was")


def terminal(case):
    process, _ = case.start("--input", "generator")
    case.running()
    screen = Terminal(case, "top", "--interval", "100ms")
    screen.until(r"level production")
    check(screen.text.startswith("\x1b[?1049h\x1b[?25l"), "no other screen")
    check("\x1b[3" in screen.text, "no colour")
    screen.press("l")
    start = screen.until(r"level diagnostic")
    screen.press("p")
    start = screen.until(r"p go on", start)
    screen.size(6, 40)
    start = screen.until(r"\x1b\[H", start)
    screen.press("p")
    start = screen.until(r"p pause|torvyn top", start)
    screen.read()
    frame = screen.until(r"\x1b\[J", len(screen.text))
    last = screen.text[:frame].rsplit("\x1b[H", 2)[-1 if screen.text[:frame].endswith("\x1b[J") else -2]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).replace("\r", "")
    lines = plain.split("\n")
    check(len(lines) <= 6 and all(len(line) <= 40 for line in lines), f"not of the new size: {lines}")
    screen.press("q")
    screen.end(0)
    screen = Terminal(case, "top", "--interval", "100ms", NO_COLOR="1")
    screen.until(r"level diagnostic")
    check("\x1b[3" not in screen.text, "colour in spite of NO_COLOR")
    screen.press("\x03")
    screen.end(130)
    screen = Terminal(case, "top", "--samples", "1", "--interval", "100ms", TERM="dumb")
    screen.until(r"sink +sink .*\n")
    check(os.waitstatus_to_exitcode(os.waitpid(screen.pid, 0)[1]) == 0 and "\x1b" not in screen.text,
          f"TERM=dumb: {screen.text!r}")
    screen = Terminal(case, "top", "--interval", "100ms")
    screen.until(r"level diagnostic")
    end(process)
    screen.end(0)


def tap(case):
    process, name = case.start("--input", "generator")
    case.running()
    out, err = case.run("tap", "main", "source->relay", "--limit", "3")
    lines = out.splitlines()
    check(len(lines) == 3, out)
    sequences = []
    for line in lines:
        match = re.fullmatch(r"#(\d+)  \d\d:\d\d:\d\d\.\d{6}  text/plain  (\d+) B  Hello, Torvyn! \((\d+)\)", line)
        check(match and int(match.group(1)) + 1 == int(match.group(3)), line)
        check(int(match.group(2)) == len(f"Hello, Torvyn! ({match.group(3)})"), line)
        sequences.append(int(match.group(1)))
    check(sequences == list(range(sequences[0], sequences[0] + 3)), f"{sequences}")
    check(err == "3 shown of 3 that passed\n", err)
    out, _ = case.run("tap", "main", "relay → sink", "--sample", "100", "--limit", "5", "--bytes", "5",
                      "--format", "json")
    values = [json.loads(line) for line in out.splitlines()]
    check([v["text"] for v in values] == ["Hello"] * 5 and all(v["truncated"] for v in values), out)
    steps = {b["sequence"] - a["sequence"] for a, b in zip(values, values[1:])}
    check(steps == {100}, f"steps {steps}")
    out, _ = case.run("tap", "main", "1", "--show", "hex", "--limit", "1", "--bytes", "17", "--quiet")
    check("    0000  48 65 6c 6c 6f 2c 20 54 6f 72 76 79 6e 21 20 28  Hello, Torvyn! (\n    0010  " in out, out)
    for arguments, text in ((("main", "a->b"), "no such edge"), (("nobody", "0"), "no process has a flow"),
                            (("../x", "0"), "no name of a flow"), (("main", "0", "--bytes", "9999"), "too large"),
                            (("main", "0", "--sample", "99999999"), "too large"),
                            (("main", "0", "--duration", "2h"), "too long")):
        _, err = case.run("tap", *arguments, code=2)
        check(text in err, f"{arguments}: {err}")
    for target, status in (("edge=0&sample=0", 400), ("edge=0&bytes=4097", 400), ("edge=x", 400), ("", 404),
                           ("edge=9", 404), ("edge=0&limit=-1", 400), ("edge=0&seconds=3601", 400)):
        got = request(os.path.join(case.state, name), f"GET /flows/main/tap?{target} HTTP/1.1\r\nHost: localhost\r\n"
                      "Connection: close\r\n\r\n")
        check(got.startswith(f"HTTP/1.1 {status} "), f"{target}: {got}")
    # As many taps as there may be, one more is refused; who goes away makes room.
    taps = [hold(os.path.join(case.state, name)) for _ in range(4)]
    full = request(os.path.join(case.state, name), "GET /flows/main/tap?edge=0 HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\n\r\n")
    check(full.startswith("HTTP/1.1 503 "), full)
    for one in taps:
        one.close()
    wait_for("room for a tap", lambda: case_tap_works(case))
    # A reader that never reads holds nobody up, nor the end; one that reads hears of the end.
    stuck = hold(os.path.join(case.state, name))
    reading = subprocess.Popen([case.torvyn, "tap", "main", "0", "--sample", "1000"], cwd=case.folder,
                               env=case.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    check(reading.stdout.readline().startswith(b"#"), "no element")
    end(process)
    check(process.returncode == 0, f"run: {process.returncode}")
    _, err = reading.communicate(timeout=WAIT_S)
    check(reading.returncode == 0 and b"the flow has ended" in err, f"tap: {reading.returncode} {err}")
    stuck.close()


def tap_truth(case):
    """What a tap shows is what went through, to the byte: lines that are fed while it looks."""
    process, name = case.start("--input", "-")
    reading = subprocess.Popen([case.torvyn, "tap", "main", "relay->sink", "--format", "json", "--bytes", "4096"],
                               cwd=case.folder, env=case.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    sent, received = [], []
    for i in range(20000):  # until the tap is there: it sees some line, and all that follow
        line = f"line {i} " + "x" * (i % 300)
        sent.append(line)
        process.stdin.write((line + "\n").encode())
        process.stdin.flush()
        if select.select([reading.stdout], [], [], 0.02)[0]:
            break
    for i in range(200):  # fewer than the ring holds: nothing may be lost
        sent.append(f"more {i}")
    process.stdin.write(("\n".join(sent[-200:]) + "\n").encode())
    process.stdin.close()
    process.stdin = None
    out, err = reading.communicate(timeout=WAIT_S)
    received = [json.loads(line) for line in out.decode().splitlines()]
    check(received and [v["text"] for v in received] == sent[-len(received):], f"{len(received)} of {len(sent)}: {err}")
    check(len(received) > 200, f"only {len(received)} elements")
    first = received[0]["sequence"]
    check([v["sequence"] for v in received] == list(range(first, first + len(received))), "the sequences")
    check(all(v["length"] == len(v["text"]) and not v["truncated"] for v in received), "the lengths")
    check(reading.returncode == 0, f"tap: {reading.returncode} {err}")
    process.wait(timeout=WAIT_S)
    check(process.returncode == 0, f"run: {process.returncode}")


def waiting_in_pipe(fd):
    """The bytes in the pipe; none are added for a while where the writer waits."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]


def unread(case):
    process, _ = case.start("--input", "generator")
    case.running()
    for arguments in (["tap", "main", "0"], ["tap", "main", "0", "--format", "json"], ["top", "--interval", "100ms"],
                      ["top", "--interval", "100ms", "--format", "json"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            reader, writer = os.pipe()
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            watching = subprocess.Popen([case.torvyn, *arguments], cwd=case.folder, env=case.environment,
                                        stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.DEVNULL)
            os.close(writer)
            before = -1

            def is_full():
                nonlocal before
                last, before = before, waiting_in_pipe(reader)
                time.sleep(0.3)
                return before > 0 and last == before
            wait_for("a full pipe", is_full)
            watching.send_signal(number)
            check(watching.wait(timeout=WAIT_S) == 130, f"{arguments}: exit {watching.returncode}")
            os.close(reader)
    end(process)


def tap_tcp(case):
    """Payloads are not shown over TCP, whoever has the token."""
    token = os.path.join(case.folder, "token")
    with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write("t" * 40)
    for _ in range(20):  # somebody may take the port in between
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process, _ = case.start("--input", "generator", "--config", f"observability.inspection_listen=127.0.0.1:{port}",
                                "--config", f"observability.inspection_token_file={token}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
            break
        except ConnectionRefusedError:
            end(process)
    got = {}
    for target in ("/flows/main", "/flows/main/tap?edge=0&limit=1"):
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as peer:
            peer.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {'t' * 40}\r\n"
                         "Connection: close\r\n\r\n".encode())
            data = b""
            while chunk := peer.recv(65536):
                data += chunk
        got[target] = data.decode()
    check(got["/flows/main"].startswith("HTTP/1.1 200 "), got["/flows/main"])
    tap_answer = got["/flows/main/tap?edge=0&limit=1"]
    check(tap_answer.startswith("HTTP/1.1 403 ") and "Hello" not in tap_answer, tap_answer)
    end(process)


def case_tap_works(case):
    result = subprocess.run([case.torvyn, "tap", "main", "0", "--limit", "1"], cwd=case.folder, env=case.environment,
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S)
    return result.returncode == 0


def connect(path):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(WAIT_S)
    peer.connect(path)
    return peer


def hold(path):
    """A tap whose answer has begun and that nobody reads on."""
    peer = connect(path)
    peer.sendall(b"GET /flows/main/tap?edge=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check(peer.recv(12) == b"HTTP/1.1 200", "no tap")
    return peer


def request(path, text):
    with connect(path) as peer:
        peer.sendall(text.encode())
        data = b""
        while chunk := peer.recv(65536):
            data += chunk
        return data.decode("utf-8", "replace")


def answer(body, status="200 OK", extra=""):
    data = body if isinstance(body, bytes) else body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{extra}\r\n".encode() + data


NAME = "x\x1b[2J\x1b]0;owned\x07\u202e"
STAGE = {"name": NAME, "role": "source\x1b[31m", "invocations": 1, "emitted": 1, "dropped": 0, "failed": 0, "errors": 0,
         "restarts": 0, "memory_bytes": 2**63 - 1, "timed_calls": 1, "timed_ns": 2**63 - 1, "p50_us": 1, "p99_us": 1e17}
FLOW = {"id": "main", "state": "Running\x1b[2J", "level": "production\r\n", "elements": 2**63 - 1, "delivered": 1,
        "dropped": 0, "failed": 0, "errors": 0, "copies": 1, "copied_bytes": 2**63 - 1, "now_ns": 2**63 - 1,
        "started_ns": 1, "ended_ns": 0, "idle_ns": 2**63 - 1, "sample_every": 0, "components": [STAGE],
        "streams": [{"from": NAME, "to": NAME, "port": "output\x07", "policy": "block\x1b[2J", "capacity": 0, "depth": 9,
                     "peak_depth": 9, "transferred": 2**63 - 1, "dropped": 2**63 - 1, "backpressure_events": 1,
                     "backpressure_ms": 1e17}]}
FLOWS = json.dumps({"flows": [{"id": "main"}]})
ANSWERS = {
    "nothing": (b"", b""),
    "no-http": (b"hello\r\n\r\n", b""),
    "no-json": (answer("{"), b""),
    "other-json": (answer("[1, 2]"), b""),
    "huge": (answer(b"[" + b"1," * (3 << 20) + b"1]"), b""),
    "endless-header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20), b""),
    "redirect": (answer("", "302 Found", "Location: http://127.0.0.1:1/\r\n"), b""),
    "deep": (answer("[" * 100000), b""),
    "bad-name": (answer(json.dumps({"flows": [{"id": "../../health"}]})), b""),
    "no-flow": (answer(FLOWS), answer("{}")),
    "negative": (answer(FLOWS), answer(json.dumps({**FLOW, "elements": -1}))),
    "unlinked": (answer(FLOWS), answer(json.dumps({**FLOW, "components": []}))),
    "cut-off": (answer(FLOWS), b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
}


def serve(listener, answers):
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            try:
                text = peer.recv(65536).decode("latin-1")
                target = text.split(" ")[1] if " " in text else ""
                if target:
                    peer.sendall(answers.get(target.split("?")[0], b""))
            except OSError:
                pass


def hostile(case):
    path = os.path.join(case.state, "torvyn.sock")

    def with_peer(answers, what):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(16)
        thread = threading.Thread(target=serve, args=(listener, answers))
        thread.start()
        try:
            what()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join()

    for name, (flows, flow) in ANSWERS.items():
        def refused():
            out, err = case.run("top", "--once", "--interval", "100ms", code=2)
            check("no flow runs that can be shown" in err and f"the process at {path} could not be asked: " in err
                  and "\x1b" not in out + err, f"{name}: {out} {err}")
            _, err = case.run("tap", "main", "0", code=2)
            check("could not be asked" in err, f"{name}: {err}")
        with_peer({"/flows": flows, "/flows/main": flow}, refused)

    good = {"/flows": answer(FLOWS), "/flows/main": answer(json.dumps(FLOW))}

    def escaped():
        for arguments in (("top", "--once", "--interval", "100ms"), ("tap", "main", "0")):
            code = 0 if arguments[0] == "top" else 1
            out, err = case.run(*arguments, code=code)
            check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", out + err), f"{arguments}: {out!r} {err!r}")
        json.loads(case.run("top", "--once", "--interval", "100ms", "--format", "json")[0])
    with_peer(good, escaped)

    element = {"sequence": 1, "timestamp_ns": 2**63 - 1, "content_type": "\x1b[2J", "length": 4, "data": "G1syShs="}
    for line, code in (({**element, "length": 5}, 0), (element, 1), ({**element, "data": "?"}, 1), ({"sequence": -1}, 1),
                       ({"seen": "x"}, 1), ([], 1)):
        def tapped():
            out, err = case.run("tap", "main", "0", code=code)
            check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err), f"{line}: {out!r} {err!r}")
        body = json.dumps(line) + "\n" + json.dumps({"end": "flow", "seen": 1, "taken": 1, "lost": 0}) + "\n"
        with_peer({**good, "/flows/main/tap": answer(body)}, tapped)

    def long_line():
        case.run("tap", "main", "0", code=1)
    with_peer({**good, "/flows/main/tap": answer("x" * (1 << 20))}, long_line)
    # A folder that others may write to is not used.
    os.chmod(case.state, 0o770)
    _, err = case.run("top", code=1)
    check("others may write" in err, err)


def main():
    torvyn, guests, what = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="torvyn-views-") as folder:
        globals()[what](Case(torvyn, guests, folder))


main()
