"""The history of benchmarks: finds series, tells what changed, compares like with like only."""
import os
import tempfile
import unittest
from pathlib import Path

import history

BEFORE = {"sim": [{"nodes": 20, "us": {"Phoenix": [3.0, 3.1, 3.2, 3.05, 3.15, 3.02, 3.11, 3.07, 3.18]},
                   "goal": 0.6, "reached": True}]}


def scaled(factor):
    values = [x * factor for x in BEFORE["sim"][0]["us"]["Phoenix"]]
    return {"sim": [{"nodes": 20, "us": {"Phoenix": values}, "goal": 0.6, "reached": True}]}


class History(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.environ["PHOENIX_BENCH_HISTORY"] = self.folder.name
        self.lines = []

    def report(self, results, machine="m", kind="sim"):
        self.lines = []
        history.report(kind, machine, results, self.lines.append)
        return "\n".join(self.lines)

    def test_finds_series_by_their_place_and_nothing_else(self):
        self.assertEqual(list(history.series_of(BEFORE)), ["sim/20/us/Phoenix"])
        self.assertEqual(history.series_of({"a": [1], "b": ["x", "y"], "c": [True, False]}), {})

    def test_tells_a_change_and_keeps_quiet_about_none(self):
        (name, _, _, change, p), = history.compare(BEFORE, scaled(1.2))
        self.assertEqual(name, "sim/20/us/Phoenix")
        self.assertAlmostEqual(change, 0.2)
        self.assertLess(p, 0.001)
        self.assertGreater(history.compare(BEFORE, BEFORE)[0][4], 0.9)

    def test_compares_with_the_last_of_the_same_machine_and_kind(self):
        self.assertEqual(self.report(BEFORE), "", "nothing to compare with")
        self.assertEqual(self.report(scaled(9), machine="another"), "")
        self.assertEqual(self.report(scaled(9), kind="runtime"), "")
        self.assertIn("+20.0%", self.report(scaled(1.2)))
        self.assertIn("differs", "\n".join(self.lines))
        self.assertIn("+0.0%", self.report(scaled(1.2)))

    def test_outlives_files_that_are_none(self):
        Path(self.folder.name, "sim-2020.json").write_text("{")
        self.assertEqual(self.report(BEFORE), "")

    def test_keeps_a_bounded_number(self):
        history.KEPT, kept = 3, history.KEPT
        self.addCleanup(setattr, history, "KEPT", kept)
        for i in range(6):
            self.report(scaled(i + 1))
        self.assertEqual(len(list(Path(self.folder.name).glob("*.json"))), 3)
        self.assertIn("6", self.report(scaled(6)))


if __name__ == "__main__":
    unittest.main()
