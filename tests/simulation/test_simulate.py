#!/usr/bin/env python3
"""The simulator as a program: options, exit codes, the same result in any number of processes, shrinking.

For shrinking it needs a bug: the first row of mutations.tsv.
"""
import argparse
import os
import subprocess
import sys
import unittest

import run_mutations

ARGUMENTS = None


def run(*options, program=None):
    return subprocess.run([program or ARGUMENTS.program, *options], check=False, capture_output=True, text=True)


class Options(unittest.TestCase):
    def test_help_names_what_a_config_can_switch_off(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        for word in ("--seed N", "--replay FILE", "trap", "restart"):
            self.assertIn(word, result.stdout)

    def test_wrong_options_exit_2(self):
        for options in (["--seed"], ["--seed", "x"], ["--steps", "-1"], ["--jobs", "0"], ["--nothing"], ["word"],
                        ["--config", "off=nothing"], ["--config", "stages=1"], ["--replay", "/nowhere/at/all"]):
            self.assertEqual(run(*options).returncode, 2, options)

    def test_a_wrong_line_to_replay_exits_2(self):
        path = os.path.join(ARGUMENTS.work, "wrong.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# comment\n\n1,10,\n1;10;\n")
        result = run("--replay", path)
        self.assertEqual(result.returncode, 2)
        self.assertIn("seed,steps,config", result.stderr)

    def test_verbose_prints_calls_and_turns(self):
        lines = run("--seed", "1", "--steps", "20", "-v").stdout.split("\n")
        self.assertTrue(any(" entry " in line for line in lines))
        self.assertTrue(any(" turn " in line for line in lines))


class Runs(unittest.TestCase):
    def test_the_number_of_processes_changes_nothing(self):
        options = ["--seed", "7", "--seeds", "20", "--steps", "300"]
        one, three = run(*options), run(*options, "--jobs", "3")
        self.assertEqual(one.returncode, 0)
        self.assertEqual(one.stdout, three.stdout)
        self.assertRegex(one.stdout, r"^20 runs, \d+ steps, \d+ calls, 0 violations, trace [0-9a-f]{16}\n$")

    def test_another_seed_does_something_else(self):
        self.assertNotEqual(run("--seed", "1").stdout, run("--seed", "2").stdout)

    def test_calls_in_a_row_change_nothing(self):
        said = {run("--seed", "11", "--seeds", "40", "--steps", "500", "--config", f"rows={rows}").stdout
                for rows in (0, 1, 2)}
        self.assertEqual(len(said), 1)
        self.assertIn(" 0 violations", said.pop())

    def test_a_config_limits_the_world(self):
        lines = run("--seed", "3", "--config", "flows=1 stages=2 off=drain", "-v").stdout.split("\n")
        started = [line for line in lines if " starts with " in line]
        self.assertTrue(started)
        self.assertTrue(all(line.endswith("starts with 2 stages") and "flow 0." in line for line in started))


class Shrinking(unittest.TestCase):
    def test_a_failing_world_becomes_a_small_line_that_fails_too(self):
        rows, problems = run_mutations.read_table(ARGUMENTS.table, ARGUMENTS.source)
        self.assertEqual(problems, [])
        folder = os.path.join(ARGUMENTS.work, "shrink")
        program = run_mutations.build(ARGUMENTS, run_mutations.Sources(ARGUMENTS.source), rows[0], folder)
        result = run("--seeds", "200", "--violations", "1", "--shrink", program=program)
        self.assertEqual(result.returncode, 1)
        lines = [line for line in result.stdout.split("\n") if line.startswith("repeat with ")]
        self.assertEqual(len(lines), 1, result.stdout)
        line = lines[0].removeprefix("repeat with ")
        self.assertIn("only=", line)
        self.assertLess(int(line.split(",")[1]), 2000)
        path = os.path.join(ARGUMENTS.work, "line.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(line + "\n")
        self.assertEqual(run("--replay", path, program=program).returncode, 1)
        repaired = run("--replay", path)
        self.assertEqual(repaired.returncode, 0)
        self.assertEqual(repaired.stdout, "1 runs, 0 violations\n")


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cflags", default="-std=gnu17 -O1 -D_GNU_SOURCE=")
    parser.add_argument("--objects", nargs="+")
    parser.add_argument("--libraries", nargs="+")
    ARGUMENTS = parser.parse_args()
    os.makedirs(ARGUMENTS.work, exist_ok=True)
    cases = [Options, Runs] + ([Shrinking] if ARGUMENTS.objects else [])
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in cases)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
