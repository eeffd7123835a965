"""A trace that has no room in one JSON object: the object is whole, and says how much was left out."""
import json
import subprocess

ELEMENTS, SINKS = 1400, 120
with open("Torvyn.toml", "w", encoding="utf-8") as file:
    file.write('[torvyn]\nname = "case"\nversion = "0.1.0"\ncontract_version = "0.1.0"\n')
    file.write('[flow.main.nodes.source]\ncomponent = "builtin:generator"\n')
    for i in range(SINKS):
        file.write(f'[flow.main.nodes.sink-{i}]\ncomponent = "builtin:stdout"\n')
        file.write('[[flow.main.edges]]\nfrom = { node = "source", port = "output" }\n')
        file.write(f'to = {{ node = "sink-{i}", port = "input" }}\n')
run = subprocess.run(["torvyn", "trace", "--format", "json", "--limit", str(ELEMENTS)], stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL, check=False, timeout=100)
value = json.loads(run.stdout)
assert run.returncode == 0 and value["exit_code"] == 0 and value["errors"] == [], value["errors"]
assert 0 < value["trace_left_out"] < ELEMENTS and len(run.stdout) < 64 << 20, len(run.stdout)
assert value["trace_left_out"] + len(value["trace"]) == value["trace_summary"]["elements"] == ELEMENTS
print("whole")
