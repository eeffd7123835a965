#!/usr/bin/env python3
"""What a new user does, with one template in one language, in an empty folder: init, check, build, link, run; and
build once more, which has nothing to do. What comes out must be what the template promises."""
import argparse
import os
import shutil
import subprocess
import sys

NUMBERS = range(1, 11)
EXPECTED = {
    "source": [f"Message {n}" for n in NUMBERS],
    "sink": [f"[{n - 1}] Hello, Torvyn! ({n})" for n in NUMBERS],
    "transform": [f"Hello, Torvyn! ({n})" for n in NUMBERS],
    "filter": [f"Hello, Torvyn! ({n})" for n in NUMBERS if n % 2 == 1],
    "router": [f"Hello, Torvyn! ({n})" for n in NUMBERS],
    "aggregator": ["5 elements, 90 bytes", "5 elements, 91 bytes"],
    "full-pipeline": [f"MESSAGE {n}" for n in NUMBERS],
    "empty": None,  # it has no flow to run
}


# A busy machine takes its time to compile 17 MiB of Python; what the limit refuses is tested elsewhere.
ENVIRONMENT = {**os.environ, "TORVYN_RUNTIME_COMPILE_CPU_SECONDS": "300"}


class Failure(Exception):
    pass


def run(torvyn, folder, *arguments):
    """What the program prints on standard output; its talk is shown when something is wrong."""
    result = subprocess.run([torvyn, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    if result.returncode != 0:
        raise Failure(f"torvyn {' '.join(arguments)} ends with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def expect(what, text, part):
    if part not in text:
        raise Failure(f"{what} prints\n{text}\nwithout\n{part}")


def check(torvyn, template, language, work):
    name = f"{language}-{template}"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    run(torvyn, work, "init", name, "--template", template, "--language", language, "--no-git")
    project = os.path.join(work, name)
    expect("check", run(torvyn, project, "check", "--strict"), "All checks passed.")
    built = run(torvyn, project, "build")
    expected = EXPECTED[template]
    if expected is None:
        expect("build", built, "Nothing to build")
        return
    expect("build", built, "Build finished.")
    again = run(torvyn, project, "build")
    if "✓ Built" in again:
        raise Failure(f"building again does it again:\n{again}")
    expect("building again", again, "is up to date")
    expect("link", run(torvyn, project, "link"), "Link check passed.")
    lines = run(torvyn, project, "--quiet", "run", "--limit", "10").splitlines()
    if lines != expected:
        raise Failure(f"run prints\n{lines}\ninstead of\n{expected}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--template", required=True, choices=EXPECTED)
    parser.add_argument("--language", required=True)
    parser.add_argument("--work", required=True, help="folder that is emptied and used")
    options = parser.parse_args()
    # Compiled code stays in the working folder; tools are those of this machine.
    os.environ["TORVYN_HOME"] = os.path.join(options.work, "home")
    os.environ["TORVYN_STATE_DIR"] = os.path.join(options.work, "state")
    try:
        check(os.path.abspath(options.torvyn), options.template, options.language, options.work)
    except Failure as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
