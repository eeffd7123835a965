"""Reads lines of OTLP's JSON and checks what holds of the spans of every run; prints the tree, or with --counts how many
spans of each kind there are. With --run FILE also: all elements of that run (its JSON) were traced, and nothing else."""
import argparse
import collections
import json

RELATED = {"component": "element", "resource": "component", "backpressure": "flow"}


def read(path):
    for line in open(path, encoding="utf-8"):
        for resource in json.loads(line)["resourceSpans"]:
            names = [value["key"] for value in resource["resource"]["attributes"]]
            assert "service.name" in names and "service.version" in names, names
            for scope in resource["scopeSpans"]:
                assert scope["scope"]["name"] == "torvyn"
                yield from scope["spans"]


def kind(span):
    return span["name"].split(":")[0]


def attributes(of):
    return {one["key"]: one["value"].get("stringValue", one["value"].get("intValue")) for one in of["attributes"]}


def is_id(text, length):
    return len(text) == length and text == text.lower() and int(text, 16) != 0


def check_tree(spans):
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans), "span ids are unique"
    flows = [span for span in spans if kind(span) == "flow"]
    assert len(flows) == 1, flows
    for span in spans:
        assert is_id(span["traceId"], 32) and is_id(span["spanId"], 16), span
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span
        assert span["flags"] & 1, span
        parent = by_id.get(span.get("parentSpanId"))
        if kind(span) in RELATED:
            assert parent, span
            assert kind(parent) == RELATED[kind(span)] or (kind(span), kind(parent)) == ("component", "flow"), span
            assert parent["traceId"] == span["traceId"], span
            assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]), (parent, span)
            assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"]), (parent, span)
        else:
            assert parent is None, span
        if kind(span) == "element":
            assert [(link["traceId"], link["spanId"]) for link in span["links"]] == [
                (flows[0]["traceId"], flows[0]["spanId"])], span
            assert bool(span.get("parentSpanId")) == bool(span["flags"] & 0x200), span
    return by_id


def check_run(spans, run):
    """To the element and to the byte."""
    elements = [span for span in spans if kind(span) == "element"]
    assert sorted(int(span["name"].split(":")[1]) for span in elements) == list(range(run["elements"]))
    calls = collections.Counter(span["name"].split(":")[1] for span in spans if kind(span) == "component")
    for stage in run["stages"]:
        handled = run["elements"] if stage["role"] == "source" else stage["invocations"]
        assert handled - 3 <= calls[stage["name"]] <= handled, (stage, calls)
    pushes = sum(attributes(span).get("torvyn.operation") == "push" for span in spans)
    assert pushes == run["delivered"], (pushes, run["delivered"])
    copies = [attributes(span) for span in spans if span["name"].startswith("resource:copy:")]
    if copies:
        for reason, total in run["copies"]["by_reason"].items():
            mine = [one for one in copies if one["torvyn.copy.reason"] == reason]
            if reason != "MetadataMarshal":
                assert sum(int(one["torvyn.copy.count"]) for one in mine) == total["count"], (reason, mine, total)
                assert sum(int(one["torvyn.copy.bytes"]) for one in mine) == total["bytes"], (reason, mine, total)


def print_tree(spans, by_id):
    children = collections.defaultdict(list)
    for span in spans:
        parent = span.get("parentSpanId")
        children[parent if parent in by_id else None].append(span)

    def walk(parent, indent):
        for span in sorted(children[parent], key=lambda one: (kind(one) == "flow", int(one["startTimeUnixNano"]))):
            told = attributes(span)
            words = [told[key] for key in ("torvyn.operation", "torvyn.result", "torvyn.end", "torvyn.promoted")
                     if key in told]
            if span["flags"] & 0x200:
                words.append("from " + span["parentSpanId"] + " in " + span["traceId"])
            if span.get("traceState"):
                words.append("state " + span["traceState"])
            if span.get("status", {}).get("code") == 2:
                words.append("error " + span["status"].get("message", ""))
            print("  " * indent + span["name"], *words)
            walk(span["spanId"], indent + 1)

    walk(None, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spans")
    parser.add_argument("--run")
    parser.add_argument("--counts", action="store_true")
    args = parser.parse_args()
    spans = list(read(args.spans))
    by_id = check_tree(spans)
    if args.run:
        check_run(spans, json.load(open(args.run, encoding="utf-8")))
    if args.counts:
        for name, count in sorted(collections.Counter(map(kind, spans)).items()):
            print(name, count)
    else:
        print_tree(spans, by_id)


main()
