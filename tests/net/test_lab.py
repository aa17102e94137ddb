"""The lab's own judgement: truth from traces that are written here by hand, bounds, captures.

usage: test_lab.py [unittest options]
"""

import os
import tempfile
import types
import unittest

import lab
import lab_oracle as oracle
from lab_scenarios import SCENARIOS, SHORT

MS = 1_000_000
UP, DOWN = oracle.UP, oracle.DOWN
BEGAN = 1_000_000 * MS


def data(at, seq, left=1, way=UP, size=1000, end=oracle.PASSED, copy=0, tsval=0, flags=oracle.ACK):
    """A segment that enters at @at ms and takes @left ms, when it passes."""
    left_ns = BEGAN + int((at + left) * MS) if end == oracle.PASSED else 0
    ports = (40000, 7001) if way == UP else (7001, 40000)
    return oracle.Record(BEGAN + int(at * MS), left_ns, seq & oracle.WORD, 0, tsval, 0, *ports,
                         size + 66, size, way, end, copy, oracle.TCP, flags)


def ack(at, number, left=1, way=DOWN, tsecr=0):
    record = data(at, 0, left, way, 0)
    return record._replace(ack=number & oracle.WORD, tsecr=tsecr)


def lost(at, seq, why=oracle.LOST, **more):
    return data(at, seq, end=why, **more)


class Loss(unittest.TestCase):
    # Name, link near the sender, link behind the box: before, after, of these unseeable, twice.
    ROWS = [
        ("nothing", [data(0, 0), data(1, 1000)], [data(2, 0), data(3, 1000)], (0, 0, 0, 0)),
        ("one before", [lost(0, 0), data(1, 1000), data(30, 0)], [], (1, 0, 0, 0)),
        ("one after", [data(0, 0)], [lost(1, 0)], (0, 1, 0, 0)),
        ("a full queue is loss", [data(0, 0)], [lost(1, 0, oracle.QUEUE_FULL)], (0, 1, 0, 0)),
        ("an acknowledgement is no segment", [lost(0, 0, size=0)], [], (0, 0, 0, 0)),
        ("a SYN is one; nothing shows that one is missing",
         [lost(0, 0, size=0, flags=oracle.SYN), data(9, 0, size=0, flags=oracle.SYN)], [],
         (1, 0, 1, 0)),
        ("a RST is none", [lost(0, 0, size=0, flags=oracle.RST)], [], (0, 0, 0, 0)),
        ("lost again before it passed", [lost(0, 0), data(1, 1000), lost(30, 0), data(60, 0)], [],
         (2, 0, 1, 0)),
        ("a tail", [data(0, 0), lost(1, 1000), data(200, 1000)], [], (1, 0, 1, 0)),
        ("never sent again", [lost(0, 0), data(1, 1000)], [], (1, 0, 1, 0)),
        ("the repeat of what had passed", [data(0, 0), lost(30, 0), data(60, 0)],
         [lost(1, 0), data(61, 0)], (1, 1, 1, 0)),
        ("two holes", [lost(0, 0), lost(1, 1000), data(2, 2000), data(30, 0), data(31, 1000)], [],
         (2, 0, 0, 0)),
        ("the number goes round", [lost(0, -1000), data(1, 0), data(30, -1000)], [], (1, 0, 0, 0)),
        ("the other way's are not ours", [lost(0, 0, way=DOWN)], [lost(0, 0, way=DOWN)],
         (0, 0, 0, 0)),
        ("the link's own duplicate", [data(0, 0), data(0, 0, copy=1)], [], (0, 0, 0, 1)),
        ("twice behind the box is not seen there", [data(0, 0)], [data(1, 0), data(1, 0, copy=1)],
         (0, 0, 0, 0)),
    ]

    def test_rows(self):
        for name, near, far, (before, after, unseeable, twice) in self.ROWS:
            with self.subTest(name):
                side = oracle.side(UP, near, far)
                self.assertEqual((side["lost_before"], side["lost_after"], side["unseeable"],
                                  side["duplicates"]), (before, after, unseeable, twice))

    def test_lost_in_the_box(self):
        a, b = [data(0, 0), data(1, 1000), lost(2, 2000)], [data(2, 0)]
        self.assertEqual(oracle.lost_in_box(a, b), 1)
        self.assertEqual(oracle.lost_in_box(a[:1], b), 0)


