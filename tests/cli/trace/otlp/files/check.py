import json
resource = json.load(open("spans.json"))["resourceSpans"][0]
spans = resource["scopeSpans"][0]["spans"]
flow = spans[-1]
ids = {span["spanId"] for span in spans}
assert len(ids) == len(spans) and all(len(i) == 16 and i != "0" * 16 for i in ids)
assert all(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) for span in spans)


def show(parent, trace, depth):
    for span in spans:
        if span.get("parentSpanId") == parent and span["traceId"] == trace:
            print("  " * depth + span["name"])
            show(span["spanId"], trace, depth + 1)


print(flow["name"])
for span in spans:
    if "links" in span:
        assert span["links"][0] == {"traceId": flow["traceId"], "spanId": flow["spanId"]}
        print(span["name"])
        show(span["spanId"], span["traceId"], 1)
