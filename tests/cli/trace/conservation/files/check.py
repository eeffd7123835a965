import json
run = json.load(open("run.json"))
trace = json.load(open("trace.json"))
elements = trace["trace"]
steps = [step for element in elements for step in element["steps"]]
assert [element["sequence"] for element in elements] == list(range(run["elements"]))
assert sum(step["operation"] == "push" for step in steps) == run["delivered"]
assert sum(step["result"] == "drop" for step in steps) == run["dropped"]
for reason, total in {**run["copies"]["by_reason"], "MetadataMarshal": run["metadata_copies"]}.items():
    for what in ("count", "bytes"):
        assert sum(step["copies"].get(reason, {what: 0})[what] for step in steps) == total[what], (reason, what)
assert trace["trace_summary"]["copies"] == run["copies"]["total"]
assert trace["trace_summary"]["copied_bytes"] == run["copies"]["bytes"]
for stage in run["stages"]:
    calls = sum(step["component"] == stage["name"] for step in steps)
    assert calls <= stage["invocations"] <= calls + 3, stage
print(f"{len(elements)} elements, {run['delivered']} delivered, {run['dropped']} dropped, {run['copies']['total']} copies")
