#!/usr/bin/env python3
"""check_export.py --torvyn PROGRAM --root REPOSITORY --packages FOLDER --work FOLDER WHAT…

What `torvyn run` exports by OTLP, received by a collector of other people's packages:

  metrics:PROTOCOL   of an example project: the catalogue, and the numbers of the run's own summary
  retry:PROTOCOL     a collector that is busy first gets everything in the end
  hostile:PROTOCOL   collectors that are dead, slow or hostile: the flow and the end of the process do not notice
"""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

WAIT_S = 120  # for a run to end, however slow the machine is
KEPT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH")
PROTOCOLS = ("grpc", "protobuf", "json")


def check(condition, text):
    if not condition:
        sys.exit(text)


class Project:
    """A copy of an example, built."""

    def __init__(self, options, name):
        self.torvyn = options.torvyn
        self.folder = os.path.join(options.work, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(os.path.join(options.root, "examples", name), self.folder,
                        ignore=shutil.ignore_patterns(".torvyn"))
        subprocess.run(["make", "-s", "-C", self.folder, "build", f"ROOT={options.root}"], check=True)
        with open(os.path.join(self.folder, "expected-output.txt"), encoding="utf-8") as file:
            self.expected = file.read()

    def start(self, config, *more):
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment.update(PATH="/usr/bin:/bin", HOME=self.folder, TORVYN_HOME=self.folder,
                           TORVYN_STATE_DIR=os.path.join(self.folder, "state"), LC_ALL="C.UTF-8")
        command = [self.torvyn, "run", "flow.main", "--format", "json", *more]
        for key, value in config.items():
            command += ["--config", f"observability.{key}={value}"]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        """Exit code, summary, pipeline output, log."""
        out, err = process.communicate(timeout=WAIT_S)
        check(out.startswith("{"), f"no summary: {out}{err}")
        log = [line for line in err.splitlines(True) if line.startswith("[torvyn]")]
        output = [line for line in err.splitlines(True) if not line.startswith("[torvyn]")]
        return process.returncode, json.loads(out), "".join(output), "".join(log)

    def run(self, config, *more):
        return self.finish(self.start(config, *more))


def make_collector(protocol, *arguments, **named):
    import collector
    return (collector.Grpc if protocol == "grpc" else collector.Http)(*arguments, **named)


def metrics_config(protocol, url):
    return {"otlp_metrics_enabled": "true", "otlp_metrics_endpoint": url,
            "otlp_metrics_protocol": "grpc" if protocol == "grpc" else "http",
            "otlp_encoding": "json" if protocol == "json" else "protobuf"}


# ---- metrics


def attributes(items):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in items}


def last_metrics(received):
    """{name: metric} of the last export."""
    check(not received.errors, "\n".join(received.errors))
    check(received.metrics, "no metrics came")
    found = {}
    for resource in received.metrics[-1].resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                check(metric.name not in found, f"'{metric.name}' came twice")
                found[metric.name] = metric
    return found


def values(metric):
    """{labels without the flow: value}"""
    data = getattr(metric, metric.WhichOneof("data"))
    result = {}
    for point in data.data_points:
        labels = attributes(point.attributes)
        flow = labels.pop("flow_id", "main")
        check(flow == "main", f"{metric.name} of flow '{flow}'")
        if metric.WhichOneof("data") == "histogram":
            value = point
        else:
            value = getattr(point, point.WhichOneof("value"))
        check(tuple(sorted(labels.items())) not in result, f"{metric.name} has {labels} twice")
        result[tuple(sorted(labels.items()))] = value
    return result


def catalogue(root):
    """[(name, kind, unit)] of the metrics' table."""
    with open(os.path.join(root, "src/observability/metrics.def"), encoding="utf-8") as file:
        return re.findall(r'^TVN_METRIC\(\w+, "([^"]+)", (\w+), (\w+),', file.read(), re.M)


UNITS = {"NONE": "1", "COUNT": "1", "NS": "ns", "BYTES": "By", "RATIO": "1", "PER_SECOND": "1/s"}


