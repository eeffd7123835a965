#!/usr/bin/env python3
"""Checks every C file of the tree against the module table in tools/layers.txt.

Fails on: an include that the table does not allow, an external library's header outside its module, an
_internal.h used from outside its module (unit tests of that module excepted), a header cycle, a header that does
not compile alone, an include that is not written "module/file.h", printing or exiting in library code, and raw
allocation or unbounded string functions outside base. Prints path:line: message.
"""
import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# External headers -> the name of the library in layers.txt. Headers not named here are the C library's.
EXTERNAL = [
    (re.compile(r"^(wasm|wasi|wasmtime)\.h$|^wasmtime/"), "wasmtime"),
    (re.compile(r"^jansson(_config)?\.h$"), "jansson"),
    (re.compile(r"^openssl/"), "crypto"),
    (re.compile(r"^archive(_entry)?\.h$"), "archive"),
    (re.compile(r"^(zlib|zconf)\.h$"), "zlib"),
    (re.compile(r"^(zstd|zdict)(_errors)?\.h$"), "zstd"),
    (re.compile(r"^curl/"), "curl"),
]
# Folders that alone may include a library's headers, where the module row is not narrow enough.
EXTERNAL_FOLDER = {"wasmtime": "src/component/wasmtime/"}

# Calls that only some modules may make: (pattern, what to say, is this file exempt?)
PRINTING = re.compile(
    r"(?<![\w.>])(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|perror|psignal|"
    r"exit|_exit|_Exit|quick_exit|abort|err|errx|warn|warnx)\s*\("
)
RAW = re.compile(
    r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|strcpy|strcat|"
    r"stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|alloca|localtime|gmtime|ctime|asctime)\s*\("
)
PRINTING_EXEMPT = re.compile(r"^src/base/(assert|log)\.[ch]$|^src/(cli|programs)/|^bench/|^tools/")
RAW_EXEMPT = re.compile(r"^src/base/|^bench/|^tools/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')


class Tree:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.order, self.allowed, self.externals = read_layers(os.path.join(root, "tools/layers.txt"))

    def problem(self, path, line, text):
        self.problems.append((path, line, text))

    def files(self):
        found = []
        for top in ("src", "bench", "tests/unit", "tests/support", "tests/fuzz"):
            for folder, folders, names in os.walk(os.path.join(self.root, top)):
                # Guests, and the templates of new ones, are compiled for another machine; target is Cargo's.
                skipped = ("target", "guests", "templates")
                folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in skipped)
                for name in sorted(names):
                    if name.endswith((".c", ".h", ".def")):
                        found.append(os.path.relpath(os.path.join(folder, name), self.root))
        return found

    def module_of(self, path):
        """(module or None, is it product code?)"""
        parts = path.split(os.sep)
        if parts[0] == "src" and len(parts) > 2:
            return parts[1], True
        if parts[0] == "bench":
            return "bench", True
        if parts[:2] == ["tests", "unit"] and len(parts) > 3:
            return parts[2], False
        return None, False


