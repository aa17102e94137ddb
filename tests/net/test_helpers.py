"""The virtual store's own helpers, where a mistake would make a scenario pass that should not."""

import os
import struct
import tempfile
import unittest

import netns
from datacenter import dns_answer
from kills import applied_twice, contiguous
from screen import telling
from storeline import replace_value
from tills import Book, Tally, quantile


def event(**fields):
    return dict({"kind": "ack", "ack": "applied", "command_id": "", "remedy": "",
                 "service": ""}, **fields)


class Helpers(unittest.TestCase):
    """Pure parts."""

    def test_quantile_is_nearest_rank(self):
        self.assertEqual(quantile(range(1, 101), 0.95), 95)
        self.assertEqual(quantile([3, 1, 2], 0.5), 2)
        self.assertEqual(quantile([7], 0.95), 7)
        self.assertIsNone(quantile([], 0.5))

    def test_holes_in_events_are_found(self):
        self.assertEqual(contiguous([("d", 1, 1), ("d", 1, 2), ("c", 1, 1)]), [])
        self.assertEqual(contiguous([("d", 1, 1), ("d", 1, 3)]), [(("d", 1), [2])])
        self.assertEqual(contiguous([("d", 1, 2)]), [(("d", 1), [1])])

    def test_commands_applied_twice_are_found(self):
        once = event(command_id="a")
        self.assertEqual(applied_twice([once, event(command_id="b"),
                                        event(command_id="a", ack="duplicate")]), [])
        self.assertEqual(applied_twice([once, once]), ["a"])

    def test_policy_values_are_replaced_where_they_stand(self):
        text = "# hold_down: no\nguardrails: {actions_per_minute: 6, hold_down: 30s}\n"
        self.assertEqual(replace_value(text, "hold_down", "8s"),
                         (text.replace("30s", "8s"), "30s"))
        self.assertEqual(replace_value(text, "mode", "shadow"), (text, None))

    def test_holds_are_not_told(self):
        self.assertTrue(telling(event(kind="action")))
        self.assertTrue(telling(event(kind="decision", remedy="reroute")))
        self.assertFalse(telling(event(kind="decision", remedy="hold")))
        self.assertFalse(telling(event(kind="state-change", service="pos")))

    def test_tally_counts_failures_and_slow_ones(self):
        def paid(latency_us, ok=True):
            return {"latency_us": latency_us, "ok": ok, "attempts": 1, "begun_mono_ns": 0}
        tally = Tally([paid(20_000), paid(10_000_001), paid(30_000_000, False)])
        self.assertEqual((tally.count, tally.failed, tally.slow, tally.p95_us),
                         (3, 1, 1, 10_000_001))

    def test_book_reads_only_whole_lines(self):
        line = ('{"till":"t","begun_mono_ns":5,"latency_us":1,"ok":true,"attempts":1,'
                '"error":""}')
        with tempfile.NamedTemporaryFile("w") as out:
            book = Book([out.name])
            out.write(line + "\n" + line[:20])
            out.flush()
            self.assertEqual(book.tally().count, 1)
            out.write(line[20:] + "\n")
            out.flush()
            self.assertEqual(book.tally().count, 2)
            self.assertEqual(book.tally(from_ns=6).count, 0)

    def test_dns_answers_an_a_question_only(self):
        def query(kind):
            return struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\1a\0" + \
                struct.pack("!HH", kind, 1)
        self.assertEqual(dns_answer(query(1), "198.18.0.20")[-4:], bytes([198, 18, 0, 20]))
        self.assertEqual(dns_answer(query(28), "198.18.0.20")[6:8], b"\0\0")
        self.assertIsNone(dns_answer(b"\0" * 5, "198.18.0.20"))

    def test_only_the_dead_are_swept(self):
        with tempfile.TemporaryDirectory() as directory:
            for pid in (os.getpid(), 4194305):
                os.mkdir(os.path.join(directory, f"storeline-{pid}"))
            os.mkdir(os.path.join(directory, "storeline-machine.x"))
            left = list(netns._left(directory, r"storeline-(\d+)"))
            self.assertEqual([name for name, _ in left], ["storeline-4194305"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
