#!/usr/bin/env python3
"""A new project, as the quickstart makes it: `torvyn bench --compare` exits with 3 each time after its component was made
slower, and each time with 0 while it is what it was, however busy the machine is. What counts against an unchanged
component is only a verdict on a machine that was not slower by itself than when the baseline was made."""
import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

# The component's work, a hundred times over.
SLOW = """
static volatile unsigned idle;

static void dawdle(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        idle += i;
    }
}
"""
ENTRY = "static enum torvyn_result process(struct torvyn_element *input, struct torvyn_output *output)\n{\n"
BENCH = ["bench", "--duration", "1s", "--warmup", "200ms"]
SLOWER = 1.05  # from here on the machine is to blame


class Pace:
    """Processor time that a fixed piece of work took meanwhile, on average. The work keeps as many of the processor's
    units busy as a pipeline does: who shares them with this machine slows both down alike."""
    PIECE = bytes(100_000)
    PAUSE_S = 0.01

    def __enter__(self):
        self.times = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.measure)
        self.thread.start()
        return self

    def measure(self):
        while not self.ended.wait(self.PAUSE_S):
            begin = time.thread_time()
            hashlib.sha3_256(self.PIECE).digest()
            self.times.append(time.thread_time() - begin)

    def __exit__(self, *failure):
        self.ended.set()
        self.thread.join()
        self.mean = statistics.fmean(self.times)


class Project:
    def __init__(self, torvyn, work):
        shutil.rmtree(work, ignore_errors=True)
        home = os.path.join(work, "home")
        os.makedirs(home)
        self.torvyn = os.path.abspath(torvyn)
        self.folder = work
        self.pace = None
        self.environment = dict(os.environ, TORVYN_HOME=home, TORVYN_STATE_DIR=os.path.join(home, "state"))

    def run(self, *arguments, code=0):
        result = subprocess.run([self.torvyn, *arguments], cwd=self.folder, env=self.environment, capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, timeout=300)
        if result.returncode != code:
            sys.exit(f"{arguments}: exit {result.returncode}, not {code}\n{result.stdout}\n{result.stderr}")
        return result.stdout

    def baseline(self):
        with Pace() as pace:
            self.run("bench", "--duration", "3s", "--rounds", "30", "--warmup", "200ms", "--baseline", "before")
        self.pace = pace.mean

    def compare_once(self):
        """Whether it says that the component got slower; the exit code must say the same."""
        command = [self.torvyn, *BENCH, "--compare", "before", "--format", "json"]
        result = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, timeout=300)
        if result.returncode not in (0, 3):
            sys.exit(f"--compare: exit {result.returncode}\n{result.stdout}\n{result.stderr}")
        comparison = json.loads(result.stdout)["comparison"]
        if comparison["regression"] != (result.returncode == 3):
            sys.exit(f"exit {result.returncode}, but {comparison}")
        return comparison["regression"], comparison

    def compare(self, times, expected):
        good, tries = 0, 3 * times
        while good < times:
            with Pace() as pace:
                regression, comparison = self.compare_once()
            if regression == expected:
                good += 1
                continue
            tries -= 1
            slower = pace.mean / self.pace
            if expected or slower < SLOWER or tries == 0:
                sys.exit(f"regression: {regression}, on a machine that is {slower:.2f} times slower: {comparison}")
            self.baseline()  # of the machine as it is now


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--work", required=True, help="folder that is emptied and used")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # with the pace, on one processor
    project = Project(options.torvyn, options.work)
    project.run("init", "my-transform", "--template", "transform", "--language", "c")
    project.folder = os.path.join(options.work, "my-transform")
    project.run("build")
    project.baseline()
    project.compare(options.times, False)
    source = os.path.join(project.folder, "src", "transform.c")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if ENTRY not in text:
        sys.exit(f"the template is not what it was:\n{text}")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text.replace(ENTRY, SLOW + "\n" + ENTRY + "    dawdle();\n"))
    project.run("build")
    project.compare(options.times, True)


main()
