"""As many spans of back-pressure as the run counted events; one may still go on when a flow ends."""
import json
events = sum(stream["backpressure_events"] for stream in json.load(open("run.json"))["streams"])
spans = sum(int(line.split()[1]) for line in open("counts.txt") if line.startswith("backpressure"))
assert events > 0 and events - 2 <= spans <= events, (events, spans)
