#!/usr/bin/env python3
"""check_inspection.py TORVYN GUESTS DOCS WHAT: the inspection server of `torvyn run` on its socket.

  metrics  a scrape has every family of DOCS/metrics.md with its type, and the numbers of the run's own summary
  control  flows are listed, levels change, drain and cancel end a flow
  pause    a paused flow stands still, goes on where it was, and can be ended
  hangup   SIGHUP drains
  strict   what is no proper request of a local tool is refused, and neither it nor idle connections disturb the flow
  socket   mode and owner of socket and folder, a second process, what is left behind
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
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


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Run:
    """`torvyn run` in a folder of its own."""

    def __init__(self, torvyn, guests, folder, *options, state="state"):
        self.state = os.path.join(folder, state)
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST % guests)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder, TORVYN_STATE_DIR=self.state,
                           LC_ALL="C.UTF-8")
        self.process = subprocess.Popen([torvyn, "run", *options], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.socket = os.path.join(self.state, "torvyn.sock")

    def request(self, method, path, body=None, headers=None):
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, headers or ({"Content-Type": "application/json"} if body else {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self):
        def asked():
            try:
                return self.request("GET", "/health")[0] == 200
            except OSError:
                return False
        wait_for("the server", asked)
        return self

    def flow(self):
        return json.loads(self.request("GET", "/flows/main")[1])

    def end(self, expected):
        out, err = self.process.communicate(timeout=WAIT_S)
        check(self.process.returncode == expected, f"exit {self.process.returncode}\n{err.decode()}")
        return out.decode()


def samples_of(text):
    """{(name, labels): value}, {family: type}; the format is checked on the way."""
    samples, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            check(name not in types, f"{name} stands there twice")
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)', line)
            check(match, f"no sample: {line}")
            key = (match[1], match[2] or "")
            check(key not in samples, f"{key} stands there twice")
            samples[key] = float(match[3])
    return samples, types


def check_histogram(samples, name, labels):
    buckets = [(float(key[1].split('le="')[1][:-1].replace("+Inf", "inf")), value) for key, value in samples.items()
               if key[0] == f"{name}_bucket" and key[1].startswith(labels)]
    check(buckets == sorted(buckets) and [value for _, value in buckets] == sorted(value for _, value in buckets),
          f"{name}: buckets are not in order")
    check(buckets[-1] == (float("inf"), samples[f"{name}_count", labels]), f"{name}: +Inf is not the count")
    return samples[f"{name}_count", labels]


def check_rules(path, types):
    """The alerts speak of metrics that exist."""
    with open(path, encoding="utf-8") as file:
        named = set(re.findall(r"torvyn_[a-z_]+", file.read()))
    for name in named:
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        check(name in types or types.get(family) == "histogram", f"an alert names {name}")
    if shutil.which("promtool"):
        found = subprocess.run(["promtool", "check", "rules", path], capture_output=True, timeout=60)
        check(found.returncode == 0, found.stderr.decode())


def metrics(torvyn, guests, docs, folder):
    lines = [f"line {i}" for i in range(1000)]
    run = Run(torvyn, guests, folder, "--format", "json", "--input", "-", "--output", "out", "--config",
              "observability.level=diagnostic").ready()
    sent = 0
    while run.flow()["wakeups"] == 0:  # a flow that had all of them at once would never be idle
        run.process.stdin.write(f"{lines[sent]}\n".encode())
        run.process.stdin.flush()
        sent += 1
        wait_for("an element", lambda: run.flow()["delivered"] == sent)
    run.process.stdin.write(("\n".join(lines[sent:]) + "\n").encode())
    run.process.stdin.flush()
    wait_for("the last element", lambda: run.flow()["delivered"] == len(lines))
    wait_for("every buffer", lambda: samples_of(run.request("GET", "/metrics")[1])[0][
        "torvyn_pool_returned_total", 'tier="256"'] == 2 * len(lines))
    text = run.request("GET", "/metrics")[1]
    if shutil.which("promtool"):
        found = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
        check(found.returncode == 0 and not found.stderr, found.stderr.decode())
    samples, types = samples_of(text)
    with open(os.path.join(docs, "metrics.md"), encoding="utf-8") as file:
        documented = re.findall(r"^\| `[^`]+` \| ([^|]+) \| [^|]* \| `([^`]+)` \|", file.read(), re.M)
    kinds = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "derived": "gauge",
             "gauge (enum)": "gauge"}
    check(types == {name: kinds[kind] for kind, name in documented}, "the families are not those of the reference")
    check_rules(os.path.join(os.path.dirname(docs), "monitoring", "prometheus-rules.yml"), types)
    report = json.loads(run.end(0))
    flow = 'flow_id="main"'
    size = sum(len(line) for line in lines)
    truth = {
        ("torvyn_flow_elements_total", flow): len(lines),
        ("torvyn_flow_elements_delivered_total", flow): len(lines),
        ("torvyn_flow_elements_errors_total", flow): 0,
        ("torvyn_flow_copies_total", flow): 3 * len(lines),
        ("torvyn_flow_copies_bytes_total", flow): 3 * size,
        ("torvyn_flow_state", flow + ',state="Running"'): 1,
        ("torvyn_component_invocations_total", flow + ',component_id="sink"'): len(lines),
        ("torvyn_stream_elements_transferred_total", flow + ',stream_id="source:output→relay"'): len(lines),
        ("torvyn_stream_queue_current_depth", flow + ',stream_id="relay:output→sink"'): 0,
        ("torvyn_component_memory_current_bytes", flow + ',component_id="relay"'): 65536,
        ("torvyn_pool_allocated_total", 'tier="256"'): 2 * len(lines),
        ("torvyn_pool_returned_total", 'tier="256"'): 2 * len(lines),
        ("torvyn_pool_reuse_rate", 'tier="256"'): 1,
        ("torvyn_system_flows_active", ""): 1,
        ("torvyn_system_components_active", ""): 1,
    }
    for key, value in truth.items():
        check(samples.get(key) == value, f"{key} is {samples.get(key)}, not {value}")
    for key in (("torvyn_system_memory_bytes", ""), ("torvyn_flow_throughput", flow),
                ("torvyn_system_scheduler_wakeups_total", ""), ("torvyn_system_scheduler_idle_seconds_total", "")):
        check(samples[key] > 0, f"{key} is not above 0")
    check(check_histogram(samples, "torvyn_flow_latency_seconds", flow) == len(lines), "not every latency")
    for stage in ("source", "relay", "sink"):
        labels = f'{flow},component_id="{stage}"'
        check(check_histogram(samples, "torvyn_component_processing_time_seconds", labels) == len(lines),
              f"not every call of {stage}")
    check(report["copies"]["total"] == 3 * len(lines) and report["copies"]["bytes"] == 3 * size, "the summary differs")


def control(torvyn, guests, docs, folder):
    run = Run(torvyn, guests, folder, "--quiet", "--output", "/dev/null").ready()
    flows = json.loads(run.request("GET", "/flows")[1])["flows"]
    check([flow["id"] for flow in flows] == ["main"], f"flows: {flows}")
    for level in ("diagnostic", "off", "production"):
        check(run.request("POST", "/flows/main/level", json.dumps({"level": level}))[0] == 200, level)
        check(run.flow()["level"] == level, level)
    for body in ("", "[]", "{}", '{"level":1}', '{"level":null}', '{"level":"loud"}', '{"level":"off","x":1}', "{", "\0"):
        code = run.request("POST", "/flows/main/level", body, {"Content-Type": "application/json"})[0]
        check(code == 400, f"level {body!r}: {code}")
    check(run.request("POST", "/level", '{"level":"diagnostic"}')[0] == 200, "level of the process")
    check(run.flow()["level"] == "diagnostic", "level of the process")
    for path in ("/level", "/flows/main/level", "/flows/main/pause", "/flows/main/cancel"):
        check(run.request("GET", path)[0] == 405, f"GET {path}")
    for path in ("/health", "/metrics", "/flows", "/flows/main"):
        check(run.request("POST", path, "{}")[0] == 405, f"POST {path}")
    for path in ("/flows/", "/flows/other", "/flows/main/", "/flows/main/explode", "/flows/other/cancel", "//flows"):
        check(run.request("POST", path, "{}")[0] == 404 and run.request("GET", path)[0] == 404, path)
    for word in ("pause", "resume", "drain", "cancel"):
        for body in ("[]", '{"now":true}', "x"):
            check(run.request("POST", f"/flows/main/{word}", body)[0] == 400, f"{word} {body}")
    check(run.request("POST", "/flows/main/drain", "{}")[0] == 202, "drain")
    run.end(0)
    run = Run(torvyn, guests, folder, "--quiet", "--output", "/dev/null").ready()
    check(run.request("POST", "/flows/main/cancel", "{}")[0] == 202, "cancel")
    run.end(1)


def told(run, word, code=202):
    answer = run.request("POST", f"/flows/main/{word}", "{}")
    check(answer[0] == code, f"{word}: {answer}")


def becomes(run, state):
    wait_for(state, lambda: run.flow()["state"] == state)


def pause(torvyn, guests, docs, folder):
    lines = [f"line {i}" for i in range(1000)]
    run = Run(torvyn, guests, folder, "--quiet", "--input", "-", "--output", "out").ready()
    run.process.stdin.write(("\n".join(lines[:500]) + "\n").encode())
    run.process.stdin.flush()
    wait_for("the first half", lambda: run.flow()["delivered"] == 500)
    told(run, "resume")  # of a flow that runs: nothing
    for _ in range(3):
        told(run, "pause")
    becomes(run, "Suspended")
    with open(os.path.join(folder, "out"), encoding="utf-8") as file:
        check(file.read().splitlines() == lines[:500], "what was delivered is not in the file while the flow is paused")
    samples, _ = samples_of(run.request("GET", "/metrics")[1])
    check(samples["torvyn_flow_state", 'flow_id="main",state="Suspended"'] == 1, "the metric of the state")
    run.process.stdin.write(("\n".join(lines[500:]) + "\n").encode())
    run.process.stdin.close()
    before = run.flow()
    for _ in range(20):
        run.request("POST", "/flows/main/pause", "{}")  # each wakes the flow
    after = run.flow()
    check(before["elements"] == after["elements"] == after["delivered"] == 500, f"goes on while paused: {after}")
    told(run, "resume")
    run.process.stdin = None
    run.end(0)
    with open(os.path.join(folder, "out"), encoding="utf-8") as file:
        check(file.read().splitlines() == lines, "the output")
    # Drain, cancel, signals and the deadline end a flow that is paused.
    for end, code in (("drain", 0), ("cancel", 1), (signal.SIGTERM, 0), (signal.SIGHUP, 0), ("deadline", 1)):
        options = ("--timeout", "2s") if end == "deadline" else ()
        run = Run(torvyn, guests, folder, "--quiet", "--output", "/dev/null", *options).ready()
        told(run, "pause")
        becomes(run, "Suspended")
        if isinstance(end, signal.Signals):
            run.process.send_signal(end)
        elif end != "deadline":
            told(run, end)
        run.end(code)
    # A flow that is ending cannot be paused: it drains into a sink that nobody reads.
    os.mkfifo(os.path.join(folder, "pipe"))
    reader = os.open(os.path.join(folder, "pipe"), os.O_RDONLY | os.O_NONBLOCK)
    run = Run(torvyn, guests, folder, "--quiet", "--output", "pipe", "--config", "runtime.drain_timeout_ms=3600000").ready()
    wait_for("a full pipe", lambda: run.flow()["streams"][-1]["backpressure"])
    told(run, "drain")
    told(run, "drain")
    told(run, "pause", 409)
    told(run, "resume", 409)
    os.set_blocking(reader, True)
    while os.read(reader, 65536):
        pass
    os.close(reader)
    run.end(0)
    # A drain that takes too long becomes a cancel.
    reader = os.open(os.path.join(folder, "pipe"), os.O_RDONLY | os.O_NONBLOCK)
    run = Run(torvyn, guests, folder, "--quiet", "--output", "pipe", "--config", "runtime.drain_timeout_ms=10").ready()
    wait_for("a full pipe", lambda: run.flow()["streams"][-1]["backpressure"])
    told(run, "drain")
    run.end(1)
    os.close(reader)


def hangup(torvyn, guests, docs, folder):
    """SIGHUP drains: what was read is delivered."""
    run = Run(torvyn, guests, folder, "--format", "json", "--input", "-", "--output", "out").ready()
    run.process.stdin.write(b"one\ntwo\n")
    run.process.stdin.flush()
    wait_for("two elements", lambda: run.flow()["elements"] == 2)
    run.process.send_signal(signal.SIGHUP)
    run.process.wait(timeout=WAIT_S)
    report = json.loads(run.end(0))
    check(report["signal"] == "SIGHUP" and report["delivered"] == 2 and report["state"] == "Completed", f"{report}")
    with open(os.path.join(folder, "out"), encoding="utf-8") as file:
        check(file.read() == "one\ntwo\n", "the output")


def raw(path, data):
    """The status of what comes back for these bytes, None when the connection is closed without an answer; and how often
    something was granted."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(WAIT_S)
    client.connect(path)
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    except (ConnectionError, BrokenPipeError):
        return None, 0
    finally:
        client.close()
    return (int(answer[9:12]) if answer.startswith(b"HTTP/1.") else None), answer.count(b"HTTP/1.1 2")


