#!/usr/bin/env python3
"""The fault matrix: runs every cell of faults.tsv and compares what happened with what the table says.

A cell is a call site, a kind of failure and a policy (on_error). Its flow has one hostile component (guests/) among
built-in stages; a second flow, the bystander, runs in the same process, and its output must not change by a byte. In
every cell the elements must add up: pulled + forked + flushed = delivered + dropped + failed + absorbed.

With --update the table is rewritten with what happened: read the difference, every line of it.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

COLUMNS = ("site", "kind", "policy", "exit", "code", "state", "pulled", "delivered", "failed", "restarts")
POLICIES = ("skip", "retry", "terminate", "dead-letter")
ERRORS = ("invalid-input", "unavailable", "internal", "deadline-exceeded", "fatal")
TRAPS = ("unreachable", "out-of-bounds", "divide", "stack", "fuel", "loop", "memory", "bad-value", "handle", "leak")
# Where a hostile component stands: its role, and what is before and behind it.
ROLES = {"init": "processor", "pull": "source", "process": "processor", "evaluate": "filter", "route": "router",
         "ingest": "aggregator", "flush": "aggregator", "push": "sink", "complete": "sink", "teardown": "processor"}
INTERFACES = {"source": "torvyn:streaming/source", "processor": "torvyn:streaming/processor",
              "filter": "torvyn:filtering/filter", "router": "torvyn:filtering/router",
              "aggregator": "torvyn:aggregation/aggregator", "sink": "torvyn:streaming/sink"}
# Calls without an element have no borrow to keep; teardown has no result.
IMPOSSIBLE = {("leak", site) for site in ("init", "pull", "flush", "complete", "teardown")}
IMPOSSIBLE |= {(kind, "teardown") for kind in (*ERRORS, "bad-value")}
BYSTANDER = "".join(f"Hello, Torvyn! ({i})\n" for i in range(1, 501))

HEAD = """
[torvyn]
name = "faults"
version = "0.1.0"
contract_version = "0.1.0"

[runtime]
invocation_timeout_ms = {timeout}
yield_quantum_us = 1000000 # the source is pulled in one go, however slow the machine: counts are the same everywhere

[flow.bystander.nodes.source]
component = "builtin:generator:500"
interface = "torvyn:streaming/source"
[flow.bystander.nodes.filter]
component = "{guests}/fault-filter.wasm"
interface = "torvyn:filtering/filter"
[flow.bystander.nodes.sink]
component = "builtin:file:bystander.txt"
interface = "torvyn:streaming/sink"
[[flow.bystander.edges]]
from = {{ node = "source", port = "output" }}
to = {{ node = "filter", port = "input" }}
[[flow.bystander.edges]]
from = {{ node = "filter", port = "output" }}
to = {{ node = "sink", port = "input" }}