class Times(unittest.TestCase):
    # Name, trace of the link behind the box, samples of seq in ms.
    SEQ = [
        ("one", [data(0, 0), ack(3, 1000)], [4]),
        ("the newest covered one counts", [data(0, 0), data(1, 1000), ack(4, 2000)], [4]),
        ("an acknowledgement of nothing new", [data(0, 0), ack(3, 1000), ack(9, 1000)], [4]),
        ("an acknowledgement that was lost", [data(0, 0), ack(3, 1000)._replace(end=oracle.LOST),
                                              ack(5, 1000)], [6]),
        ("lost, and repeated: of neither", [lost(0, 0), data(30, 0), ack(33, 1000)], []),
        ("of what came after the repeat, too", [lost(0, 0), data(30, 0), data(31, 1000),
                                                ack(33, 1000), ack(34, 2000)], [4]),
        ("the number goes round", [data(0, -1000), ack(3, 0), data(5, 0), ack(9, 1000)], [4, 5]),
    ]
    # The same of ts.
    TS = [
        ("one", [data(0, 0, tsval=7), ack(3, 1000, tsecr=7)], [4]),
        ("the first of equals, once", [data(0, 0, tsval=7), data(0.5, 1000, tsval=7),
                                       ack(3, 1000, tsecr=7), ack(4, 2000, tsecr=7)], [4]),
        ("the repeat has a time of its own", [lost(0, 0, tsval=7), data(30, 0, tsval=37),
                                              ack(33, 1000, tsecr=37)], [4]),
        ("what was never sent", [data(0, 0, tsval=7), ack(3, 1000, tsecr=8)], []),
    ]

    def check(self, rows, method):
        for name, trace, samples in rows:
            with self.subTest(name):
                times = oracle.leg(trace, UP)[method]
                self.assertEqual(times["samples"], len(samples))
                if samples:
                    self.assertEqual(times["p95_ns"], max(samples) * MS)

    def test_seq(self):
        self.check(self.SEQ, "seq")

    def test_ts(self):
        self.check(self.TS, "ts")

    def test_turnaround_is_the_hosts_part(self):
        times = oracle.leg([data(0, 0, left=2), ack(2.5, 1000, left=3)], UP)
        self.assertEqual(times["seq"]["p50_ns"], 5.5 * MS)
        self.assertEqual(times["turnaround"]["p50_ns"], 0.5 * MS)

    def test_nearest_rank(self):
        self.assertEqual(oracle.percentile([1, 2, 3, 4], 0.5), 2)
        self.assertEqual(oracle.percentile(list(range(1, 101)), 0.95), 95)
        self.assertEqual(oracle.percentile([9], 0.95), 9)


class Verdict(unittest.TestCase):
    # Truth, said, of truth unseeable: out of bounds? for a reason that no method can help?
    ROWS = [
        ("none, none", 0, 0, 0, False, False),
        ("one invented is chance", 0, 1, 0, False, False),
        ("two invented are not", 0, 2, 0, True, False),
        ("5 % of 100", 100, 95, 0, False, False),
        ("6 % of 100", 100, 94, 0, True, False),
        ("6 % of 100, of which 2 cannot be seen", 100, 94, 2, True, True),
        ("more than there were is no blindness", 100, 106, 6, True, False),
    ]

    def test_rows(self):
        for name, true, said, unseeable, out, limit in self.ROWS:
            with self.subTest(name):
                check = lab.Check("", true, said, max(lab.LOSS_LEAST, lab.LOSS_SHARE * true),
                                  unseeable)
                self.assertEqual((lab.wrong(check), lab.is_limit(check)), (out, limit))


class Scenarios(unittest.TestCase):
    def test_names_are_their_own(self):
        names = [scenario.name for scenario in SCENARIOS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 20)
        self.assertLessEqual(set(SHORT), set(names))

    def test_before_and_after_are_the_senders(self):
        scenario = types.SimpleNamespace(before={"loss": 0.1}, after={"loss": 0.2})
        a, b = type(SCENARIOS[0]).links(scenario)
        self.assertEqual([a["up"]["loss"], b["up"]["loss"]], [0.1, 0.2])  # the client's
        self.assertEqual([b["down"]["loss"], a["down"]["loss"]], [0.1, 0.2])  # the server's


class Capture(unittest.TestCase):
    def test_what_passed_in_order(self):
        trace = [data(0, 0, tsval=7), lost(1, 1000), ack(5, 1000, tsecr=7), data(9, 1000)]
        with tempfile.TemporaryDirectory() as directory:
            for v6 in (False, True):
                path = os.path.join(directory, "a.pcap")
                oracle.write_capture(path, trace, v6)
                with open(path, "rb") as file:
                    size = len(file.read())
                headers = 14 + (40 if v6 else 20) + 32
                self.assertEqual(size, 24 + 3 * (16 + headers))


class Trace(unittest.TestCase):
    def test_layout_is_that_of_trace_h(self):
        self.assertEqual(oracle.LAYOUT.size, 48)


if __name__ == "__main__":
    unittest.main(verbosity=2)
