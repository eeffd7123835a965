#!/usr/bin/env python3
"""check_prometheus.py TORVYN GUESTS ROOT PROMETHEUS WORK: a real Prometheus scrapes a running flow over TCP with its token,
loads the alert rules, and its HTTP API says what the flow says; an alert fires for a flow that is stuck."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from waiting import KEPT, wait_for  # pylint: disable=wrong-import-position

MANIFEST = """[torvyn]
name = "case"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.relay]
component = "%s/relay.wasm"
interface = "torvyn:streaming/processor"

[observability]
inspection_listen = "127.0.0.1:0"
inspection_token_file = "token"
"""
CONFIG = """global:
  scrape_interval: 500ms
  scrape_timeout: 400ms
  evaluation_interval: 500ms
rule_files: ['%(rules)s']
scrape_configs:
  - job_name: torvyn
    static_configs: [{targets: ['%(target)s']}]
    authorization: {type: Bearer, credentials_file: '%(folder)s/token'}
  - job_name: stranger
    static_configs: [{targets: ['%(target)s']}]
"""
WAIT_S = 120  # for what must happen, however slow the machine is
LINES = 500


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Prometheus:
    """In a folder of its own, on a port of this machine alone."""

    def __init__(self, program, folder, target, rules):
        self.folder = folder
        with open(os.path.join(folder, "prometheus.yml"), "w", encoding="utf-8") as file:
            file.write(CONFIG % {"target": target, "rules": rules, "folder": folder})
        self.log = open(os.path.join(folder, "prometheus.log"), "wb+")
        for _ in range(5):  # the port may be taken until it listens
            self.url = f"http://127.0.0.1:{free_port()}"
            self.process = subprocess.Popen(
                [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.url[7:]}", "--log.level=warn"], stdout=self.log, stderr=self.log, cwd=folder)
            wait_for("Prometheus", lambda: self.process.poll() is not None or self.ready(), WAIT_S)
            if self.process.poll() is None:
                return
        raise AssertionError("Prometheus does not start")

    def ready(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=WAIT_S) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def api(self, path, **arguments):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}",
                                    timeout=WAIT_S) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def values(self, expression):
        """{labels that are ours: value} of an instant query."""
        return {frozenset((name, text) for name, text in one["metric"].items() if name not in ("job", "instance")):
                float(one["value"][1]) for one in self.api("query", query=expression)["result"]}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=WAIT_S)
        self.log.close()


def start_flow(torvyn, guests, folder):
    with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
        file.write(MANIFEST % guests)
    with open(os.path.join(folder, "token"), "w", encoding="utf-8",
              opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("0123456789abcdef" * 3 + "\n")
    state = os.path.join(folder, "state")
    os.makedirs(state, mode=0o700)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder, TORVYN_STATE_DIR=state, TORVYN_LOG="info",
                       LC_ALL="C.UTF-8")
    err = open(os.path.join(folder, "err"), "wb+")
    process = subprocess.Popen([torvyn, "run", "--input", "-", "--output", "out"], cwd=folder, env=environment,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=err)

    def address():
        err.seek(0)
        return re.search(rb"inspection at http://([0-9.]+:[0-9]+)", err.read())
    return process, wait_for("the address", address, WAIT_S)[1].decode()


def check_series(prometheus, catalogue):
    """Every metric has arrived; the numbers are those of the flow."""
    main = frozenset({("flow_id", "main")})

    def named(name, *labels):
        return main | frozenset(labels) | {("__name__", name)}
    wait_for("all elements", lambda: prometheus.values("torvyn_flow_elements_delivered_total").get(
        named("torvyn_flow_elements_delivered_total")) == LINES, WAIT_S)
    names = set(prometheus.api("label/__name__/values"))
    for name, kind, scope in catalogue:
        if scope != "CAPABILITY":  # there is a series only for what a component has
            wanted = {name + part for part in ("_bucket", "_sum", "_count")} if kind == "HISTOGRAM" else {name}
            assert wanted <= names, f"{wanted - names} did not arrive"
    assert prometheus.values("torvyn_flow_elements_total") == {named("torvyn_flow_elements_total"): LINES}
    assert prometheus.values("torvyn_flow_copies_total") == {named("torvyn_flow_copies_total"): 3 * LINES}
    running = prometheus.values('torvyn_flow_state{state="Running"}')
    assert running == {named("torvyn_flow_state", ("state", "Running")): 1}, running
    assert prometheus.values("sum(torvyn_flow_state)") == {frozenset(): 1}
    transferred = prometheus.values("torvyn_stream_elements_transferred_total")
    assert transferred == {named("torvyn_stream_elements_transferred_total", ("stream_id", edge)): LINES
                           for edge in ("source:output→relay", "relay:output→sink")}, transferred
    # A histogram that Prometheus can work with.
    count = prometheus.values("sum(torvyn_flow_latency_seconds_count)")[frozenset()]
    over = prometheus.values('sum(torvyn_flow_latency_seconds_bucket{le="+Inf"})')[frozenset()]
    assert count == over, (count, over)


def check_targets(prometheus):
    def known():
        targets = {one["labels"]["job"]: one for one in prometheus.api("targets")["activeTargets"]}
        return targets if all(one["health"] != "unknown" for one in targets.values()) else None
    targets = wait_for("the first scrapes", known, WAIT_S)
    assert targets["torvyn"]["health"] == "up", targets["torvyn"]
    assert targets["stranger"]["health"] == "down" and "401" in targets["stranger"]["lastError"], targets["stranger"]
    assert not prometheus.values('{job="stranger", __name__=~"torvyn_.*"}')


def check_rules(prometheus, path):
    with open(path, encoding="utf-8") as file:
        wanted = set(re.findall(r"^\s*- alert: (\w+)", file.read(), re.M))
    assert len(wanted) == 6, wanted

    def evaluated():
        rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] == "ok" for rule in rules) else None
    rules = wait_for("the alerts' first evaluation", evaluated, WAIT_S)
    assert {rule["name"] for rule in rules} == wanted, rules


def main():
    torvyn, guests, root, program, work = (os.path.abspath(argument) for argument in sys.argv[1:])
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work, mode=0o700)
    rules = os.path.join(root, "docs/monitoring/prometheus-rules.yml")
    with open(os.path.join(root, "src/observability/metrics.def"), encoding="utf-8") as file:
        catalogue = [(name, kind, scope) for kind, scope, name in re.findall(
            r'^TVN_METRIC\(\w+, "[^"]+", (\w+), \w+, (\w+), "([^"]+)"', file.read(), re.M)]
    flow, target = start_flow(torvyn, guests, work)
    prometheus = None
    try:
        prometheus = Prometheus(program, work, target, rules)
        flow.stdin.write("".join(f"line {i}\n" for i in range(LINES)).encode())
        flow.stdin.flush()
        check_series(prometheus, catalogue)
        check_targets(prometheus)
        check_rules(prometheus, rules)
        flow.stdin.close()
        assert flow.wait(timeout=WAIT_S) == 0
        wait_for("the end of the target", lambda: prometheus.values('up{job="torvyn"}').get(
            frozenset({("__name__", "up")})) == 0, WAIT_S)
    finally:
        if prometheus:
            prometheus.stop()
        if flow.poll() is None:
            flow.kill()
            flow.wait(timeout=WAIT_S)
    print(f"{len(catalogue)} metrics arrived")


main()
