#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What our decoder accepts, wasm-tools accepts: for every file of the corpora whose inputs are components.

check_verdicts.py --verdicts PROGRAM --wasm-tools PROGRAM DIRECTORY…
"""
import argparse
import pathlib
import subprocess
import sys

BATCH = 200  # files of one command line
# What wasm-tools takes only when told to, and our decoder always.
FEATURES = "cm-fixed-length-lists"
# Known to differ, with the reason.
EXCEPTIONS = {
    "identity": "an export that hides the definition of its resource behind (sub resource): wasm-tools wants the same "
                "resource there",
}


def verdicts(program, files):
    lines = []
    for start in range(0, len(files), BATCH):
        batch = files[start:start + BATCH]
        lines += subprocess.run([program, *batch], capture_output=True, text=True, check=True).stdout.splitlines()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", required=True)
    parser.add_argument("--wasm-tools", required=True)
    parser.add_argument("directories", nargs="+")
    args = parser.parse_args()
    files = sorted(file for directory in args.directories for file in pathlib.Path(directory).iterdir())
    accepted = [file for file, line in zip(files, verdicts(args.verdicts, files), strict=True) if line == "accepted"]
    wrong = 0
    for file in accepted:
        result = subprocess.run([args.wasm_tools, "validate", f"--features={FEATURES}", file], capture_output=True,
                                text=True)
        if (result.returncode != 0) != (file.name in EXCEPTIONS):
            wrong += 1
            print(f"{file}: accepted, and wasm-tools says\n{result.stderr or 'the same, but it is an exception'}")
    print(f"{len(files)} files, {len(accepted)} accepted, {wrong} wrongly")
    sys.exit(1 if wrong or not accepted else 0)


main()
