#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our WIT front end (wit-dump) with the suite of wit-parser: every valid case resolves to equal JSON, every
faulty one is refused at the same line, and what is printed parses back to the same.

Ids are normalised: a type with a name stands for its path, one without for its structure, a package for its name.
A package in binary form is turned into text first (wasm-tools component wit): that is not the text front end's.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

LINE_MINIMUM = 0.98  # of the faulty cases whose place the suite names


class Model:
    """One resolved set, with ids replaced."""

    def __init__(self, text):
        self.json = json.loads(text, object_pairs_hook=collections.OrderedDict)
        self.interface_paths = {}
        self.world_paths = {}
        for package in self.json["packages"]:
            for name, number in package["interfaces"].items():
                self.interface_paths[number] = f"{package['name']}/{name}"
            for name, number in package["worlds"].items():
                self.world_paths[number] = f"{package['name']}/{name}"
        for number, world in enumerate(self.json["worlds"]):
            for side in ("imports", "exports"):
                for key, item in world[side].items():
                    inner = item.get("interface")
                    if inner and self.json["interfaces"][inner["id"]]["name"] is None:
                        self.interface_paths[inner["id"]] = f"{self.world_paths[number]}/{side}/{key}"

    def type_path(self, number):
        kind = self.json["types"][number]
        (what, owner), = kind["owner"].items()
        paths = self.interface_paths if what == "interface" else self.world_paths
        return f"{paths[owner]}.{kind['name']}"

    def reference(self, what):
        if not isinstance(what, int):
            return what
        if self.json["types"][what]["name"] is not None:
            return self.type_path(what)
        return self.kind(self.json["types"][what]["kind"])

    def kind(self, kind):
        if isinstance(kind, str):
            return kind
        (word, of), = kind.items()
        if word == "handle":
            return {word: {owned: self.type_path(number) for owned, number in of.items()}}
        if word in ("list", "option", "stream", "future", "type"):
            return {word: self.reference(of)}
        if word == "map":
            return {word: [self.reference(part) for part in of]}
        if word == "fixed-length-list":
            return {word: [self.reference(of[0]), of[1]]}
        if word == "tuple":
            return {word: [self.reference(part) for part in of["types"]]}
        if word == "result":
            return {word: {side: self.reference(part) for side, part in of.items()}}
        fields = [{**field, **({"type": self.reference(field["type"])} if "type" in field else {})}
                  for field in next(iter(of.values()))]
        return {word: fields}

    def type(self, number):
        kind = dict(self.json["types"][number])
        return {**kind, "kind": self.kind(kind["kind"]), "owner": self.type_path(number)}

    def function(self, function):
        kind = function["kind"]
        if not isinstance(kind, str):
            kind = {word: self.type_path(number) for word, number in kind.items()}
        changed = {**function, "kind": kind,
                   "params": [{**param, "type": self.reference(param["type"])} for param in function["params"]]}
        if "result" in function:
            changed["result"] = self.reference(function["result"])
        return changed

    def package_name(self, number):
        return self.json["packages"][number]["name"]

    def interface(self, number):
        interface = dict(self.json["interfaces"][number])
        return {**interface, "package": self.package_name(interface["package"]),
                "types": {name: self.type(kind) for name, kind in interface["types"].items()},
                "functions": [[name, self.function(function)] for name, function in interface["functions"].items()]}

    def world_items(self, items):
        for key, item in items.items():
            (word, of), = item.items()
            if word == "interface":
                number = of["id"]
                if key == f"interface-{number}":
                    key = f"interface {self.interface_paths[number]}"
                inline = self.json["interfaces"][number]["name"] is None
                yield [key, {**of, "id": self.interface(number) if inline else self.interface_paths[number]}]
            else:
                yield [key, self.function(of) if word == "function" else self.type(of)]

    def normalised(self):
        worlds = {self.world_paths[number]: {
            **world, "package": self.package_name(world["package"]),
            "imports": list(self.world_items(world["imports"])),
            "exports": list(self.world_items(world["exports"]))}
            for number, world in enumerate(self.json["worlds"])}
        interfaces = {self.interface_paths[number]: self.interface(number)
                      for number in range(len(self.json["interfaces"]))}
        packages = {package["name"]: {**package, "interfaces": sorted(package["interfaces"]),
                                      "worlds": sorted(package["worlds"])} for package in self.json["packages"]}
        return json.loads(json.dumps({"packages": packages, "interfaces": interfaces, "worlds": worlds}))


def differences(expected, got, path=""):
    if type(expected) is not type(got):
        yield f"{path}: expected {json.dumps(expected)[:100]}, got {json.dumps(got)[:100]}"
    elif isinstance(expected, dict):
        for key in sorted(set(expected) | set(got)):
            if key not in got or key not in expected:
                yield f"{path}/{key}: {'missing' if key not in got else 'too many'}"
            else:
                yield from differences(expected[key], got[key], f"{path}/{key}")
    elif isinstance(expected, list):
        if len(expected) != len(got):
            yield f"{path}: {len(expected)} expected, got {len(got)}"
        for number, (left, right) in enumerate(zip(expected, got)):
            yield from differences(left, right, f"{path}[{number}]")
    elif expected != got:
        yield f"{path}: expected {json.dumps(expected)[:100]}, got {json.dumps(got)[:100]}"


