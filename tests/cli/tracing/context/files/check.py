"""What the sink saw of each element: trace id, span id, and the header that it would send on."""
import sys

INCOMING = "4bf92f3577b34da6a3ce929d0e0e4736"
seen = set()
for line in sys.stdin:
    *came, trace_id, span_id, header = line.rstrip("\n").split(" ")
    came = came[0] if came else ""
    version, of_trace, of_span, flags = header.split("-")
    assert (version, of_trace, of_span) == ("00", trace_id, span_id), line
    assert len(trace_id) == 32 and len(span_id) == 16 and int(trace_id, 16) and int(span_id, 16), line
    assert span_id not in seen and span_id != "00f067aa0ba902b7", line
    seen.add(span_id)
    print(came or "none", "continued" if trace_id == INCOMING else "new", flags)
