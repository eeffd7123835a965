#!/usr/bin/env python3
"""check_truth.py TORVYN GUESTS ROOT PACKAGES [SCENARIO]: what /metrics says is so.

Each scenario runs a flow that exercises some metrics and counts by itself what they must be: lines by Python, copies from
the rules of the documentation, failures and restarts from what the components do by design. Every scrape is read by
promtool, by Prometheus' own Python client and by the few lines below, and all must see the same. At the end every metric
of the catalogue was there with its type and labels, and was not zero somewhere.
"""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from waiting import KEPT, WAIT_S, check, wait_for  # pylint: disable=wrong-import-position

HEAD = """[torvyn]
name = "case"
version = "0.1.0"
contract_version = "0.1.0"

"""
FLOW = 'flow_id="main"'
LABELS = {
    "FLOW": {"flow_id"},
    "COMPONENT": {"flow_id", "component_id"},
    "STREAM": {"flow_id", "stream_id"},
    "TIER": {"tier"},
    "CAPABILITY": {"component_id", "capability"},
    "SYSTEM": set(),
}
TYPES = {"COUNTER": "counter", "GAUGE": "gauge", "DERIVED": "gauge", "STATE": "gauge", "HISTOGRAM": "histogram"}


class Catalogue:
    """What metrics.def says, and which of it was seen to be more than zero."""

    def __init__(self, root):
        self.rows = {}
        with open(os.path.join(root, "src/observability/metrics.def"), encoding="utf-8") as file:
            for kind, unit, scope, name in re.findall(
                    r'^TVN_METRIC\(\w+, "[^"]+", (\w+), (\w+), (\w+), "([^"]+)"', file.read(), re.M):
                self.rows[name] = (kind, unit, scope)
        check(len(self.rows) > 30, f"only {len(self.rows)} metrics")
        self.seen = set()

    def check(self, text, parser):
        """{(name, labels): value} of a scrape; three readers must agree on it."""
        found = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=WAIT_S)
        check(found.returncode == 0 and not found.stderr, f"promtool: {found.stderr.decode()}")
        samples = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                name, _, labels = key.partition("{")
                samples[name, labels.rstrip("}")] = float(value)
        families = {}
        theirs = {}
        for family in parser(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            families[name] = family.type
            for sample in family.samples:
                theirs[sample.name, frozenset(sample.labels.items())] = sample.value
        ours = {(name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))): value
                for (name, labels), value in samples.items()}
        check(ours == theirs, "two readers see different samples")
        check(families == {name: TYPES[row[0]] for name, row in self.rows.items()}, f"families: {families}")
        for (name, labels), value in theirs.items():
            self.check_sample(name, {label for label, _ in labels}, value)
        return samples

    def check_sample(self, name, labels, value):
        base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in self.rows else name
        kind, unit, scope = self.rows[base]
        expected = LABELS[scope] | ({"le"} if name.endswith("_bucket") and kind == "HISTOGRAM" else set())
        expected |= {"state"} if kind == "STATE" else set()
        expected |= {"policy"} if base == "torvyn_stream_elements_dropped_total" else set()
        check(labels == expected, f"{name} has the labels {labels}, not {expected}")
        suffix = {"NS": "seconds", "BYTES": "bytes"}.get(unit)
        check(not suffix or re.search(rf"_{suffix}(_total)?$", base), f"{base} is in {unit}")
        if value > 0 and not (kind == "HISTOGRAM" and name.endswith("_bucket")):
            self.seen.add(base)


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Run:
    """`torvyn run` of a manifest in a folder of its own, fed by lines."""

    def __init__(self, world, manifest, *options, level="diagnostic", output="out"):
        self.world = world
        self.folder = tempfile.mkdtemp(dir=world.folder)
        state = os.path.join(self.folder, "state")
        os.makedirs(state, mode=0o700)
        with open(os.path.join(self.folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(HEAD + manifest.replace("@GUESTS@", world.guests).replace("@DIR@", self.folder))
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment.update(PATH="/usr/bin:/bin", HOME=self.folder, TORVYN_HOME=self.folder, TORVYN_STATE_DIR=state,
                           LC_ALL="C.UTF-8")
        if output == "pipe":
            os.mkfifo(os.path.join(self.folder, "pipe"))
            self.reader = os.open(os.path.join(self.folder, "pipe"), os.O_RDONLY | os.O_NONBLOCK)
        arguments = ["--input", "-", "--output", output] if output else []
        self.process = subprocess.Popen(
            [world.torvyn, "run", "--format", "json", *arguments, "--config", f"observability.level={level}", *options],
            cwd=self.folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.socket = os.path.join(state, "torvyn.sock")
        wait_for("the server", lambda: self.process.poll() is not None or self.alive())

    def alive(self):
        try:
            return self.get("/health") != ""
        except OSError:
            return False

    def request(self, method, path, body=None):
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def feed(self, lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def settled(self, ended, flow="main"):
        """`ended` elements have come to an end, and their buffers are back."""
        def done():
            now = json.loads(self.get(f"/flows/{flow}"))
            return now["delivered"] + now["dropped"] + now["failed"] == ended
        wait_for(f"the end of {ended} elements", done)

    def scrape(self):
        return self.world.catalogue.check(self.get("/metrics"), self.world.parser)

    def end(self, expected=0):
        out, err = self.process.communicate(timeout=WAIT_S)
        check(self.process.returncode == expected, f"exit {self.process.returncode}\n{err.decode()}{out.decode()}")
        return json.loads(out)


def expect(samples, truth):
    for (name, labels), value in truth.items():
        check(samples.get((name, labels)) == value, f"{name}{{{labels}}} is {samples.get((name, labels))}, not {value}")


def component(name):
    return f'{FLOW},component_id="{name}"'


def stream(name):
    return f'{FLOW},stream_id="{name}"'


def node(name, file, role="processor", config=None, more=""):
    package = {"processor": "streaming", "filter": "filtering"}[role]
    text = f'[flow.main.nodes.{name}]\ncomponent = "@GUESTS@/{file}.wasm"\ninterface = "torvyn:{package}/{role}"\n{more}\n'
    return text + (f"config = '{config}'\n" if config else "") + "\n"


EDGE = '[[flow.main.edges]]\nfrom = { node = "%s", port = "output" }\nto = { node = "%s", port = "input" }\n%s\n'


def work(world):
    """Elements, copies, calls, queues, times and buffers of a flow in which all goes well."""
    manifest = node("relay", "relay") + node("even", "even", "filter") + EDGE % ("relay", "even", "")
    lines = [f"line {i}" for i in range(1001)]
    kept = lines[::2]
    size, kept_size = sum(map(len, lines)), sum(map(len, kept))
    run = Run(world, manifest, "--config", "runtime.pools.small_pool_size=1000")
    begin = time.monotonic()
    run.feed(lines[:-1])
    run.settled(len(lines) - 1)
    run.feed(lines[-1:])  # wakes it
    run.settled(len(lines))
    full = {(f"torvyn_pool_{what}", 'tier="256"'): value for what, value in (
        ("capacity", 1000), ("available", 1000), ("allocated_total", 2 * len(lines)), ("returned_total", 2 * len(lines)),
        ("fallback_count_total", 0), ("exhaustion_events_total", 0), ("reuse_rate", 1))}
    wait_for("every buffer", lambda: run.scrape()["torvyn_pool_returned_total", 'tier="256"'] == 2 * len(lines))
    samples = run.scrape()
    available = samples.get(("torvyn_pool_available", 'tier="256"'))
    del full["torvyn_pool_available", 'tier="256"']
    check(0 < available <= 1000, f"{available} buffers are available")
    expect(samples, full)
    copies = len(lines) + len(lines) + len(kept)  # into a buffer; the relay's clone; out of one. A filter copies nothing
    edges = ("source:output→relay", "relay:output→even", "even:output→sink")
    expect(samples, {
        ("torvyn_flow_elements_total", FLOW): len(lines),
        ("torvyn_flow_elements_delivered_total", FLOW): len(kept),
        ("torvyn_flow_elements_errors_total", FLOW): 0,
        ("torvyn_flow_copies_total", FLOW): copies,
        ("torvyn_flow_copies_bytes_total", FLOW): 2 * size + kept_size,
        ("torvyn_component_invocations_total", component("relay")): len(lines) + 1,  # and init
        ("torvyn_component_invocations_total", component("even")): len(lines),
        ("torvyn_component_invocations_total", component("sink")): len(kept),
        ("torvyn_component_elements_dropped_total", component("even")): len(lines) - len(kept),
        ("torvyn_component_elements_dropped_total", component("relay")): 0,
        ("torvyn_component_restarts_total", component("relay")): 0,
        ("torvyn_component_memory_current_bytes", component("relay")): 65536,
        ("torvyn_component_memory_current_bytes", component("even")): 65536,
        ("torvyn_flow_latency_seconds_count", FLOW): len(kept),
        ("torvyn_component_processing_time_seconds_count", component("relay")): len(lines),
        ("torvyn_component_processing_time_seconds_count", component("even")): len(lines),
        ("torvyn_component_processing_time_seconds_count", component("sink")): len(kept),
        ("torvyn_system_flows_active", ""): 1,
        ("torvyn_system_components_active", ""): 2,
    })
    for edge, count in zip(edges, (len(lines), len(lines), len(kept))):
        expect(samples, {("torvyn_stream_elements_transferred_total", stream(edge)): count,
                         ("torvyn_stream_queue_wait_time_seconds_count", stream(edge)): count,
                         ("torvyn_stream_queue_current_depth", stream(edge)): 0})
        check(1 <= samples["torvyn_stream_queue_peak_depth", stream(edge)] <= 64, f"peak of {edge}")
    for state in ("Created", "Validated", "Instantiated", "Running", "Suspended", "Draining", "Completed", "Failed"):
        expect(samples, {("torvyn_flow_state", f'{FLOW},state="{state}"'): 1 if state == "Running" else 0})
    elapsed = time.monotonic() - begin
    active = samples["torvyn_flow_active_duration_seconds", FLOW]
    check(0 < active and abs(samples["torvyn_flow_throughput", FLOW] * active - len(lines)) < 1e-6, "throughput")
    idle = samples["torvyn_system_scheduler_idle_seconds_total", ""]
    check(0 < idle <= active and samples["torvyn_system_scheduler_wakeups_total", ""] >= 1, f"idle {idle} of {active}")
    # Every time is part of the time that went by, and of what it is a part of.
    latency = samples["torvyn_flow_latency_seconds_sum", FLOW]
    spent = sum(samples["torvyn_component_processing_time_seconds_sum", component(name)] for name in ("relay", "even", "sink"))
    waited = sum(samples["torvyn_stream_queue_wait_time_seconds_sum", stream(edge)] for edge in edges)
    check(0 < spent < elapsed + active and 0 < waited and 0 < latency, f"{spent} {waited} {latency}")
    with open(f"/proc/{run.process.pid}/status", encoding="ascii") as file:
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024
    total = samples["torvyn_system_memory_bytes", ""]
    check(0.5 < total / resident < 2, f"{total} bytes, the kernel says {resident}")
    check(total - samples["torvyn_system_memory_host_bytes", ""] == 2 * 65536, "memory of the host")
    report = run.end()
    check(report["copies"]["total"] == copies and report["copies"]["bytes"] == 2 * size + kept_size, "the summary differs")
    check(report["metadata_copies"]["count"] == 0 or report["metadata_copies"]["bytes"] > 0, "metadata")
    check(sum(one["count"] for one in report["copies"]["by_reason"].values()) == copies, "reasons and total")


def errors(world):
    """The relay answers with an error from element 3 on."""
    run = Run(world, node("relay", "relay", config='{"fault":"error"}'))
    run.feed(["x"] * 20)
    run.settled(20)
    expect(run.scrape(), {
        ("torvyn_flow_elements_errors_total", FLOW): 17,
        ("torvyn_component_errors_total", component("relay")): 17,
        ("torvyn_component_errors_total", component("sink")): 0,
        ("torvyn_flow_elements_delivered_total", FLOW): 3,
    })
    run.end()


def restarts(world):
    """Every instance traps in its fourth call; then there is a fresh one."""
    run = Run(world, node("relay", "relay", config='{"fault":"trap"}', more='on_error = "skip"'))
    run.feed(["x"] * 18)
    run.settled(18)
    wait_for("the last restart",
             lambda: run.scrape()["torvyn_component_restarts_total", component("relay")] == 4)
    expect(run.scrape(), {
        ("torvyn_flow_elements_errors_total", FLOW): 4,
        ("torvyn_component_errors_total", component("relay")): 4,
        ("torvyn_flow_elements_delivered_total", FLOW): 14,
    })
    run.end()


def rests(run):
    """Nothing happens any more: two looks at the fuel agree."""
    first = run.get("/metrics")
    time.sleep(0.1)
    name = "torvyn_component_fuel_consumed_total"
    return [line for line in first.splitlines() if name in line] == \
        [line for line in run.get("/metrics").splitlines() if name in line]


def fuel(world):
    """The same work costs the same."""
    run = Run(world, node("relay", "relay", more="fuel_per_invocation = 100000"))
    consumed = []
    for round_ in range(1, 5):
        run.feed(["some text"] * 100)
        run.settled(100 * round_)
        wait_for("a rest", lambda: rests(run))
        consumed.append(run.scrape()["torvyn_component_fuel_consumed_total", component("relay")])
    steps = {after - before for before, after in zip(consumed, consumed[1:])}
    check(len(steps) == 1 and 0 < steps.pop() <= 100 * 100000, f"fuel: {consumed}")
    run.end()
    run = Run(world, node("relay", "relay"))
    run.feed(["some text"])
    run.settled(1)
    expect(run.scrape(), {("torvyn_component_fuel_consumed_total", component("relay")): 0})
    run.end()


def capabilities(world):
    """A component that reads the clock 5 times, and tries 7 times to write where it may only read."""
    grants = '[security.grants.probe]\ncapabilities = ["wasi:filesystem/read:@DIR@", "wasi:clocks"]\n'
    run = Run(world, node("probe", "prober") + grants)
    run.feed(["clock"] * 5 + [f"write {run.folder}/new"] * 7)
    run.settled(12)
    samples = run.scrape()
    labels = 'component_id="probe",capability="%s"'
    expect(samples, {
        ("torvyn_capability_exercises_total", labels % "wasi-clocks"): 5,
        ("torvyn_capability_denials_total", labels % "wasi-clocks"): 0,
        ("torvyn_capability_denials_total", labels % "wasi-filesystem-write"): 7,
        ("torvyn_capability_exercises_total", labels % "wasi-filesystem-write"): 0,
    })
    check(not os.path.exists(os.path.join(run.folder, "new")), "it has written")
    run.end()


def unread(run, count):
    """A sink that nobody reads from takes no more."""
    filled = [0, -1]

    def still():
        now = json.loads(run.get("/flows/main"))
        filled[0], filled[1] = filled[1], now["elements"]
        return filled[0] == filled[1] and now["streams"][-1]["backpressure"]
    line = "x" * 200
    run.feed([line] * count)
    wait_for("a full queue", still)
    return line


def back_pressure(world):
    """A sink that nobody reads from: its queue of 4 is full once, for as long as it lasts."""
    manifest = "[flow.main]\ndefault_queue_depth = 4\n[flow.main.nodes.sink]\ncomponent = \"builtin:file:pipe\"\n" \
               "interface = \"torvyn:streaming/sink\"\n[flow.main.nodes.source]\ncomponent = \"builtin:stdin\"\n" \
               "interface = \"torvyn:streaming/source\"\n" + EDGE % ("source", "sink", "")
    run = Run(world, manifest, "--config", "runtime.pools.small_pool_size=2", output="pipe")
    name = stream("source:output→sink")
    line = unread(run, 1000)
    begin = time.monotonic()
    first = run.scrape()
    time.sleep(0.05)
    second = run.scrape()
    waited = time.monotonic() - begin
    expect(second, {("torvyn_stream_queue_peak_depth", name): 4})
    # The sink may have taken one more before nobody took anything: the producer goes on at the low watermark, 2.
    depth = second["torvyn_stream_queue_current_depth", name]
    check(2 < depth <= 4 and depth == json.loads(run.get("/flows/main"))["streams"][-1]["depth"], f"a depth of {depth}")
    events = second["torvyn_stream_backpressure_events_total", name]
    check(events >= 1, "no event")
    key = ("torvyn_stream_backpressure_duration_seconds_total", name)
    check(0 < first[key] < second[key] and 0.05 <= second[key] - first[key] <= waited, "what goes on is not counted")
    check(0 < second["torvyn_stream_backpressure_suspend_seconds_total", name] <= second[key], "the time until it is told")
    # A pool of 2, and nothing came back since the queue was full but what the sink took: the others are from beside it.
    pool = {what: second[f"torvyn_pool_{what}", 'tier="256"'] for what in
            ("capacity", "available", "allocated_total", "returned_total", "fallback_count_total",
             "exhaustion_events_total")}
    elements = second["torvyn_flow_elements_total", FLOW]
    live = elements - second["torvyn_flow_elements_delivered_total", FLOW]
    check(pool["capacity"] == 2 and pool["available"] <= 4 - depth, f"{pool}")
    check(pool["allocated_total"] == elements and pool["allocated_total"] - pool["returned_total"] >= live, f"{pool} {live}")
    check(pool["fallback_count_total"] >= live - 2 and pool["exhaustion_events_total"] == pool["fallback_count_total"],
          f"{pool} {live}")
    reuse = second["torvyn_pool_reuse_rate", 'tier="256"']
    check(abs(reuse - pool["returned_total"] / pool["allocated_total"]) < 1e-9, "reuse")
    os.set_blocking(run.reader, True)
    run.process.stdin.close()
    run.process.stdin = None
    got = b""
    while chunk := os.read(run.reader, 65536):
        got += chunk
    check(got == (line + "\n").encode() * 1000, "the output")
    os.close(run.reader)
    report = run.end()
    check(report["streams"][0]["suspend_us"] > 0 and report["streams"][0]["backpressure_ms"] >= waited * 1e3, "the report")


def dropping(world):
    """The same with a queue that drops: what does not fit is counted, by its policy."""
    for policy in ("drop-oldest", "drop-newest"):
        manifest = "[flow.main.nodes.sink]\ncomponent = \"builtin:file:pipe\"\ninterface = \"torvyn:streaming/sink\"\n" \
                   "[flow.main.nodes.source]\ncomponent = \"builtin:stdin\"\ninterface = \"torvyn:streaming/source\"\n" \
                   + EDGE % ("source", "sink", f'queue_depth = 4\npolicy = "{policy}"\n')
        run = Run(world, manifest, output="pipe")
        count = 3000
        run.feed(["x" * 200] * count)
        wait_for("all of them", lambda: json.loads(run.get("/flows/main"))["elements"] == count)
        samples = run.scrape()
        name = stream("source:output→sink")
        dropped = samples["torvyn_stream_elements_dropped_total", f'{name},policy="{policy}"']
        delivered = samples["torvyn_flow_elements_delivered_total", FLOW]
        depth = samples["torvyn_stream_queue_current_depth", name]
        check(dropped > 0 and dropped + delivered + depth == count, f"{dropped} + {delivered} + {depth} is not {count}")
        os.set_blocking(run.reader, True)
        run.process.stdin.close()
        run.process.stdin = None
        got = b""
        while chunk := os.read(run.reader, 65536):
            got += chunk
        os.close(run.reader)
        report = run.end()
        check(got.count(b"\n") == report["delivered"] == count - report["dropped"], "the output")


def flows(world):
    """Two flows: each has its own series, and the process counts both; one of them ends."""
    two = "".join(
        f'[flow.{name}.nodes.relay]\ncomponent = "@GUESTS@/relay.wasm"\ninterface = "torvyn:streaming/processor"\n'
        f'[flow.{name}.nodes.source]\ncomponent = "builtin:generator:{count}"\ninterface = "torvyn:streaming/source"\n'
        f'[flow.{name}.nodes.sink]\ncomponent = "builtin:file:/dev/null"\ninterface = "torvyn:streaming/sink"\n'
        + (EDGE % ("source", "relay", "") + EDGE % ("relay", "sink", "")).replace("flow.main", f"flow.{name}")
        for name, count in (("one", 50), ("two", 100000000)))
    run = Run(world, two, "--all", output=None)
    wait_for("the end of one", lambda: json.loads(run.get("/flows/one"))["state"] == "Completed")
    run.request("POST", "/flows/two/pause", "{}")
    wait_for("the other's pause", lambda: json.loads(run.get("/flows/two"))["state"] == "Suspended")
    samples = run.scrape()
    expect(samples, {
        ("torvyn_flow_elements_total", 'flow_id="one"'): 50,
        ("torvyn_flow_elements_delivered_total", 'flow_id="one"'): 50,
        ("torvyn_flow_state", 'flow_id="one",state="Completed"'): 1,
        ("torvyn_flow_state", 'flow_id="two",state="Suspended"'): 1,
        ("torvyn_system_flows_active", ""): 1,
        ("torvyn_system_components_active", ""): 1,
    })
    elements = samples["torvyn_flow_elements_total", 'flow_id="two"']
    queued = sum(value for (name, labels), value in samples.items()
                 if name == "torvyn_stream_queue_current_depth" and 'flow_id="two"' in labels)
    check(elements == samples["torvyn_flow_elements_delivered_total", 'flow_id="two"'] + queued, "a paused flow conserves")
    expect(run.scrape(), {("torvyn_flow_elements_total", 'flow_id="two"'): elements})
    run.request("POST", "/flows/two/drain", "{}")
    run.end()


def spans(world):
    """Spans that a collector which is not there cannot take."""
    run = Run(world, node("relay", "relay"), "--config", "observability.tracing_enabled=true", "--config",
              "observability.tracing_exporter=otlp-http", "--config", "observability.tracing_endpoint=http://127.0.0.1:1",
              "--config", "observability.sample_rate=1.0")
    lines = 20000
    run.feed(["x"] * lines)
    run.settled(lines)
    wait_for("dropped spans", lambda: run.scrape()["torvyn_system_spans_dropped_total", ""] > 0)
    run.end()


def contexts(world):
    """A source that names five trace contexts, of which three are none; another flow keeps the process alive."""
    lines = ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
             "00-00000000000000000000000000000000-b7ad6b7169203331-01", "hello",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"]
    sinks = ""
    for name in ("one", "two"):
        sinks += f'[flow.{name}.nodes.sink]\ncomponent = "builtin:file:/dev/null"\n' \
                 'interface = "torvyn:streaming/sink"\n' + (EDGE % ("source", "sink", "")).replace("flow.main", f"flow.{name}")
    text = "\\n".join(lines)
    run = Run(world, '[flow.one.nodes.source]\ncomponent = "@GUESTS@/../traced-source.wasm"\n'
                     f'interface = "torvyn:streaming/source"\nconfig = "{text}\\n"\n'
                     '[flow.two.nodes.source]\ncomponent = "builtin:stdin"\ninterface = "torvyn:streaming/source"\n' + sinks,
              "--all", output=None)
    wait_for("the end of one", lambda: json.loads(run.get("/flows/one"))["state"] == "Completed")
    expect(run.scrape(), {
        ("torvyn_flow_elements_total", 'flow_id="one"'): len(lines),
        ("torvyn_component_trace_contexts_invalid_total", 'flow_id="one",component_id="source"'): 3,
        ("torvyn_component_trace_contexts_invalid_total", 'flow_id="one",component_id="sink"'): 0,
    })
    run.end()


SCENARIOS = {"contexts": contexts, "work": work, "errors": errors, "restarts": restarts, "fuel": fuel, "capabilities": capabilities,
             "back-pressure": back_pressure, "dropping": dropping, "flows": flows, "spans": spans}


class World:
    def __init__(self, torvyn, guests, root, packages):
        sys.path.insert(0, packages)
        from prometheus_client.parser import text_string_to_metric_families  # pylint: disable=import-outside-toplevel
        self.parser = text_string_to_metric_families
        self.torvyn = os.path.abspath(torvyn)
        self.guests = os.path.abspath(guests)
        self.catalogue = Catalogue(root)
        self.folder = tempfile.mkdtemp(prefix="torvyn-")


def main():
    world = World(*sys.argv[1:5])
    try:
        for name, scenario in SCENARIOS.items():
            if sys.argv[5:] in ([], [name]):
                scenario(world)
                print(f"{name}: as counted", flush=True)
        zero = sorted(set(world.catalogue.rows) - world.catalogue.seen)
        check(sys.argv[5:] or not zero, f"always zero: {', '.join(zero)}")
    finally:
        shutil.rmtree(world.folder, ignore_errors=True)


main()