def check_form(root, metrics):
    rows = catalogue(root)
    check(len(rows) > 30, "the catalogue is not read")
    for name, kind, unit in rows:
        if name not in metrics:
            check(name.startswith("capability."), f"'{name}' is missing")
            continue
        metric = metrics[name]
        data = {"COUNTER": "sum", "HISTOGRAM": "histogram"}.get(kind, "gauge")
        check(metric.WhichOneof("data") == data, f"'{name}' is no {data}")
        check(metric.unit == UNITS[unit], f"'{name}' has unit '{metric.unit}'")
        check(metric.description, f"'{name}' is not described")
        if data != "gauge":
            check(getattr(metric, data).aggregation_temporality == 2, f"'{name}' is not cumulative")
        if data == "sum":
            check(metric.sum.is_monotonic, f"'{name}' is not monotonic")
        for point in getattr(metric, data).data_points:
            check(0 < point.start_time_unix_nano <= point.time_unix_nano, f"'{name}' has no times")
    check(set(metrics) <= {name for name, _, _ in rows}, "something is not in the catalogue")


def check_histogram(point, count):
    check(point.count == count == sum(point.bucket_counts), f"{count} are not in the buckets of {point}")
    check(len(point.bucket_counts) == len(point.explicit_bounds) + 1, "buckets and bounds do not fit")
    check(list(point.explicit_bounds) == sorted(set(point.explicit_bounds)), "bounds are not in order")
    check(point.min * count <= point.sum <= point.max * count and point.min > 0, f"sum, min or max of {point}")


def check_numbers(summary, metrics):
    def one(name, wanted, **labels):
        got = values(metrics[name]).get(tuple(sorted(labels.items())))
        check(got == wanted, f"{name}{labels} is {got}, and {wanted} in the summary")

    reasons = summary["copies"]["by_reason"]
    payload = [value for reason, value in reasons.items() if reason != "MetadataMarshal"]
    one("flow.elements.total", summary["elements"])
    one("flow.elements.delivered", summary["delivered"])
    one("flow.copies.total", sum(value["count"] for value in payload))
    one("flow.copies.bytes", summary["copies"]["bytes"])
    one("flow.copies.bytes", sum(value["bytes"] for value in payload))
    one("flow.state", 1, state=summary["state"])
    one("flow.state", 0, state="Running")
    for stage in summary["stages"]:
        for name, key in (("component.invocations", "invocations"), ("component.errors", "errors"),
                          ("component.elements.dropped", "dropped"), ("component.restarts", "restarts")):
            one(name, stage[key], component_id=stage["name"])
    for stream in summary["streams"]:
        stream_id = f"{stream['from']}:{stream['port']}→{stream['to']}"
        one("stream.elements.transferred", stream["transferred"], stream_id=stream_id)
        one("stream.queue.peak_depth", stream["peak_depth"], stream_id=stream_id)
        one("stream.queue.current_depth", 0, stream_id=stream_id)
        one("stream.backpressure.events", stream["backpressure_events"], stream_id=stream_id)
    one("system.flows.active", 0)
    allocated = sum(values(metrics["pool.allocated"]).values())
    check(allocated == sum(values(metrics["pool.returned"]).values()) > 0, "buffers are still out")
    # At level diagnostic every element is timed.
    check_histogram(values(metrics["flow.latency"])[()], summary["delivered"])
    for stage in summary["stages"]:
        check_histogram(values(metrics["component.processing_time"])[(("component_id", stage["name"]),)],
                        summary["elements"])


def check_resource(received):
    for request in received.metrics:
        resource = attributes(request.resource_metrics[0].resource.attributes)
        check(resource["service.name"] == "torvyn" and resource["service.version"], f"resource {resource}")
        check(resource["process.pid"] > 1 and resource["host.name"] == socket.gethostname(), f"resource {resource}")
        check(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", resource["service.instance.id"]),
              f"resource {resource}")
    for headers in received.headers:
        check(headers["user-agent"].startswith("torvyn/"), f"headers {headers}")


def run_metrics(options, protocol):
    project = Project(options, "event-enrichment")
    server = make_collector(protocol)
    config = {"level": "diagnostic", **metrics_config(protocol, server.url)}
    code, summary, output, log = project.run(config)
    server.stop()
    check(code == 0 and output == project.expected and not log, f"exit code {code}: {output}{log}")
    metrics = last_metrics(server.received)
    check_resource(server.received)
    check_form(options.root, metrics)
    check_numbers(summary, metrics)


