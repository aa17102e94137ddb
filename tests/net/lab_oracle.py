"""What really happened in the lab: loss by position, and round-trip times, from the links' traces.

    client ── link A ── box ── link B ── server

It knows nothing of the code under test: it keeps every segment, where that keeps a few slots, and
it sees both ends of both links, where that sees the middle.  Definitions are MEASUREMENT.md 1:
a segment has payload, SYN or FIN; lost before the box is what the link between sender and box
dropped, lost after it what the other link dropped; percentiles are nearest rank.  A leg's round
trip is from a segment's entry into that link at the box to the exit, at the box, of what answers
it: the link's own delay and queue both ways, and the far host's turnaround in between.
Times are ns.
"""

import collections
import math
import struct

UP, DOWN = 0, 1  # client to server, server to client
PASSED, LOST, QUEUE_FULL, BLACKHOLED, TOO_LONG, UNDER_WAY = range(6)
FIN, SYN, RST, ACK = 1, 2, 4, 16
TCP = 6
AGE_MAX = 10_000_000_000  # a later echo of a timestamp is idle, not slow
WORD = 0xffffffff

# struct sl_trace_record of trace.h.
LAYOUT = struct.Struct("<QQIIIIHHHHBBBBB3x")
Record = collections.namedtuple("Record", "entered left seq ack tsval tsecr sport dport bytes "
                                          "payload way end copy proto flags")


def read(path):
    with open(path, "rb") as file:
        return [Record(*fields) for fields in LAYOUT.iter_unpack(file.read())]


def percentile(values, share):
    """Nearest rank; values are sorted."""
    return values[max(0, math.ceil(share * len(values)) - 1)]


def times(values):
    values = sorted(values)
    if not values:
        return {"samples": 0, "p50_ns": 0, "p95_ns": 0}
    return {"samples": len(values), "p50_ns": percentile(values, 0.50),
            "p95_ns": percentile(values, 0.95)}


def is_segment(record):
    if record.proto != TCP or (record.flags & RST and not record.payload):
        return False
    return bool(record.payload or record.flags & (SYN | FIN))


def dropped(trace, way):
    """Segments that this link did not deliver."""
    return sum(record.way == way and record.end != PASSED and is_segment(record)
               for record in trace)


def duplicated(trace, way):
    """Segments that this link delivered once more."""
    return sum(record.way == way and record.copy and record.end == PASSED and is_segment(record)
               for record in trace)


class Unseeable:
    """Losses before the box that no method in the box can count, of one flow's direction.

    What was lost is known there only by the hole that later data open around it.  So of losses of
    the same bytes only one can be seen (the repeat that is lost again, or one of what had passed),
    and none when nothing later passed before the repeat: a tail, a lost SYN.
    """

    def __init__(self):
        self.count = 0
        self.passed = set()
        self.missing = {}  # (seq, bytes): has later data passed?

    def look(self, record):
        span = (record.seq, record.payload)
        if record.end != PASSED:
            if span in self.passed or span in self.missing:
                self.count += 1
            else:
                self.missing[span] = False
            return
        self.passed.add(span)
        if self.missing.pop(span, True) is False:
            self.count += 1
        for seq, size in self.missing:
            if (record.seq - seq - size) & WORD < 1 << 31:
                self.missing[seq, size] = True

    def end(self):
        """What was never sent again stays unknown, too."""
        return self.count + len(self.missing)


def unseeable(trace, way):
    flows = collections.defaultdict(Unseeable)
    for record in sorted(trace, key=lambda record: record.entered):
        if record.way == way and not record.copy and is_segment(record):
            flows[record.sport, record.dport].look(record)
    return sum(flow.end() for flow in flows.values())


def packets(trace, way):
    return sum(r.way == way and r.end == PASSED and r.proto == TCP for r in trace)


def side(way, near, far):
    """What became of the segments that one host sent: @near is its own link, @far the other."""
    return {"packets": packets(near, way),
            "segments": sum(r.way == way and r.end == PASSED and is_segment(r) for r in near),
            "unseeable": unseeable(near, way),
            "lost_before": dropped(near, way), "lost_after": dropped(far, way),
            "duplicates": duplicated(near, way)}


def lost_in_box(a, b):
    """TCP frames that reached the box and did not leave it: nobody's but the machine's doing."""
    def went(trace, way):
        return sum(r.way == way and r.proto == TCP and not r.copy for r in trace)
    return abs(packets(a, UP) - went(b, UP)) + abs(packets(b, DOWN) - went(a, DOWN))


