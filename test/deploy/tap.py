"""Shared by the deployment tests: unittest with TAP on stdout, the template as data, and runs of
programs with a timeout."""
import os
import pathlib
import subprocess
import sys
import traceback
import unittest

import reader

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def template():
    """deploy/template.yaml with the short forms (!Ref, !GetAtt, !If, ...) spelt out."""
    return reader.read((ROOT / "deploy/template.yaml").read_text())


def run(command, env=None, stdin="", timeout=900):
    """The ended process; its output is text."""
    return subprocess.run([str(c) for c in command], cwd=ROOT, env=env or dict(os.environ), input=stdin, capture_output=True, text=True, timeout=timeout)


class Tap(unittest.TestResult):
    n = 0

    def line(self, good, test, why=""):
        self.n += 1
        print(f"{'' if good else 'not '}ok {self.n} - {test.id().removeprefix('__main__.')}", flush=True)
        for text in why.splitlines():
            print(f"# {text}", flush=True)

    def addSuccess(self, test):
        self.line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(False, test, "".join(traceback.format_exception(*err)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.failures.append((subtest, ""))
            self.line(False, subtest, "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        self.addFailure(test, (AssertionError, AssertionError(f"skipped: {reason}"), None))


def main():
    result = Tap()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    suite.run(result)
    print(f"1..{result.n}")
    sys.exit(0 if result.wasSuccessful() and result.n else 1)
