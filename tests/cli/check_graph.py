#!/usr/bin/env python3
"""check_graph.py TORVYN GUESTS: drawings of a flow whose components have hostile names are well-formed in every form,
and have every node and edge."""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as etree

NAME = "a\"b<c>&'\\d#;[x]|y\x1b[2J é\n$&quot;.wasm"
MANIFEST = """[torvyn]
name = "hostile"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.work]
component = '''./NAME'''
interface = "torvyn:streaming/processor"

[flow.main.nodes.more]
component = "@relay@"
interface = "torvyn:streaming/processor"

[[flow.main.edges]]
from = { node = "work", port = "output" }
to = { node = "more", port = "input" }
"""


def check(condition, text):
    if not condition:
        sys.exit(text)


def draw(torvyn, folder, form):
    result = subprocess.run([torvyn, "graph", "--graph-format", form], cwd=folder, stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=60)
    check(result.returncode == 0, f"{form}: exit {result.returncode}: {result.stderr.decode()}")
    text = result.stdout.decode()
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), f"{form}: a control character: {text!r}")
    return text


def check_svg(text):
    root = etree.fromstring(text)
    tag = "{http://www.w3.org/2000/svg}"
    check(root.tag == tag + "svg", f"svg: {root.tag}")
    tags = {element.tag.removeprefix(tag) for element in root.iter()}
    check(tags <= {"svg", "title", "defs", "marker", "path", "rect", "g", "text", "tspan"}, f"svg: {tags}")
    check(len(root.findall(tag + "g")) == 4 and len(root.findall(tag + "path")) == 3, "svg: nodes, edges")
    for element in root.iter():
        for key, value in element.attrib.items():
            check("href" not in key and ("url(" not in value or value == "url(#arrow)"), f"svg: {key}={value}")


TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[{}\[\];=,])', re.S)


def check_dot(text):
    """The part of Graphviz' language that is used."""
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        check(match, f"dot: no token at {text[at:at + 40]!r}")
        tokens.append(match.group(1))
        at = match.end()
    check(tokens[0] == "digraph" and tokens[1][0] == '"' and tokens[2] == "{" and tokens[-1] == "}", "dot: frame")
    statements = " ".join(tokens[3:-1]).split(" ;")
    nodes = [s for s in statements if re.match(r' ?n\d+ \[ label = "', s)]
    edges = [s for s in statements if re.match(r" ?n\d+ -> n\d+ \[ label", s)]
    check(len(nodes) == 4 and len(edges) == 3, f"dot: {nodes} {edges}")


def check_mermaid(text):
    lines = text.splitlines()
    check(lines[0] == "flowchart LR" and len(lines) == 8, f"mermaid: {text}")
    for line in lines[1:]:
        node = re.fullmatch(r'  n\d+\["[^"<>]*<br/>[a-z]+<br/>[^"<>\[\]|]*"\]', line)
        edge = re.fullmatch(r'  n\d+ -->\|"[^"<>|]*<br/>\d+, [a-z-]+"\| n\d+', line)
        check(node or edge, f"mermaid: {line}")


def main():
    torvyn, guests = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="torvyn-graph-") as folder:
        relay = os.path.join(guests, "relay.wasm")
        with open(relay, "rb") as file, open(os.path.join(folder, NAME), "wb") as copy:
            copy.write(file.read())
        name = NAME.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "\\u001b").replace("\n", "\\n")
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST.replace("'''./NAME'''", f'"./{name}"').replace("@relay@", relay))
        draw(torvyn, folder, "text")
        check_svg(draw(torvyn, folder, "svg"))
        check_dot(draw(torvyn, folder, "dot"))
        check_mermaid(draw(torvyn, folder, "mermaid"))


main()
