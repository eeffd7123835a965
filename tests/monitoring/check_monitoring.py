#!/usr/bin/env python3
"""check_monitoring.py METRICS_DEF MONITORING PROMTOOL: the Grafana dashboard and the alert rules know only metrics and
labels of the catalogue, the dashboard shows every metric, panels do not overlap, and promtool reads every expression."""
import json
import os
import re
import subprocess
import sys
import tempfile

LABELS = {
    "FLOW": {"flow_id"},
    "COMPONENT": {"flow_id", "component_id"},
    "STREAM": {"flow_id", "stream_id"},
    "TIER": {"tier"},
    "CAPABILITY": {"component_id", "capability"},
    "SYSTEM": set(),
}
SCRAPED = {"job", "instance"}  # Prometheus adds them
SECTIONS = ["Flows", "Components", "Queues", "Buffer pools", "Capabilities", "System"]
ALERTS = 6
NAME = re.compile(r"\btorvyn_[a-z0-9_]+")
# A metric, its selector, and what it is summed by where that is written before it.
SERIES = re.compile(r"(?:sum by \(([^)]*)\) \((?:rate\()?)?\b(torvyn_[a-z0-9_]+)(?:\{([^}]*)\})?")


def fail(text):
    sys.exit(text)


def read_catalogue(path):
    """Prometheus name -> labels, and name -> the metric that it belongs to."""
    labels, owner = {}, {}
    with open(path, encoding="utf-8") as file:
        for match in re.finditer(r'^TVN_METRIC\(\w+, "[^"]+", (\w+), \w+, (\w+), "([^"]+)"', file.read(), re.M):
            kind, scope, name = match.groups()
            own = LABELS[scope] | SCRAPED
            own = own | ({"state"} if kind == "STATE" else set()) | ({"policy"} if "stream_elements_dropped" in name else set())
            names = [name + suffix for suffix in ("_bucket", "_sum", "_count")] if kind == "HISTOGRAM" else [name]
            for one in names:
                labels[one] = own | ({"le"} if one.endswith("_bucket") else set())
                owner[one] = name
    if len(set(owner.values())) < 30:
        fail(f"only {len(set(owner.values()))} metrics in {path}")
    return labels, owner


def check_expression(where, expression, labels):
    for name in NAME.findall(expression):
        if name not in labels:
            fail(f"{where}: no metric '{name}'")
    for by, name, selector in SERIES.findall(expression):
        used = {item.strip() for item in by.split(",") if item.strip()}
        used |= set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)', selector))
        if used - labels[name]:
            fail(f"{where}: '{name}' has no label {sorted(used - labels[name])}")


def check_layout(panels):
    taken = {}
    for panel in panels:
        box = panel["gridPos"]
        if box["x"] + box["w"] > 24:
            fail(f"'{panel['title']}' is wider than the dashboard")
        for x in range(box["x"], box["x"] + box["w"]):
            for y in range(box["y"], box["y"] + box["h"]):
                if (x, y) in taken:
                    fail(f"'{panel['title']}' lies on '{taken[x, y]}'")
                taken[x, y] = panel["title"]
    if len({panel["id"] for panel in panels}) != len(panels):
        fail("two panels have one id")


def check_dashboard(path, labels, owner):
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    if rows != SECTIONS:
        fail(f"sections are {rows}")
    check_layout(dashboard["panels"])
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    expressions = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            where = f"panel '{panel['title']}' {target['refId']}"
            check_expression(where, target["expr"], labels)
            unknown = set(re.findall(r"\$(\w+)", target["expr"])) - variables - {"__rate_interval"}
            if unknown:
                fail(f"{where}: no variable {unknown}")
            known = set().union(*(labels[name] for name in NAME.findall(target["expr"])))
            if set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) - known:
                fail(f"{where}: legend {target['legendFormat']}")
            expressions.append((where, target["expr"]))
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            check_expression(f"variable '{one['name']}'", one["definition"], labels)
    shown = {owner[name] for _, text in expressions for name in NAME.findall(text)}
    if set(owner.values()) - shown:
        fail(f"not shown: {sorted(set(owner.values()) - shown)}")
    return expressions


def check_with_promtool(promtool, folder, expressions):
    path = os.path.join(folder, "dashboard.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("groups:\n  - name: dashboard\n    rules:\n")
        for i, (_, text) in enumerate(expressions):
            plain = re.sub(r"\$(\w+)", ".*", text.replace("$__rate_interval", "5m"))
            file.write(f"      - record: panel:{i}\n        expr: {json.dumps(plain)}\n")
    run_promtool(promtool, path, len(expressions))


def run_promtool(promtool, path, count):
    result = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, timeout=60)
    if result.returncode != 0 or f"{count} rules found" not in result.stdout + result.stderr:
        fail(f"promtool, {path}:\n{result.stdout}{result.stderr}")


def main():
    definition, monitoring, promtool = sys.argv[1:]
    labels, owner = read_catalogue(definition)
    expressions = check_dashboard(os.path.join(monitoring, "grafana-dashboard.json"), labels, owner)
    rules = os.path.join(monitoring, "prometheus-rules.yml")
    with open(rules, encoding="utf-8") as file:
        for line in file:
            check_expression("alert", line, labels)
    run_promtool(promtool, rules, ALERTS)
    with tempfile.TemporaryDirectory(prefix="torvyn-monitoring-") as folder:
        check_with_promtool(promtool, folder, expressions)
    print(f"{len(expressions)} expressions, {len(set(owner.values()))} metrics")


main()
