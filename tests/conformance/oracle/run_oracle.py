#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random interface types and values: the same component with the same calls in the oracle, another implementation of
the Canonical ABI, and in ours. What the oracle answers becomes the expectation of a script that wast-runner executes:
the same results, and traps of the same class.
"""

import argparse
import json
import pathlib
import random as random_module
import re
import struct
import subprocess
import sys

import interface_types
from guest import Guest

U8S = ("list", ("u8",))
U64S = ("list", ("u64",))


class Oracle:
    def __init__(self):
        import wasmtime  # from the directory that --oracle names
        from wasmtime import component
        from wasmtime.component import _types
        # Always Variant(case, payload): without a tag some values are ambiguous.
        _types.VariantLikeType._tagged = lambda self: True
        self.wasmtime, self.component = wasmtime, component
        self.engine = wasmtime.Engine()
        self.linker = component.Linker(self.engine)

    def load(self, path):
        return self.component.Component.from_file(self.engine, str(path))

    def call(self, loaded, function, param, argument, result):
        """("return", value) or ("trap", text)."""
        store = self.wasmtime.Store(self.engine)
        callee = self.linker.instantiate(store, loaded).get_func(store, function)
        try:
            value = callee(store, interface_types.to_oracle(param, argument, self.component.Variant))
        except (self.wasmtime.Trap, self.wasmtime.WasmtimeError) as error:
            return "trap", trap_text(str(error))
        return "return", interface_types.from_oracle(result, value)


def trap_text(text):
    """The cause alone, without the frames: their function names are no part of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if not re.match(r"^(\d+: +0x|error while executing|wasm backtrace|Caused by)", line)]
    return re.sub(r"^\d+: ", "", causes[-1]) if causes else text


def random_bytes(random, size):
    """Bytes that are values now and then: small numbers, addresses of the guest's data, noise."""
    words = []
    for _ in range(size // 4 + 1):
        words.append(random.choice([
            0, 1, random.randrange(4), 4096 + random.randrange(1200), random.randrange(64), 0x100, 0x10000, 262144 - 4,
            0x80000000, 0x80000005, random.getrandbits(32), 0xFFFFFFFF]))
    return struct.pack(f"<{len(words)}I", *words)[:size]


def random_calls(random, guest):
    """[(function, parameter type, argument, result type)]"""
    lists = ("list", guest.type)
    value = lambda kind: interface_types.random_value(random, kind)
    raw = lambda count: [interface_types.constant(("u8",), str(byte)) for byte in random_bytes(random, count)]
    calls = [("echo", lists, value(lists), lists) for _ in range(2)]
    calls += [("image", lists, value(lists), U8S), ("flat", guest.type, value(guest.type), U64S)]
    calls += [("lift", U8S, raw(guest.size * random.randrange(4)), lists) for _ in range(4)]
    calls.append(("lift-odd", U8S, raw(guest.size * random.randrange(3)), lists))
    calls += [("relay", U8S, raw(guest.size * random.randrange(4)), lists) for _ in range(4)]
    for _ in range(4):
        words = struct.unpack(f"<{len(guest.flat)}Q", random_bytes(random, 8 * len(guest.flat)))
        if random.random() < 0.5:
            words = [word & 0xFFFFFFFF for word in words]
        calls.append(("pass", U64S, [interface_types.constant(("u64",), str(word)) for word in words], U64S))
    return calls


def command(line, call, outcome):
    function, param, argument, result = call
    action = {"type": "invoke", "field": function, "args": [interface_types.constant(param, argument)]}
    if outcome[0] == "trap":
        return {"type": "assert_trap", "line": line, "action": action, "text": outcome[1]}
    return {"type": "assert_return", "line": line, "action": action,
            "expected": [interface_types.constant(result, outcome[1])]}


def make_script(options, oracle, seed, counts):
    random = random_module.Random(seed)
    guest = Guest(random)
    text = options.work / f"{seed}.wat"
    binary = options.work / f"{seed}.wasm"
    text.write_text(guest.wat(), encoding="utf-8")
    subprocess.run([options.wasm_tools, "parse", text, "-o", binary], check=True)
    loaded = oracle.load(binary)
    commands = [{"type": "module_definition", "line": 1, "name": "G", "filename": binary.name, "module_type": "binary"}]
    for line, call in enumerate(random_calls(random, guest), 2):
        outcome = oracle.call(loaded, *call)
        counts[outcome[0]] += 1
        commands.append({"type": "module_instance", "line": line, "module": "G"})
        commands.append(command(line, call, outcome))
    script = options.work / f"{seed}.json"
    script.write_text(json.dumps({"source_filename": text.name, "commands": commands}), encoding="utf-8")
    return script


FAILURE = re.compile(r"^(\S+:\d+: assert_trap: failed): trapped: (.*); expected the trap: (.*)$")


def other_reason(got, wanted):
    """One call can have two reasons to trap. The Canonical ABI looks at the alignment of lists before their bounds, at
    the length of strings before their alignment, and at all of an argument before it allocates in the callee; the
    oracle does not, and between components it finds a bad pointer by using it."""
    unaligned = ["aligned" in text for text in (got, wanted)]
    outside = ["out of bounds" in text or "out-of-bounds" in text for text in (got, wanted)]
    return all(a or b for a, b in zip(unaligned, outside)) or "unreachable" in wanted


def compare(options, scripts):
    """Prints where the two disagree; true when nowhere."""
    done = subprocess.run([options.runner, *scripts], capture_output=True, text=True, errors="replace", check=False)
    ordered = wrong = 0
    for line in done.stdout.splitlines()[:-1]:
        match = FAILURE.match(line)
        if match and other_reason(match[2], match[3]):
            ordered += 1
        else:
            wrong += 1
            print(line[:1000])
    tally = done.stdout.splitlines()[-1] if done.stdout else "nothing"
    print(f"wast-runner: {tally}; of the failures {ordered} are traps for the other of two reasons, {wrong} disagree")
    sys.stderr.write(done.stderr)
    return wrong == 0 and done.returncode in (0, 1) and re.match(r"\d+ passed", tally)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasm-tools", required=True)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--oracle", required=True, help="directory with the oracle's Python package")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--types", type=int, default=100)
    options = parser.parse_args()
    sys.path.insert(0, options.oracle)
    options.work.mkdir(parents=True, exist_ok=True)
    oracle = Oracle()
    counts = {"return": 0, "trap": 0}
    scripts = [make_script(options, oracle, seed, counts) for seed in range(options.seed, options.seed + options.types)]
    print(f"{len(scripts)} types, {counts['return']} calls that return, {counts['trap']} that trap", flush=True)
    return 0 if compare(options, scripts) else 1


if __name__ == "__main__":
    sys.exit(main())
