#!/usr/bin/env python3
"""check_export.py --torvyn PROGRAM --root REPOSITORY --guests FOLDER --packages FOLDER --work FOLDER WHAT…

What `torvyn run` exports by OTLP, received by a collector of other people's packages:

  metrics:PROTOCOL   of an example project: the catalogue, and the numbers of the run's own summary
  spans:PROTOCOL     of an example project: the tree of the specification, and the summary's elements, calls and copies
  conservation:PROTOCOL
                     of several examples: metrics, spans, summary and `torvyn trace` agree to the element and the byte
  context:PROTOCOL   elements under incoming W3C contexts: their trace, parent, state and sampling go on
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from waiting import KEPT, check, wait_for  # pylint: disable=wrong-import-position

WAIT_S = 120  # for a run to end, however slow the machine is
PROTOCOLS = ("grpc", "protobuf", "json")


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

    def start(self, config, *more, command="run"):
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment.update(PATH="/usr/bin:/bin", HOME=self.folder, TORVYN_HOME=self.folder,
                           TORVYN_STATE_DIR=os.path.join(self.folder, "state"), LC_ALL="C.UTF-8")
        command = [self.torvyn, command, "flow.main", "--format", "json", *more]
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

    def run(self, config, *more, command="run"):
        return self.finish(self.start(config, *more, command=command))


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

    payload = summary["copies"]["by_reason"].values()
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
    one("system.spans_dropped", 0)
    allocated = sum(values(metrics["pool.allocated"]).values())
    check(allocated == sum(values(metrics["pool.returned"]).values()) > 0, "buffers are still out")
    # At level diagnostic every element is timed.
    check_histogram(values(metrics["flow.latency"])[()], summary["delivered"])


def check_processing(summary, metrics):
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
    check_processing(summary, metrics)


# ---- spans


class Span:
    def __init__(self, span):
        self.span = span
        self.name = span.name
        self.id, self.trace, self.parent = span.span_id.hex(), span.trace_id.hex(), span.parent_span_id.hex()
        self.attributes = attributes(span.attributes)
        self.kind, _, self.rest = span.name.partition(":")


def spans_of(received):
    """All spans in order, after what holds for every one."""
    check(not received.errors, "\n".join(received.errors))
    spans = []
    for request in received.traces:
        for resource in request.resource_spans:
            check(attributes(resource.resource.attributes)["service.name"] == "torvyn", "whose spans are these?")
            for scope in resource.scope_spans:
                check(scope.scope.name == "torvyn", f"scope {scope.scope}")
                spans += [Span(span) for span in scope.spans]
    for span in spans:
        check(len(span.id) == 16 and int(span.id, 16) and len(span.trace) == 32 and int(span.trace, 16),
              f"ids of {span.name}")
        check(0 < span.span.start_time_unix_nano <= span.span.end_time_unix_nano, f"times of {span.name}")
        check(span.span.kind == 1 and span.span.flags & 0x1ff == 0x101, f"kind or flags of {span.name}")
    check(len({span.id for span in spans}) == len(spans), "two spans have one id")
    return spans


def children(spans, parent):
    return [span for span in spans if span.trace == parent.trace and span.parent == parent.id]


def check_within(child, parent):
    check(parent.span.start_time_unix_nano <= child.span.start_time_unix_nano and
          child.span.end_time_unix_nano <= parent.span.end_time_unix_nano,
          f"{child.name} is not within {parent.name}")


def check_tree(spans, stages):
    """flow → nothing; element → calls → resources. Every span has its place."""
    flows = [span for span in spans if span.kind == "flow"]
    check([span.name for span in flows] == ["flow:main"] and not flows[0].parent, "not one span of the flow")
    seen = 1 + len([span for span in children(spans, flows[0]) if span.kind == "backpressure"])
    elements = [span for span in spans if span.kind == "element"]
    check(len({element.trace for element in elements}) == len(elements), "elements share a trace")
    for element in elements:
        links = [(link.trace_id.hex(), link.span_id.hex()) for link in element.span.links]
        check(links == [(flows[0].trace, flows[0].id)], f"{element.name} is not linked to the flow")
        check(element.attributes["torvyn.end"] == "done", f"{element.name}: {element.attributes}")
        calls = children(spans, element)
        check([call.name for call in sorted(calls, key=lambda call: call.span.start_time_unix_nano)] ==
              [f"component:{stage}:invoke:{element.rest}" for stage in stages], f"calls of {element.name}")
        seen += 1 + len(calls)
        for call in calls:
            check_within(call, element)
            resources = children(spans, call)
            check(all(span.name.startswith(("resource:copy:", "resource:transfer:")) for span in resources),
                  f"children of {call.name}")
            seen += len(resources)
    check(seen == len(spans), f"{len(spans) - seen} spans have no place in the tree")
    return elements


def traces_config(protocol, url):
    return {"tracing_exporter": "otlp-grpc" if protocol == "grpc" else "otlp-http", "tracing_endpoint": url,
            "sample_rate": "1.0", "otlp_encoding": "json" if protocol == "json" else "protobuf"}


def copies_of(reasons):
    return {reason: (value["count"], value["bytes"]) for reason, value in reasons.items() if value["count"] > 0}


def check_copies(spans, summary):
    """Trace and summary agree to the element and to the byte."""
    by_reason = {}
    for span in spans:
        if span.name.startswith("resource:copy:"):
            count, size = by_reason.get(span.attributes["torvyn.copy.reason"], (0, 0))
            by_reason[span.attributes["torvyn.copy.reason"]] = (count + span.attributes["torvyn.copy.count"],
                                                                size + span.attributes["torvyn.copy.bytes"])
    wanted = copies_of(summary["copies"]["by_reason"])
    check(by_reason == wanted, f"copies are {by_reason} in spans, {wanted} in the summary")


def run_spans(options, protocol):
    project = Project(options, "event-enrichment")
    server = make_collector(protocol)
    code, summary, output, log = project.run({"level": "diagnostic", **traces_config(protocol, server.url)})
    server.stop()
    check(code == 0 and output == project.expected and not log, f"exit code {code}: {output}{log}")
    spans = spans_of(server.received)
    elements = check_tree(spans, [stage["name"] for stage in summary["stages"]])
    check(len(elements) == summary["elements"] == summary["delivered"], f"{len(elements)} elements")
    check_copies(spans, summary)


# ---- conservation

# The examples, and how much of them: every element has some ten spans, and the exporter's queue is bounded.
EXAMPLES = {"hello-world": (), "package-log": ("--input", "sample.log"), "backpressure-demo": ("--limit", "200"), "event-enrichment": (),
            "token-streaming": (), "fan-out": ()}


def check_trace(name, trace, summary):
    """`torvyn trace` of another run: the same elements and copies, step by step."""
    by_reason = {}
    elements = [item for item in trace["trace"] if item["type"] == "element"]
    for element in elements:
        for step in element["steps"]:
            for reason, value in step.get("copies", {}).items():
                count, size = by_reason.get(reason, (0, 0))
                by_reason[reason] = (count + value["count"], size + value["bytes"])
    wanted = copies_of({"MetadataMarshal": summary["metadata_copies"], **summary["copies"]["by_reason"]})
    check(len(elements) == summary["elements"], f"{name}: {len(elements)} elements in the trace")
    check(by_reason == wanted, f"{name}: copies are {by_reason} in the trace, {wanted} in the summary")
    check((trace["trace_summary"]["copies"], trace["trace_summary"]["copied_bytes"]) ==
          (summary["copies"]["total"], summary["copies"]["bytes"]), f"{name}: {trace['trace_summary']}")


def run_conservation(options, protocol):
    for name, limits in EXAMPLES.items():
        project = Project(options, name)
        server = make_collector(protocol)
        config = {"level": "diagnostic", **metrics_config(protocol, server.url), **traces_config(protocol, server.url)}
        code, summary, _, log = project.run(config, *limits)
        server.stop()
        check(code == 0 and not log, f"{name}: exit code {code}: {log}")
        check_numbers(summary, last_metrics(server.received))
        spans = spans_of(server.received)
        elements = [span for span in spans if span.kind == "element"]
        check(len(elements) == summary["elements"] > 0, f"{name}: {len(elements)} elements in spans")
        check_copies(spans, summary)
        code, trace, _, _ = project.run({}, "--trace-format", "json", *limits, command="trace")
        check(code == 0, f"{name}: trace's exit code {code}")
        check_trace(name, trace, summary)


# ---- trace context

CONTEXTS = [
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=a:1,other=b"),
    ("00-11111111111111112222222222222222-3333333333333333-01", ""),
    ("00-44444444444444444444444444444444-5555555555555555-00", ""),  # not sampled
    ("", ""),
    ("00-00000000000000000000000000000000-5555555555555555-01", "lost=1"),  # none
]

TRACED = """[torvyn]
name = "traced"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.source]
component = "%(guests)s/traced-source.wasm"
interface = "torvyn:streaming/source"
config = %(config)s

