#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cases of cases.toml in another implementation of WASI (PyPI's wasmtime): it must print what the table says, so
that the table is not only our own opinion. Left out: what our grants can say and its configuration cannot, and cases
with `oracle = false`.
"""
import argparse
import hashlib
import pathlib
import sys
import tempfile
import tomllib

import run_program

READ, WRITE = "wasi:filesystem/read:@DIR@/d", "wasi:filesystem/write:@DIR@/d"
TOLD = {"wasi:cli/stdout", "wasi:cli/stderr", "wasi:cli/stdin", "wasi:clocks", "wasi:random", READ, WRITE}


def can_be_told(case):
    """Everything but files, streams and variables is granted there."""
    grants = set(case.get("grants", run_program.DEFAULT_GRANTS))
    files = grants & {READ, WRITE}
    others = {grant for grant in grants if not grant.startswith("wasi:cli/environment")}
    return (case.get("oracle", True) and others <= TOLD and "wasi:cli/stdout" in grants and files != {WRITE}
            and "E0500" not in case.get("stderr", ""))


def variables(case):
    """[name, value] of those that are granted."""
    pairs = [variable.split("=", 1) for variable in case.get("env", [])]
    grants = case.get("grants", [])
    return [pair for pair in pairs
            if "wasi:cli/environment" in grants or f"wasi:cli/environment:{pair[0]}" in grants]


class Oracle:
    def __init__(self, program):
        import wasmtime
        from wasmtime import component
        self.wasmtime = wasmtime
        self.engine = wasmtime.Engine()
        self.component = component.Component.from_file(self.engine, program)
        self.linker = component.Linker(self.engine)
        self.linker.add_wasip2()

    def run(self, name, case, root, out):
        config = self.wasmtime.WasiConfig()
        config.argv = [case.get("case", name)]
        config.env = variables(case)
        config.stdout_file = str(out)
        stdin = root / "stdin"
        stdin.write_text(case.get("stdin", "") if "wasi:cli/stdin" in case.get("grants", []) else "")
        config.stdin_file = str(stdin)
        grants = case.get("grants", run_program.DEFAULT_GRANTS)
        if READ in grants:
            config.preopen_dir(str(root / "d"), str(root / "d"), WRITE in grants)
        store = self.wasmtime.Store(self.engine)
        store.set_wasi(config)
        run = self.linker.instantiate(store, self.component).get_func(store, "run")
        try:
            run(store)
        except (self.wasmtime.Trap, self.wasmtime.WasmtimeError, self.wasmtime.ExitTrap):
            return False
        return True


def compare(oracle, name, case):
    with tempfile.TemporaryDirectory(prefix="torvyn-wasi-") as folder:
        root = pathlib.Path(folder).resolve()
        run_program.prepare(root, case.get("files", {}))
        out = root / "stdout"
        returned = oracle.run(name, case, root, out)
        printed = out.read_bytes().decode("utf-8", "backslashreplace").replace(str(root), "@DIR@")
        problems = []
        if returned != (case.get("exit", 0) != 70):
            problems.append("returned" if returned else "did not return")
        if "stdout_sha256" in case:
            if hashlib.sha256(out.read_bytes()).hexdigest() != case["stdout_sha256"]:
                problems.append("prints something else")
        elif not run_program.lines_match(case.get("stdout", ""), printed):
            problems.append(f"prints\n{printed}")
        return problems + run_program.check_files(case, root)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", required=True, help="where the package is installed")
    parser.add_argument("--program", required=True)
    parser.add_argument("--cases", required=True)
    args = parser.parse_args()
    sys.path.insert(0, args.oracle)
    oracle = Oracle(args.program)
    with open(args.cases, "rb") as file:
        cases = tomllib.load(file)
    chosen = {name: case for name, case in cases.items() if can_be_told(case)}
    wrong = 0
    for name, case in chosen.items():
        problems = compare(oracle, name, case)
        wrong += bool(problems)
        for problem in problems:
            print(f"{name}: the oracle {problem}")
    print(f"{len(cases)} cases, {len(chosen)} compared, {wrong} differ")
    sys.exit(1 if wrong or not chosen else 0)


main()