class Suite:
    def __init__(self, args):
        self.args = args

    def dump(self, path, *options):
        return subprocess.run([self.args.wit_dump, path, *options], capture_output=True, text=True, timeout=120)

    def as_text(self, path, name):
        """The case with its packages in binary form written as text."""
        copy = os.path.join(self.args.work, name)
        if os.path.isdir(path):
            binaries = [os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files
                        if file.endswith((".wat", ".wasm"))]
            if not binaries:
                return path
            shutil.copytree(path, copy)
            targets = [os.path.join(copy, os.path.relpath(binary, path)) for binary in binaries]
        elif path.endswith(".wat"):
            targets = [shutil.copy(path, copy)]
        else:
            return path
        for target in targets:
            text = subprocess.run([self.args.wasm_tools, "component", "wit", target], capture_output=True, text=True,
                                  check=True).stdout
            os.remove(target)
            with open(os.path.splitext(target)[0] + ".wit", "w", encoding="utf-8") as file:
                file.write(text)
        return os.path.splitext(copy)[0] + ".wit" if path.endswith(".wat") else copy

    def valid_case(self, path):
        name = os.path.basename(path)
        expected_path = (path if os.path.isdir(path) else os.path.splitext(path)[0]) + ".wit.json"
        features = ("--features", "active")
        text_path = self.as_text(path, name)
        result = self.dump(text_path, *features)
        if result.returncode != 0:
            return name, ["refused: " + (result.stderr.splitlines() or ["without a word"])[0]]
        with open(expected_path, encoding="utf-8") as file:
            expected = Model(file.read()).normalised()
        got = Model(result.stdout).normalised()
        return name, list(differences(expected, got)) + self.fixpoint(name, text_path, features)

    def fixpoint(self, name, path, features):
        """What is printed parses, resolves to the same and prints the same."""
        first = self.dump(path, "--format", "wit", *features)
        printed = os.path.join(self.args.work, f"{name}.printed.wit")
        with open(printed, "w", encoding="utf-8") as file:
            file.write(first.stdout)
        second = self.dump(printed, "--format", "wit", *features)
        if first.returncode != 0 or second.returncode != 0:
            return ["printed WIT is refused: " + (second.stderr.splitlines() or ["?"])[0]]
        if first.stdout != second.stdout:
            return ["printed WIT prints differently"]
        models = [Model(self.dump(text, *features).stdout).normalised() for text in (path, printed)]
        for model in models:  # a resource's functions are printed with it: their order among the others changes
            for interface in model["interfaces"].values():
                interface["functions"].sort(key=lambda pair: pair[0])
        return [f"printed: {line}" for line in differences(*models)]

    def wasi_case(self, path):
        name = "wasi-" + os.path.basename(path)
        result = self.dump(path)
        if result.returncode != 0:
            return name, ["refused: " + (result.stderr.splitlines() or ["without a word"])[0]]
        return name, self.fixpoint(name, path, ())

    def faulty_case(self, path):
        """(name, problem or None, whether the line is right or None when the suite names no place)"""
        name = os.path.basename(path)
        stem = path if os.path.isdir(path) else os.path.splitext(path)[0]
        with open(next(candidate for candidate in (f"{path}.result", f"{stem}.wit.result", f"{stem}.result")
                       if os.path.exists(candidate)), encoding="utf-8") as file:
            expected = file.read()
        result = self.dump(path, "--features", "active")
        if result.returncode != 1 or not result.stderr:
            return name, f"not refused (exit {result.returncode})", None
        place = re.search(r"([^/\s]+):(\d+):\d+", expected)
        if not place:
            return name, None, None
        ours = [(os.path.basename(match[1]), match[2])
                for match in re.finditer(r"^(.*?):(\d+):\d+: E\d", result.stderr, re.M)]
        right = (place[1], place[2]) in ours[:1]
        return name, None if right else f"expected {place[0]}, got {result.stderr.splitlines()[0]}", right


def cases(folder):
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if (os.path.isdir(path) and name != "parse-fail") or name.endswith((".wit", ".wat", ".wasm", ".md")):
            yield path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wit-dump", required=True)
    parser.add_argument("--wasm-tools", required=True)
    parser.add_argument("--suite", required=True, help="the folder tests/ui of wit-parser")
    parser.add_argument("--wasi", required=True, help="the folder of the WIT packages of WASI 0.2")
    parser.add_argument("--work", required=True)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    suite = Suite(args)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        valid = list(pool.map(suite.valid_case, cases(args.suite)))
        wasi = list(pool.map(suite.wasi_case, [os.path.join(args.wasi, name) for name in sorted(os.listdir(args.wasi))]))
        faulty = list(pool.map(suite.faulty_case, cases(os.path.join(args.suite, "parse-fail"))))
    for name, problems in valid + wasi:
        bad += bool(problems)
        for problem in problems[:100 if args.verbose else 3]:
            print(f"FAIL {name}: {problem}")
    placed = [right for _, _, right in faulty if right is not None]
    for name, problem, right in faulty:
        bad += bool(problem) and right is None
        if problem:
            print(f"{'LINE' if right is False else 'FAIL'} {name}: {problem}")
    share = sum(placed) / len(placed)
    equal = sum(not problems for _, problems in valid)
    refused = sum(not (problem and right is None) for _, problem, right in faulty)
    print(f"{equal} of {len(valid)} valid cases equal, {refused} of {len(faulty)} faulty ones refused, "
          f"the line right in {sum(placed)} of {len(placed)} ({share:.1%}); "
          f"{sum(not problems for _, problems in wasi)} of {len(wasi)} packages of WASI print and parse back equal")
    if len(valid) < 78 or len(faulty) < 187 or len(wasi) < 5:
        sys.exit("cases are missing: the suite is not what it should be")
    if bad or share < LINE_MINIMUM:
        sys.exit(1)


if __name__ == "__main__":
    main()