def read_layers(path):
    order, allowed, externals = [], {}, {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            match = re.fullmatch(r"([a-z]+):([^|]*)(?:\|(.*))?", line)
            if not match:
                sys.exit(f"{path}:{number}: not a row of the module table: {line}")
            module, row, libraries = match[1], match[2].split(), (match[3] or "").split()
            if row and row[0] in ("all", "all-but"):
                names = [m for m in order if m not in row[1:]]
            else:
                names = row
            for name in names:
                if name not in order:
                    sys.exit(f"{path}:{number}: '{module}' may include '{name}', which is not a row above it")
            order.append(module)
            allowed[module] = set(names) | {module, "base"}
            externals[module] = set(libraries)
    return order, allowed, externals


def strip_comments_and_strings(text):
    """Blanks comments and literals, keeping the line structure."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        kept = re.sub(r"[^\n]", " ", match[0])
        return kept if match[0][0] == "/" else '"' + kept[2:] + '"' if len(kept) > 1 else kept

    return pattern.sub(blank, text)


def check_include(tree, path, line, kind, target):
    module, product = tree.module_of(path)
    first = target.split("/", 1)[0]
    if kind == "<":
        for pattern, library in EXTERNAL:
            if pattern.search(target):
                check_external(tree, path, line, module, product, target, library)
        return
    if "/" not in target:
        # Tests may use their support headers by bare name; product code always names the module.
        if product or not os.path.exists(os.path.join(tree.root, "tests/support", target)):
            tree.problem(path, line, f'include "{target}" must be written as "module/file.h"')
        return
    if first == "torvyn":
        if product and module not in ("host", "cli", "programs", "bench"):
            tree.problem(path, line, f"'{module}' may not include the public API ({target})")
        return
    if first not in tree.order:
        tree.problem(path, line, f"'{first}' is not a module of tools/layers.txt")
        return
    if target.endswith("_internal.h") and first != module:
        tree.problem(path, line, f"{target} is private to '{first}'")
    if product and first not in tree.allowed.get(module, set()):
        tree.problem(path, line, f"'{module}' may not include '{first}' ({target}), see tools/layers.txt")


def check_external(tree, path, line, module, product, target, library):
    if not product:
        return
    if library not in tree.externals.get(module, set()):
        tree.problem(path, line, f"'{module}' may not include <{target}>, see tools/layers.txt")
    elif library in EXTERNAL_FOLDER and not path.startswith(EXTERNAL_FOLDER[library]):
        tree.problem(path, line, f"<{target}> may be included in {EXTERNAL_FOLDER[library]} only")


def check_file(tree, path, graph):
    with open(os.path.join(tree.root, path), encoding="utf-8", errors="replace") as file:
        text = file.read()
    module, product = tree.module_of(path)
    if product and module not in tree.order:
        tree.problem(path, 1, f"'{module}' has no row in tools/layers.txt")
    graph[path] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            check_include(tree, path, number, match[1], match[2])
            included = os.path.join("src", match[2])
            if match[1] == '"' and os.path.exists(os.path.join(tree.root, included)):
                graph[path].append((included, number))
    if not product:
        return
    for number, line in enumerate(strip_comments_and_strings(text).split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        for pattern, exempt, why in (
            (PRINTING, PRINTING_EXEMPT, "library code neither prints nor exits"),
            (RAW, RAW_EXEMPT, "use what base offers instead"),
        ):
            if exempt.search(path):
                continue
            for match in pattern.finditer(line):
                tree.problem(path, number, f"{match[1]}() is not allowed here: {why}")


def check_cycles(tree, graph):
    """Depth-first over headers; a grey node met again closes a cycle."""
    state, trail = {}, []

    def visit(path):
        state[path] = "open"
        trail.append(path)
        for target, line in graph.get(path, []):
            if state.get(target) == "open":
                cycle = trail[trail.index(target):] + [target]
                tree.problem(path, line, "header cycle: " + " -> ".join(cycle))
            elif target not in state:
                visit(target)
        trail.pop()
        state[path] = "done"

    for path in sorted(graph):
        if path.endswith(".h") and path not in state:
            visit(path)


def check_headers_compile(tree, headers, compiler, flags):
    """Each header alone, as the only include of an empty file."""

    def compile_one(path):
        name = os.path.relpath(path, "src") if path.startswith("src") else path
        include = [f"-I{tree.root}/src", f"-I{tree.root}/include", f"-I{tree.root}/tests/support", f"-I{tree.root}"]
        result = subprocess.run(
            [compiler, "-fsyntax-only", *flags, *include, "-x", "c", "-"],
            input=f'#include "{name}"\ntypedef int tvn_not_empty;\n', capture_output=True, text=True, check=False,
        )
        return path, result.returncode, result.stderr

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for path, status, text in pool.map(compile_one, headers):
            if status == 0:
                continue
            first = next((line for line in text.split("\n") if "error:" in line), text.strip()[:200])
            tree.problem(path, 1, f"does not compile alone: {first.strip()}")


def default_flags(root):
    """For a call by hand: the engine's headers are where the last bootstrap put them."""
    flags = "-std=gnu17 -Wall -Wextra -D_GNU_SOURCE="
    try:
        with open(os.path.join(root, "build/deps.env"), encoding="utf-8") as file:
            for line in file:
                if line.startswith("WASMTIME_DIR="):
                    flags += f" -isystem {line.strip().split('=', 1)[1]}/include"
    except OSError:
        pass
    return flags


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cflags")
    parser.add_argument("--no-compile", action="store_true", help="leave out compiling each header alone")
    arguments = parser.parse_args()

    tree = Tree(os.path.abspath(arguments.root))
    files, graph = tree.files(), {}
    for path in files:
        check_file(tree, path, graph)
    check_cycles(tree, graph)
    if not arguments.no_compile:
        flags = arguments.cflags or default_flags(tree.root)
        headers = [path for path in files if path.endswith(".h")]
        check_headers_compile(tree, headers, arguments.cc, flags.split())
    for path, line, text in sorted(tree.problems):
        print(f"{path}:{line}: {text}")
    print(f"{len(files)} files checked, {len(tree.problems)} problems")
    return 1 if tree.problems else 0


if __name__ == "__main__":
    sys.exit(main())