def strict(torvyn, guests, docs, folder):
    run = Run(torvyn, guests, folder, "--quiet", "--output", "/dev/null").ready()
    head = b"Host: localhost\r\n"
    refused = {
        "origin": b"GET /flows HTTP/1.1\r\n" + head + b"Origin: http://localhost\r\n\r\n",
        "null origin": b"GET /flows HTTP/1.1\r\n" + head + b"Origin: null\r\n\r\n",
        "host": b"GET /flows HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "host with a prefix": b"GET /flows HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n",
        "port": b"GET /flows HTTP/1.1\r\nHost: localhost:80x\r\n\r\n",
        "trace": b"TRACE /flows HTTP/1.1\r\n" + head + b"\r\n",
        "options": b"OPTIONS /flows HTTP/1.1\r\n" + head + b"\r\n",
        "put": b"PUT /flows HTTP/1.1\r\n" + head + b"Content-Length: 0\r\n\r\n",
        "escape": b"GET /%66lows HTTP/1.1\r\n" + head + b"\r\n",
        "dots": b"GET /flows/../metrics HTTP/1.1\r\n" + head + b"\r\n",
        "unknown": b"GET /secrets HTTP/1.1\r\n" + head + b"\r\n",
        "form": b"POST /flows/main/cancel HTTP/1.1\r\n" + head +
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
        "text": b"POST /flows/main/cancel HTTP/1.1\r\n" + head + b"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
        "no type": b"POST /flows/main/cancel HTTP/1.1\r\n" + head + b"Content-Length: 0\r\n\r\n",
        "long header": b"GET /flows HTTP/1.1\r\n" + head + b"X: " + b"x" * 100000 + b"\r\n\r\n",
        "long path": b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n" + head + b"\r\n",
        "large body": b"POST /flows/main/level HTTP/1.1\r\n" + head +
                      b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + b" " * 100000,
        "length twice": b"POST /flows/main/level HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
                        b"Content-Length: 18\r\nContent-Length: 0\r\n\r\n{\"level\":\"off\"}\r\n\r\n",
        "length and encoding": b"POST /flows/main/level HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
                               b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"f\r\n{\"level\":\"off\"}\r\n0\r\n\r\n",
        "two hosts": b"GET /flows HTTP/1.1\r\n" + head + b"Host: evil.example\r\n\r\n",
        "negative length": b"POST /flows/main/level HTTP/1.1\r\n" + head +
                           b"Content-Type: application/json\r\nContent-Length: -1\r\n\r\n",
        "garbage": bytes(range(256)) * 8,
        "nothing": b"",
        "two lines": b"\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    }
    for name, data in refused.items():
        code, granted = raw(run.socket, data)
        check(code is None or 400 <= code < 600, f"{name}: {code}")
        check(granted == 0, f"{name}: {granted} granted")
    idle = []
    for _ in range(200):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            client.connect(run.socket)
        except BlockingIOError:  # enough are waiting to be taken
            client.close()
            break
        idle.append(client)
    check(len(idle) > 16, f"only {len(idle)} connections")
    run.ready()  # as soon as some of them have timed out
    for client in idle:
        client.close()
    before = run.flow()
    check(before["level"] == "production" and before["state"] == "Running", f"{before}")
    wait_for("the next element", lambda: run.flow()["elements"] > before["elements"])
    check(run.request("POST", "/flows/main/drain", "{}")[0] == 202, "drain")
    run.end(0)


def socket_files(torvyn, guests, docs, folder):
    options = ("--quiet", "--output", "/dev/null")
    first = Run(torvyn, guests, folder, *options).ready()
    check(stat.S_IMODE(os.stat(first.socket).st_mode) == 0o600, "the socket's mode")
    second = Run(torvyn, guests, folder, *options)
    second.socket = os.path.join(second.state, f"torvyn-{second.process.pid}.sock")
    second.ready()
    first.process.kill()  # leaves its socket behind
    first.process.communicate(timeout=WAIT_S)
    check(os.path.exists(first.socket), "the socket of a killed process")
    third = Run(torvyn, guests, folder, *options).ready()
    for run in (second, third):
        check(run.request("POST", "/flows/main/drain", "{}")[0] == 202, "drain")
        run.end(0)
    check(os.listdir(first.state) == ["torvyn.lock"], f"left behind: {os.listdir(first.state)}")
    # A folder that others may write to, a file in the socket's place: no server, but the flow runs.
    open_state = os.path.join(folder, "open")
    os.makedirs(open_state)
    os.chmod(open_state, 0o777)
    Run(torvyn, guests, folder, *options, "--limit", "10", state="open").end(0)
    check(os.listdir(open_state) == [], "something was written into an open folder")
    taken = os.path.join(folder, "taken")
    os.makedirs(taken, mode=0o700)
    with open(os.path.join(taken, "torvyn.sock"), "w", encoding="utf-8") as file:
        file.write("mine")
    Run(torvyn, guests, folder, *options, "--limit", "10", state="taken").end(0)
    with open(os.path.join(taken, "torvyn.sock"), encoding="utf-8") as file:
        check(file.read() == "mine", "a file was removed")


def main():
    torvyn, guests, docs, what = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="torvyn-") as folder:
        {"metrics": metrics, "control": control, "pause": pause, "hangup": hangup, "strict": strict, "socket": socket_files}[what](
            os.path.abspath(torvyn), guests, docs, folder)


main()