[flow.main.nodes.sink]
component = "%(guests)s/traced-sink.wasm"
interface = "torvyn:streaming/sink"

[[flow.main.edges]]
from = { node = "source", port = "output" }
to = { node = "sink", port = "input" }
"""


def run_context(options, protocol):
    project = Project.__new__(Project)
    project.torvyn, project.folder = options.torvyn, os.path.join(options.work, "traced")
    os.makedirs(project.folder, exist_ok=True)
    lines = "\n".join(f"{parent}|{state}" if state else parent for parent, state in CONTEXTS)
    with open(os.path.join(project.folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
        file.write(TRACED % {"guests": options.guests, "config": json.dumps(lines)})
    server = make_collector(protocol)
    code, summary, output, log = project.run(traces_config(protocol, server.url))
    server.stop()
    check(code == 0 and summary["elements"] == len(CONTEXTS), f"exit code {code}: {output}{log}")
    elements = {int(span.rest): span for span in spans_of(server.received) if span.kind == "element"}
    check(sorted(elements) == [0, 1, 3, 4], f"elements {sorted(elements)} are sampled")
    for number, element in elements.items():
        parent, state = CONTEXTS[number]
        _, trace, span, _ = parent.split("-") if number < 2 else ("", "", "", "")
        check(element.parent == span and (not trace or element.trace == trace), f"parent of {element.name}")
        check(element.span.trace_state == (state if number < 2 else ""), f"state of {element.name}")
        check(bool(element.span.flags & 0x200) == bool(span), f"flags of {element.name}")
    # What the sink would send on names the element's span.
    for line, number in zip(output.splitlines(), range(len(CONTEXTS))):
        header = line.split()[-1]
        if number in elements:
            check(header == f"00-{elements[number].trace}-{elements[number].id}-01", f"'{line}' for element {number}")


# ---- collectors that are busy


def seen_elements(received):
    if not received.metrics:
        return 0
    return values(last_metrics(received)["flow.elements.total"])[()]


def busy_answers(protocol):
    if protocol == "grpc":
        import grpc
        return [(grpc.StatusCode.UNAVAILABLE, "not yet", ()), (grpc.StatusCode.ABORTED, "not yet", ())]
    return [(503, [("Retry-After", "1")]), (429, [])]


def retry_spans(project, protocol):
    """Each span comes once, though the first requests are refused."""
    server = make_collector(protocol, busy_answers(protocol))
    process = project.start(traces_config(protocol, server.url), "--input", "-")
    process.stdin.write("one\ntwo\n")
    process.stdin.flush()
    wait_for("the spans",
             lambda: len([span for span in spans_of(server.received) if span.kind == "element"]) == 2, WAIT_S)
    code, summary, _, log = project.finish(process)
    server.stop()
    check(code == 0 and summary["elements"] == 2, f"exit code {code}")
    check_tree(spans_of(server.received), ["source", "sink"])
    check(log.count("spans do not reach the collector") == 1 and "not exported" not in log, f"log: {log}")


def run_retry(options, protocol):
    """A collector that is busy at first gets it when it is asked again."""
    project = Project(options, "hello-world")
    retry_spans(project, protocol)
    server = make_collector(protocol, busy_answers(protocol), rejected=3)
    config = {**metrics_config(protocol, server.url), "otlp_metrics_interval_s": "1"}
    process = project.start(config, "--input", "-")
    process.stdin.write("one\ntwo\n")
    process.stdin.flush()
    # The flow lasts until the collector has got what the flow did.
    wait_for("the two elements", lambda: seen_elements(server.received) == 2, WAIT_S)
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


def check_metrics_lost(project, protocol, name, url):
    code, summary, output, log = project.run(metrics_config(protocol, url))
    check(code == 0 and summary["state"] == "Completed" and output == project.expected,
          f"{name}: exit code {code}: {output}{log}")
    check(log.count("metrics do not reach the collector") == 1, f"{name}: not one warning: {log}")


SPANS = 1 + 5 * (1 + 2)  # of hello-world: the flow, and for each element itself and its calls


def check_spans_lost(project, protocol, name, url):
    """The spans are lost and counted; the metrics go to a good collector and say so."""
    good = make_collector(protocol)
    config = {**metrics_config(protocol, good.url), **traces_config(protocol, url)}
    code, summary, output, log = project.run(config)
    good.stop()
    check(code == 0 and summary["state"] == "Completed" and output == project.expected,
          f"{name}: exit code {code}: {output}{log}")
    check(log.count("spans do not reach the collector") == 1, f"{name}: not one warning: {log}")
    check(f"{SPANS} of {SPANS} spans were not exported" in log, f"{name}: {log}")
    dropped = values(last_metrics(good.received)["system.spans_dropped"])[()]
    check(dropped == SPANS, f"{name}: {dropped} spans are counted as dropped")


def run_unknown_certificate(options, project, protocol, lose):
    import collector
    names = [os.path.join(options.work, name) for name in ("key.pem", "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", names[0], "-out", names[1], "-subj", "/CN=localhost", "-days", "1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    requests = []
    peer = collector.Peer(collector.behind_tls(names[1], names[0], requests))
    lose(project, protocol, "unknown certificate", peer.url.replace("http:", "https:"))
    check(peer.connections > 0 and not requests, "something was sent to a server that nobody vouches for")
    peer.stop()


def run_hostile(options, protocol):
    import collector
    project = Project(options, "hello-world")
    for lose in (check_metrics_lost, check_spans_lost):
        url, holder = refused_url()
        lose(project, protocol, "refused", url)
        holder.close()
        for name, serve in peers(protocol).items():
            peer = collector.Peer(serve)
            lose(project, protocol, name, peer.url)
            wait_for(f"{name}: a connection", lambda peer=peer: peer.connections > 0, WAIT_S)
            peer.stop()
        run_unknown_certificate(options, project, protocol, lose)
        good = make_collector(protocol)
        path = "/v1/metrics" if lose is check_metrics_lost else "/v1/traces"
        peer = collector.Peer(collector.redirect_to(good.url + path))
        lose(project, protocol, "redirect", peer.url)
        check(not good.received.headers, "a redirect was followed")
        peer.stop()
        good.stop()


def main():
    parser = argparse.ArgumentParser()
    for name in ("torvyn", "root", "guests", "packages", "work"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("what", nargs="+")
    options = parser.parse_args()
    sys.path[:0] = [options.packages, os.path.dirname(os.path.abspath(__file__))]
    os.makedirs(options.work, exist_ok=True)
    runs = {"metrics": run_metrics, "spans": run_spans, "context": run_context, "conservation": run_conservation,
             "retry": run_retry, "hostile": run_hostile}
    for what in options.what:
        kind, _, protocol = what.partition(":")
        check(kind in runs and protocol in PROTOCOLS, f"'{what}' is unknown")
        runs[kind](options, protocol)


if __name__ == "__main__":
    main()