# ---- collectors that are busy


def wait_for(what, condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        check(time.monotonic() < end, what)
        time.sleep(0.02)


def seen_elements(received):
    if not received.metrics:
        return 0
    return values(last_metrics(received)["flow.elements.total"])[()]


def run_retry(options, protocol):
    """A collector that is busy at first gets it when it is asked again."""
    project = Project(options, "hello-world")
    if protocol == "grpc":
        import grpc
        answers = [(grpc.StatusCode.UNAVAILABLE, "not yet", ()), (grpc.StatusCode.ABORTED, "not yet", ())]
    else:
        answers = [(503, [("Retry-After", "1")]), (429, [])]
    server = make_collector(protocol, answers, rejected=3)
    config = {**metrics_config(protocol, server.url), "otlp_metrics_interval_s": "1"}
    process = project.start(config, "--input", "-")
    process.stdin.write("one\ntwo\n")
    process.stdin.flush()
    # The flow lasts until the collector has got what the flow did.
    wait_for("nothing came", lambda: seen_elements(server.received) == 2)
    code, summary, _, log = project.finish(process)
    server.stop()
    check(code == 0 and summary["elements"] == 2, f"exit code {code}")
    last_metrics(server.received)
    check(log.count("metrics do not reach the collector") == 1, f"not one warning of failing: {log}")
    check(log.count("rejects some metrics") == 1, f"not one warning of rejecting: {log}")


# ---- collectors that are none


def peers(protocol):
    """{name: (peer, does it get as far as one request?)}"""
    import collector
    common = {"silent": collector.silent, "garbage": collector.garbage, "cut": collector.cut,
              "enormous": collector.enormous, "enormous-headers": collector.enormous_headers}
    only = {"no-trailers": collector.NO_TRAILERS, "no-status": collector.NO_STATUS, "bad-hpack": collector.BAD_HPACK,
            "go-away": collector.GO_AWAY, "reset": collector.RESET, "bad-frame": collector.BAD_FRAME,
            "ping-flood": collector.PING_FLOOD} if protocol == "grpc" else \
        {"html": collector.html, "trickle": collector.trickle, "later": collector.later}
    return {**common, **only}


def refused_url():
    """A port on which nobody listens, and its holder."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{holder.getsockname()[1]}", holder


def check_undisturbed(project, protocol, name, url):
    code, summary, output, log = project.run(metrics_config(protocol, url))
    check(code == 0 and summary["state"] == "Completed" and output == project.expected,
          f"{name}: exit code {code}: {output}{log}")
    check(log.count("metrics do not reach the collector") == 1, f"{name}: not one warning: {log}")


def run_hostile(options, protocol):
    import collector
    project = Project(options, "hello-world")
    url, holder = refused_url()
    check_undisturbed(project, protocol, "refused", url)
    holder.close()
    for name, serve in peers(protocol).items():
        peer = collector.Peer(serve)
        check_undisturbed(project, protocol, name, peer.url)
        check(peer.connections > 0, f"{name}: nobody came")
        peer.stop()
    good = make_collector(protocol)
    peer = collector.Peer(collector.redirect_to(good.url + "/v1/metrics"))
    check_undisturbed(project, protocol, "redirect", peer.url)
    check(not good.received.headers, "a redirect was followed")
    peer.stop()
    good.stop()


def main():
    parser = argparse.ArgumentParser()
    for name in ("torvyn", "root", "packages", "work"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("what", nargs="+")
    options = parser.parse_args()
    sys.path[:0] = [options.packages, os.path.dirname(os.path.abspath(__file__))]
    os.makedirs(options.work, exist_ok=True)
    runs = {"metrics": run_metrics, "retry": run_retry, "hostile": run_hostile}
    for what in options.what:
        kind, _, protocol = what.partition(":")
        check(kind in runs and protocol in PROTOCOLS, f"'{what}' is unknown")
        runs[kind](options, protocol)


if __name__ == "__main__":
    main()
