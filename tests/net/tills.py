"""What the customers met: the transactions that the tills wrote down."""

import json
import math

# Longer than this and the customer has put the card away: it counts as not working.
SLOW_US = 10_000_000


def quantile(values, share):
    """Nearest rank, as in MEASUREMENT.md 1; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def ms(microseconds):
    return "-" if microseconds is None else f"{microseconds / 1000:.0f} ms"


def passed_over(transactions, from_ns, to_ns):
    """Of one till, that counts its transactions up: numbers of the stretch not among them."""
    inside = [t["stan"] for t in transactions if from_ns <= t["begun_mono_ns"] < to_ns]
    return max(inside) - min(inside) + 1 - len(inside) if inside else 0


class Tally:
    """Counts over some transactions."""

    def __init__(self, transactions):
        self.transactions = transactions
        took = [t["latency_us"] for t in transactions if t["ok"]]
        self.count = len(transactions)
        self.failed = sum(not t["ok"] for t in transactions)
        self.slow = sum(t["ok"] and t["latency_us"] > SLOW_US for t in transactions)
        self.repeated = sum(t["attempts"] > 1 for t in transactions)
        self.p50_us = quantile(took, 0.50)
        self.p95_us = quantile(took, 0.95)
        self.max_us = max(took, default=None)

    def as_json(self):
        return {"transactions": self.count, "failed": self.failed, "slow": self.slow,
                "repeated": self.repeated, "p50_us": self.p50_us, "p95_us": self.p95_us,
                "max_us": self.max_us}


class Book:
    """Reads the output files of the tills as they grow."""

    def __init__(self, files):
        self.files = {file: 0 for file in files}
        self.transactions = []
        self.summaries = []

    def read(self):
        for file, offset in self.files.items():
            with open(file, "rb") as lines:
                lines.seek(offset)
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    entry = json.loads(line)
                    (self.summaries if "summary" in entry else self.transactions).append(entry)
            self.files[file] = offset
        return self

    def tally(self, from_ns=0, to_ns=math.inf, till=None):
        """Over those that began in a stretch of CLOCK_MONOTONIC, at all tills or one."""
        self.read()
        return Tally([t for t in self.transactions if from_ns <= t["begun_mono_ns"] < to_ns
                      and till in (None, t["till"])])

    def paid(self, from_ns, to_ns, till):
        """How many of a till were paid, that is ended well, in a stretch of CLOCK_MONOTONIC."""
        self.read()
        return sum(t["ok"] and t["till"] == till and
                   from_ns <= t["begun_mono_ns"] + t["latency_us"] * 1000 < to_ns
                   for t in self.transactions)

    def unfinished(self, from_ns, to_ns):
        """How many that began in the stretch have not ended: numbers that a till passed over.

        A payment without an answer is written down only when it has failed, after 30 s.
        """
        self.read()
        return sum(passed_over([t for t in self.transactions if t["till"] == till],
                               from_ns, to_ns) for till in {t["till"] for t in self.transactions})

    def recent(self, now_ns, seconds):
        """Over those that ended in the last seconds."""
        self.read()
        since = now_ns - seconds * 1e9
        return Tally([t for t in self.transactions[-2000:]
                      if t["begun_mono_ns"] + t["latency_us"] * 1000 >= since])