class Seq:
    """Segment to the acknowledgement that newly covers it; the newest covered one counts.

    Karn: not when anything of that direction was repeated or came out of order in between.
    """

    def __init__(self):
        self.base = self.next = self.acked = None
        self.disturbed = -1
        self.waiting = collections.deque()
        self.samples = []
        self.turnaround = []

    def _place(self, number):
        distance = (number - self.base) & WORD
        return distance - (1 << 32) if distance >> 31 else distance

    def sent(self, record):
        if self.base is None:
            self.base = record.seq
            self.next = 0
        start = self._place(record.seq)
        end = start + record.payload + bool(record.flags & SYN) + bool(record.flags & FIN)
        if start < self.next:
            self.disturbed = record.entered
            return
        self.next = end
        self.waiting.append((end, record))

    def answered(self, record):
        if self.base is None or not record.flags & ACK:
            return
        ack = self._place(record.ack)
        newest = None
        while self.waiting and self.waiting[0][0] <= ack:
            newest = self.waiting.popleft()[1]
        if newest is None or self.disturbed >= newest.entered:
            return
        self.samples.append(record.left - newest.entered)
        if newest.left:
            self.turnaround.append(record.entered - newest.left)


class Ts:
    """First segment with a timestamp to the first packet back that echoes it."""

    def __init__(self):
        self.newest = None
        self.waiting = {}
        self.samples = []

    def sent(self, record):
        newer = self.newest is None or 0 < (record.tsval - self.newest) & WORD < 1 << 31
        if record.tsval and newer:
            self.newest = record.tsval
            self.waiting[record.tsval] = record.entered

    def answered(self, record):
        since = self.waiting.pop(record.tsecr, None) if record.tsecr else None
        if since is not None and record.left - since <= AGE_MAX:
            self.samples.append(record.left - since)


def leg(trace, way):
    """Round trips of the leg that this link is, of data that leaves the box by it in @way."""
    flows = collections.defaultdict(lambda: (Seq(), Ts()))
    events = [(r.entered, 0, r) for r in trace if r.way == way and not r.copy and is_segment(r)]
    events += [(r.left, 1, r) for r in trace
               if r.way != way and r.proto == TCP and r.end == PASSED]
    for _, back, record in sorted(events, key=lambda event: event[:2]):
        # The client's port names the connection.
        client = record.sport if record.way == UP else record.dport
        for method in flows[client]:
            if back:
                method.answered(record)
            else:
                method.sent(record)
    return {"seq": times([s for seq, _ in flows.values() for s in seq.samples]),
            "ts": times([s for _, ts in flows.values() for s in ts.samples]),
            "turnaround": times([t for seq, _ in flows.values() for t in seq.turnaround])}


def truth(a, b):
    """Of both sides (by who sends) and both legs, from the traces of links A and B."""
    return {"lan": dict(side(UP, a, b), rtt=leg(a, DOWN)),
            "wan": dict(side(DOWN, b, a), rtt=leg(b, UP))}


# ---- what a tap in the box saw, as a capture file: for other judges ----

def _frame(record, v6):
    """Headers as they were, but for addresses and checksums; payload as length alone."""
    options = struct.pack("!BBBBII", 1, 1, 8, 10, record.tsval, record.tsecr)
    tcp = struct.pack("!HHIIBBHHH", record.sport, record.dport, record.seq, record.ack,
                      (20 + len(options)) // 4 << 4, record.flags, 0xffff, 0, 0) + options
    size = len(tcp) + record.payload
    ends = [bytes(15) + b"\1", bytes(15) + b"\2"]
    source, target = ends if record.way == UP else reversed(ends)
    if v6:
        ip = struct.pack("!IHBB", 6 << 28, size, TCP, 64) + source + target
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, TCP, 0)
        ip += source[12:] + target[12:]
    return bytes(12) + (b"\x86\xdd" if v6 else b"\x08\x00") + ip + tcp, record.payload


def write_capture(path, a, v6=False, one_way=False):
    """Nanosecond pcap of what passed the box's LAN port: came by link A, or left by it."""
    seen = [(r.left, r) for r in a if r.way == UP and r.proto == TCP and r.end == PASSED]
    if not one_way:
        seen += [(r.entered, r) for r in a if r.way == DOWN and r.proto == TCP and not r.copy]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for at, record in sorted(seen, key=lambda event: event[0]):
            frame, payload = _frame(record, v6)
            out.write(struct.pack("<IIII", at // 10**9, at % 10**9, len(frame),
                                  len(frame) + payload) + frame)