[flow.cell]
dead_letter_file = "dead.jsonl"
"""


def node(name, component, interface, *settings):
    return "\n".join([f"[flow.cell.nodes.{name}]", f'component = "{component}"', f'interface = "{interface}"',
                      *settings, ""])


def edge(source, target, port="output"):
    return "\n".join(["[[flow.cell.edges]]", f'from = {{ node = "{source}", port = "{port}" }}',
                      f'to = {{ node = "{target}", port = "input" }}', ""])


def manifest(site, kind, policy, guests, timeout):
    role = ROLES[site]
    settings = [f'config = "{site} {kind}"', f'on_error = "{policy}"', "max_retries = 2", "retry_backoff_ms = 1"]
    if kind == "fuel":
        settings.append("fuel_per_invocation = 200000")
    parts = [HEAD.format(guests=guests, timeout=timeout if kind == "loop" else 10000),
             node("stage", f"{guests}/fault-{role}.wasm", INTERFACES[role], *settings)]
    if role != "source":
        parts.append(node("source", "builtin:generator:10", INTERFACES["source"]))
        parts.append(edge("source", "stage"))
    if role == "router":
        for port in ("left", "right"):
            parts.append(node(port, f"builtin:file:{port}.txt", INTERFACES["sink"]))
            parts.append(edge("stage", port, port))
    elif role != "sink":
        parts.append(node("sink", "builtin:file:out.txt", INTERFACES["sink"]))
        parts.append(edge("stage", "sink"))
    return "".join(parts)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def find_flow(report, name):
    return next(flow for flow in report["flows"] if flow["flow"] == name)


def check_conservation(flow, problems):
    gone_in = flow["elements"] + flow.get("forked", 0) + flow.get("flushed", 0)
    come_out = flow["delivered"] + flow["dropped"] + flow["failed"] + flow.get("absorbed", 0)
    if gone_in != come_out:
        problems.append(f"{gone_in} elements came to be and {come_out} ended")


def run_cell(cell, torvyn, guests, timeout):
    """What happened, as a row; and what is wrong whatever the table says."""
    site, kind, policy = cell
    problems = []
    folder = tempfile.mkdtemp(prefix="torvyn-fault-")
    try:
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(manifest(site, kind, policy, guests, timeout))
        environment = dict(os.environ, TORVYN_STATE_DIR=folder)
        done = subprocess.run([torvyn, "run", "--all", "--format", "json"], cwd=folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return None, [f"status {done.returncode}, no report: {done.stderr.decode(errors='replace')[-2000:]}"]
        if "flows" not in report:
            return None, [f"nothing ran: {report['errors']}"]
        flow = find_flow(report, "cell")
        check_conservation(flow, problems)
        if find_flow(report, "bystander")["state"] != "Completed" or read(os.path.join(folder, "bystander.txt")) != BYSTANDER:
            problems.append("the bystander's output is another one")
        delivered = sum(read(os.path.join(folder, f"{name}.txt")).count("\n") for name in ("out", "left", "right"))
        if ROLES[site] != "sink" and delivered != flow["delivered"]:
            problems.append(f"{flow['delivered']} delivered, {delivered} lines written")
        letters = read(os.path.join(folder, "dead.jsonl")).count("\n")
        if letters != flow.get("dead_lettered", 0):
            problems.append(f"{flow.get('dead_lettered', 0)} dead letters counted, {letters} written")
        codes = [error["code"] or "process-error" for error in report["errors"]]
        stage = next(stage for stage in flow["stages"] if stage["name"] == "stage")
        row = (site, kind, policy, str(done.returncode), ",".join(codes) or "-", flow["state"], str(flow["elements"]),
               str(flow["delivered"]), str(flow["failed"]), str(stage.get("restarts", 0)))
        return row, problems
    except subprocess.TimeoutExpired:
        return None, ["the program did not end"]
    finally:
        shutil.rmtree(folder)


def read_table(path):
    with open(path, encoding="utf-8") as file:
        rows = [tuple(line.rstrip("\n").split("\t")) for line in file if line.strip() and not line.startswith("#")]
    if not rows or rows[0] != COLUMNS:
        sys.exit(f"{path}: the columns must be {' '.join(COLUMNS)}")
    return {row[:3]: row for row in rows[1:]}


def write_table(path, rows):
    with open(path, encoding="utf-8") as file:
        comments = [line for line in file if line.startswith("#")]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(comments)
        file.writelines("\t".join(row) + "\n" for row in (COLUMNS, *rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--guests", required=True, help="folder of the fault-*.wasm files")
    parser.add_argument("--table", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.tsv"))
    parser.add_argument("--timeout", type=int, default=100, help="invocation_timeout_ms where a guest loops (100)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="cells whose name (site/kind/policy) contains this text")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    torvyn, guests = os.path.abspath(arguments.torvyn), os.path.abspath(arguments.guests)
    cells = [(site, kind, policy) for site in ROLES for kind in (*ERRORS, *TRAPS) for policy in POLICIES
             if (kind, site) not in IMPOSSIBLE]
    if arguments.only:
        cells = [cell for cell in cells if arguments.only in "/".join(cell)]
    table = {} if arguments.update else read_table(arguments.table)
    failures, rows = 0, []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda cell: run_cell(cell, torvyn, guests, arguments.timeout), cells)
        for cell, (row, problems) in zip(cells, results):
            if row and not arguments.update and row != table.get(cell):
                problems.append(f"expected {' '.join(table.get(cell, ('no such row',))[3:])}, got {' '.join(row[3:])}")
            if row:
                rows.append(row)
            if problems:
                failures += 1
                print(f"{'/'.join(cell)}: {'; '.join(problems)}")
    if arguments.update and not arguments.only:
        write_table(arguments.table, rows)
    print(f"{len(cells) - failures} cells passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
