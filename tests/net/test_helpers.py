"""The virtual store's own helpers, where a mistake would make a scenario pass that should not."""

import os
import struct
import tempfile
import unittest

import netns
from datacenter import dns_answer
from kills import applied_twice, contiguous
from screen import telling
from store import UPLINKS, follow_routes, follow_rules
from storeline import ENGINES, huge_pages, replace_value, with_engine
from tills import Book, Tally, passed_over, quantile


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

    def test_engine_stands_before_the_ports(self):
        text = "mode: enforce\n# ports: none\nports:\n  lan0: {device: lan0}\n"
        self.assertEqual(with_engine(text, "xdp"), text)
        self.assertEqual(with_engine(text, "dpdk"),
                         text.replace("\nports:", "\n" + ENGINES["dpdk"] + "ports:"))
        self.assertIn("kind: dpdk", with_engine(text, "dpdk"))
        with self.assertRaises(netns.Broken):
            with_engine("mode: enforce\n", "dpdk")

    def test_huge_pages_are_read_by_size(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(huge_pages(root), {})
            os.mkdir(os.path.join(root, "hugepages-2048kB"))
            path = os.path.join(root, "hugepages-2048kB", "nr_hugepages")
            with open(path, "w", encoding="ascii") as file:
                file.write("300\n")
            self.assertEqual(huge_pages(root), {path: 300})

    def test_answers_follow_the_uplink_in_both_families(self):
        rules, routes = follow_rules(UPLINKS), follow_routes(UPLINKS).split("\n")
        self.assertIn('ct direction original iifname "fibre0" ct mark set 1\n', rules)
        self.assertIn('ct direction original iifname "lte0" ct mark set 2\n', rules)
        for line in ("ip -4 route add 10.42.0.0/16 via 192.0.2.2 table 1",
                     "ip -4 route add 10.42.0.0/16 via 198.51.100.2 table 2",
                     "ip -6 route add fd42::/64 via fd00:1::2 table 2",
                     "ip -4 rule add fwmark 2 lookup 2", "ip -6 rule add fwmark 2 lookup 2"):
            self.assertIn(line, routes)
        self.assertEqual([line for line in routes if "table" not in line and "rule" not in line],
                         ["ip -4 route add 10.42.0.0/16 via 192.0.2.2",
                          "ip -6 route add fd42::/64 via fd00:f::2"])

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

    def test_payments_under_way_are_numbers_passed_over(self):
        def began(stan, at_ns):
            return {"stan": stan, "begun_mono_ns": at_ns}
        till = [began(3, 30), began(5, 50), began(4, 40), began(8, 80)]
        self.assertEqual(passed_over(till, 0, 60), 0)
        self.assertEqual(passed_over(till, 0, 90), 2)
        self.assertEqual(passed_over(till, 60, 90), 0)
        self.assertEqual(passed_over(till, 90, 99), 0)

    def test_paid_is_what_ended_well_in_the_stretch(self):
        with tempfile.NamedTemporaryFile("w") as out:
            book = Book([out.name])
            for stan, till, begun_ns, ok in ((1, "a", 1000, "true"), (2, "a", 6000, "true"),
                                             (3, "a", 7000, "false"), (4, "b", 8000, "true")):
                out.write(f'{{"till":"{till}","stan":{stan},"begun_mono_ns":{begun_ns},'
                          f'"latency_us":5,"ok":{ok},"attempts":1,"error":""}}\n')
            out.flush()
            self.assertEqual([book.paid(6000, 11001, till) for till in ("a", "b")], [2, 0])
            self.assertEqual(book.paid(6001, 11000, "a"), 0)
            self.assertEqual(book.unfinished(0, 9000), 0)

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
