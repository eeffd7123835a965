#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random types: size, alignment, discriminants, offsets and flattened forms as the text of the Canonical ABI defines
them, written down here once more, against what contracts/type.h computes.
"""
import argparse
import random as random_module
import subprocess
import sys

FLAT_MAX = 16
SIZES = {"bool": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "s32": 4, "u32": 4, "s64": 8, "u64": 8, "f32": 4, "f64": 8,
         "char": 4, "own": 4, "borrow": 4}
CORES = {"s64": ["i64"], "u64": ["i64"], "f32": ["f32"], "f64": ["f64"], "string": ["i32", "i32"],
         "list": ["i32", "i32"]}
SIZE_MAX = 2**31
FIXED_BYTES_MAX = 1 << 16


class Type:
    """kind, text in prefix form, and the figures of the ABI."""

    def __init__(self, kind, parts=(), count=0):
        self.kind, self.parts, self.count = kind, list(parts), count
        self.discriminant = self.payload = self.offsets = None
        getattr(self, f"init_{kind}", self.init_simple)()

    def init_simple(self):
        self.size = self.alignment = SIZES[self.kind]
        self.flat = CORES.get(self.kind, ["i32"])
        self.text = self.kind

    def init_string(self):
        self.size, self.alignment, self.flat = 8, 4, CORES[self.kind]
        self.text = self.kind + "".join(f" {part.text}" for part in self.parts)

    init_list = init_string

    def init_fixed(self):
        element = self.parts[0]
        self.size, self.alignment = self.count * element.size, element.alignment
        self.flat = element.flat * min(self.count, FLAT_MAX + 1)
        self.text = f"fixed {self.count} {element.text}"

    def init_record(self):
        place, self.alignment, self.offsets, self.flat = 0, 1, [], []
        for part in self.parts:
            place += -place % part.alignment
            self.offsets.append(place)
            place += part.size
            self.alignment = max(self.alignment, part.alignment)
            self.flat = self.flat + part.flat
        self.size = place + -place % self.alignment
        self.text = f"{self.kind} {len(self.parts)} " + " ".join(part.text for part in self.parts)

    init_tuple = init_record

    def init_flags(self):
        self.size = self.alignment = next(size for size in (1, 2, 4) if self.count <= 8 * size)
        self.flat = ["i32"]
        self.text = f"flags {self.count}"

    def init_cases(self, cases):
        self.discriminant = next(size for size in (1, 2, 4) if len(cases) <= 256**size)
        some = [case for case in cases if case]
        widest = max([case.alignment for case in some], default=1)
        self.alignment = max(self.discriminant, widest)
        self.payload = self.discriminant + -self.discriminant % widest
        end = self.payload + max([case.size for case in some], default=0)
        self.size = end + -end % self.alignment
        joined = []
        for case in some:
            joined = [join(a, b) for a, b in zip(joined, case.flat)] + joined[len(case.flat):] + case.flat[len(joined):]
        self.flat = ["i32"] + joined

    def init_variant(self):
        self.init_cases(self.parts)
        self.text = f"variant {len(self.parts)} " + " ".join(part.text if part else "_" for part in self.parts)

    def init_enum(self):
        self.init_cases([None] * self.count)
        self.payload = None
        self.text = f"enum {self.count}"

    def init_option(self):
        self.init_cases([None, *self.parts])
        self.text = f"option {self.parts[0].text}"

    def init_result(self):
        self.init_cases(self.parts)
        self.text = "result " + " ".join(part.text if part else "_" for part in self.parts)

    def line(self):
        flat = "many" if len(self.flat) > FLAT_MAX else ",".join(self.flat) or "-"
        offsets = ",".join(map(str, self.offsets)) if self.offsets is not None else "-"
        show = lambda figure: "-" if figure is None else figure
        return f"{self.size} {self.alignment} {flat} {show(self.discriminant)} {show(self.payload)} {offsets}"


def join(a, b):
    """The narrowest core type that holds both."""
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"


def random_type(random, depth):
    if depth == 0 or random.random() < 0.3:
        return Type(random.choice([*SIZES, "string"]))
    inner = lambda: random_type(random, depth - 1)
    maybe = lambda: inner() if random.random() < 0.7 else None
    kind = random.choice(["list", "fixed", "record", "tuple", "variant", "enum", "option", "result", "flags"])
    if kind in ("list", "option"):
        return Type(kind, [inner()])
    if kind == "fixed":
        element = inner()
        return Type(kind, [element], random.choice([1, 2, 3, 17, max(1, FIXED_BYTES_MAX // max(element.size, 1))]))
    if kind == "result":
        return Type(kind, [maybe(), maybe()])
    if kind in ("record", "tuple"):
        return Type(kind, [inner() for _ in range(random.choice([1, 2, 3, 5, 9]))])
    if kind == "variant":
        few = random.random() < 0.95
        return Type(kind, [maybe() for _ in range(random.choice([1, 2, 3, 6]))] if few else
                    [inner()] + [None] * random.choice([254, 255, 256, 257]))
    if kind == "enum":
        return Type(kind, count=random.choice([1, 2, 3, 255, 256, 257] * 20 + [65535, 65536, 65537]))
    return Type(kind, count=random.choice([1, 7, 8, 9, 15, 16, 17, 31, 32]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="type_layout")
    parser.add_argument("--types", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random = random_module.Random(args.seed)
    types = []
    while len(types) < args.types:
        made = random_type(random, random.randrange(6))
        if made.size <= SIZE_MAX and len(made.text) < 1 << 19:
            types.append(made)
    text = "".join(f"{made.text}\n" for made in types)
    lines = subprocess.run([args.program], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [(made, line) for made, line in zip(types, lines, strict=True) if made.line() != line]
    for made, line in wrong[:10]:
        print(f"{made.text[:300]}\n  here    {made.line()}\n  program {line}")
    print(f"{len(types)} types, {len(wrong)} differ (seed {args.seed})")
    sys.exit(1 if wrong else 0)


main()
