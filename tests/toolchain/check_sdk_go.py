#!/usr/bin/env python3
"""Builds a component that uses everything of sdk/go, and runs it: values, errors of each kind, lifecycle."""
import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    pass


def run(torvyn, folder, *arguments, code=0):
    result = subprocess.run([torvyn, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, check=False)
    if result.returncode != code:
        raise Failure(f"torvyn {' '.join(arguments)} ends with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout.splitlines(), result.stderr


def line(sequence):
    text = f"Hello, Torvyn! ({sequence + 1})"
    return f'{sequence} "{text}" "text/plain" part="Torvyn" traced=true flow=true deadline=0 late=true {"x" * len(text)}'


def expect(what, actual, expected):
    if actual != expected:
        raise Failure(f"{what}: {actual}\ninstead of: {expected}")


def set_mode(project, manifest, mode):
    with open(os.path.join(project, "Torvyn.toml"), "w", encoding="utf-8") as file:
        file.write(manifest.replace("MODE", mode))


def check(torvyn, work):
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    run(torvyn, work, "init", "sdk", "--language", "go", "--no-git")
    project = os.path.join(work, "sdk")
    world = os.path.join(project, "wit", "world.wit")
    with open(world, encoding="utf-8") as file:
        text = file.read()
    with open(world, "w", encoding="utf-8") as file:
        file.write(text.replace("    export ", "    export torvyn:streaming/lifecycle@0.1.0;\n    export "))
    shutil.copy(os.path.join(HERE, "sdk-go", "main.go"), project)
    with open(os.path.join(project, "Torvyn.toml"), encoding="utf-8") as file:
        manifest = file.read()
    with open(os.path.join(HERE, "sdk-go", "flow.toml"), encoding="utf-8") as file:
        manifest += file.read()
    set_mode(project, manifest, "errors")
    run(torvyn, project, "build")
    lines, talk = run(torvyn, project, "run", "--limit", "9")
    expect("errors", lines, [line(i) for i in (0, 7, 8)] + ["torn down"])
    if "Failed:      5" not in talk or "invalid-input: invalid" not in talk:
        raise Failure(talk)
    set_mode(project, manifest, "many")
    lines, _ = run(torvyn, project, "--quiet", "run", "--limit", "2000")
    expect("many", lines, [line(i) for i in range(2000) if i != 1] + ["torn down"])
    set_mode(project, manifest, "fatal")
    _, talk = run(torvyn, project, "--quiet", "run", code=1)
    if "returned fatal: the end" not in talk:
        raise Failure(talk)
    set_mode(project, manifest, "refuse")
    lines, talk = run(torvyn, project, "--quiet", "run", code=1)
    expect("refuse", lines, [])
    if "returned unavailable: no database" not in talk:
        raise Failure(talk)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--work", required=True, help="folder that is emptied and used")
    options = parser.parse_args()
    os.environ["TORVYN_HOME"] = os.path.join(options.work, "home")
    os.environ["TORVYN_STATE_DIR"] = os.path.join(options.work, "state")
    try:
        check(os.path.abspath(options.torvyn), options.work)
    except Failure as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
