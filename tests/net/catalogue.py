"""What can go wrong (PEERS.md 4.3), how it is brought about here, and the right answer to it.

A failure's `must` are actions that have to be done, `may` those that do no harm, each as the
start of "REMEDY SERVICE to UPLINK"; whatever else is done is a false action.
"""

import dataclasses
import os
import signal
import threading
import time
import typing

from store import BULK, DNS, HERE, LOOSE, ORDERS, PAYMENTS, PAYMENTS_PORT

AWAY = ("trial", "reroute", "fast-reroute", "restore")  # of whoever suffers, and back


@dataclasses.dataclass
class Failure:
    """One way to fail."""
    name: str
    fault: str
    inject: typing.Callable  # (stack, store, faults): undone by the stack; when it began, in ns
    verdicts: tuple = ()     # any of them is right; none = nothing need be said
    must: tuple = ()
    may: tuple = ()
    service: str = "pos"
    culprit: str = ""        # whose throttling is about it as well
    seconds: float = 6.0
    says: tuple = ()         # what decisions have to say, each by one at least
    spares: bool = False     # no payment may fail
    never: tuple = ()        # what none may say
    # (paths of the picture by service, on fibre): does the fault show?  None: by the verdict.
    shows: typing.Callable = None


# ---- how faults are made ----

def _link(**settings):
    """Fibre with these settings in both directions."""
    def inject(stack, store, faults):
        stack.callback(store.wan["fibre"].restore)
        return store.wan["fibre"].worsen(**settings)
    return inject


def _delay(more_ms):
    def inject(stack, store, faults):
        stack.callback(store.wan["fibre"].restore)
        return store.wan["fibre"].delay_more(more_ms)
    return inject


def _flap(period, seconds):
    """Down for half of each period."""
    def inject(stack, store, faults):
        fibre, stop = store.wan["fibre"], threading.Event()

        def flap():
            while not stop.is_set():
                fibre.cut()
                stop.wait(period / 2)
                fibre.restore()
                stop.wait(period / 2)

        thread = threading.Thread(target=flap)
        began_ns = time.monotonic_ns()
        thread.start()
        stack.callback(fibre.restore)
        stack.callback(thread.join)
        stack.callback(stop.set)
        return began_ns
    return inject


def _rules(namespace, text):
    """nftables rules for as long as the fault is."""
    def inject(stack, store, faults):
        table = text.split("{", 1)[0].split("table ", 1)[1].strip()
        store.run.shell(namespace, f"nft -f - <<'EOF'\n{text}\nEOF")
        stack.callback(store.run.shell, namespace, f"nft delete table {table}")
        return time.monotonic_ns()
    return inject


def _table(family, **chains):
    """A table of nftables: chain=(hook and priority, rule, ...)."""
    lines = [f"table {family} fault {{"]
    for name, (hook, *rules) in chains.items():
        lines += [f"  chain {name} {{", f"    type filter hook {hook}",
                  *(f"    {rule}" for rule in rules), "  }"]
    return "\n".join(lines + ["}"])


def _lossy_host(address, percent, uplink=None):
    """Both ways between the store and one address, by one uplink or by all."""
    came = f'iifname "{uplink}0" ' if uplink else ""
    went = f'oifname "{uplink}0" ' if uplink else ""
    lost = f"numgen random mod 100 < {percent} drop"
    return _table("inet", came=("prerouting priority -350", f"{came}ip daddr {address} {lost}"),
                  went=("output priority -350", f"{went}ip saddr {address} {lost}"))


REFUSES = _table("inet", came=("input priority 0", f"ip daddr {PAYMENTS} tcp dport "
                               f"{PAYMENTS_PORT} reject with tcp reset"))
LOSSY_LAN = _table("bridge", forward=("forward priority 0",
                                      "ip saddr 10.42.20.0/24 numgen random mod 100 < 6 drop",
                                      "ip daddr 10.42.20.0/24 numgen random mod 100 < 6 drop"))

def _bloat(stack, store, faults):
    began_ns = time.monotonic_ns()
    for download in store.download():
        stack.callback(download.end)
    return began_ns


def _spikes(stack, store, faults):
    """A satellite's 15 s cycle, quickened: a short rise of delay, again and again; and jitter."""
    fibre, stop = store.wan["fibre"], threading.Event()

    def cycle():
        while not stop.wait(2.6):
            fibre.delay_more(40)
            stop.wait(0.2)
            fibre.worsen(jitter_ms=12)
            stop.wait(0.2)

    thread = threading.Thread(target=cycle)
    began_ns = fibre.worsen(jitter_ms=12)
    thread.start()
    stack.callback(fibre.restore)
    stack.callback(thread.join)
    stack.callback(stop.set)
    return began_ns


USUAL_S = 20  # dataplane/requests.h: so long after its start it is known what is usually answered


def _stopped(name):
    """A process of the datacenter that hangs, when the dataplane knows what is usual."""
    def inject(stack, store, faults):
        time.sleep(USUAL_S)
        process = next(p for p in store.run.processes if p.name == name)
        began_ns = time.monotonic_ns()
        process.kill(signal.SIGSTOP)
        stack.callback(process.kill, signal.SIGCONT)
        return began_ns
    return inject


def _dumb_resolver(stack, store, faults):
    """The handheld's own resolver leaves half of its questions alone."""
    words = ("/usr/bin/python3", os.path.join(HERE, "asker.py"))
    resolver = store.run.start("dc", "resolver", *words, "answer", BULK).ready()
    asker = store.run.start("handheld", "asker", *words, "ask", BULK, "20")
    time.sleep(4)  # it works, at first
    stack.callback(resolver.end)
    stack.callback(asker.end)
    began_ns = time.monotonic_ns()
    resolver.kill(signal.SIGUSR1)
    return began_ns


GUESTS = 100


def _attack(attackers, and_then=None):
    """Some of a hundred guests lie; what their hosts acknowledge, they do late."""
    def inject(stack, store, faults):
        run, to = store.run, [f"10.42.65.{n}" for n in range(1, GUESTS + 1)]
        run.ip("guest", *(f"addr add {name}/16 dev eth0" for name in to))
        stack.callback(run.ip, "guest", *(f"addr del {name}/16 dev eth0" for name in to))
        liars = f"ip saddr {to[0]}-{to[attackers - 1]}"
        late = _rules("guest", _table("inet", late=(
            "output priority 0", f"{liars} meta length < 60 tcp flags & (syn|fin|ack) == ack "
                                 "numgen random mod 100 < 70 drop")))
        late(stack, store, faults)
        began_ns = and_then(stack, store, faults) if and_then else time.monotonic_ns()
        crowd = run.start("guest", "crowd", "/usr/bin/python3", os.path.join(HERE, "crowd.py"),
                          BULK, str(GUESTS), str(attackers)).ready()
        stack.callback(crowd.end)
        return began_ns
    return inject


def _lies_show(paths):
    """The guests' repeats and SYNs are measured as what they are, and not in pos."""
    guests, pos = paths["wifi-guest"], paths["pos"]
    return guests["loss_from_lan"]["spurious"] + guests["bogus"] > 0 and guests["attempts"] > 20 \
        and not pos["bogus"] and not pos["loss_from_lan"]["spurious"]


RESTING, RESTS = 24, 6       # terminals of till1's counter, and how long each is silent
FORGETS_AFTER = 3            # seconds, which nobody else's connections rest
KEEP_ALIVE = ("set the terminal's keep-alive below",)
DEAD = ("use offline mode",)  # that is for a processor that is


def _forgetful(how):
    """A firewall before the datacenter that forgets what rests; of that it wants no more."""
    def inject(stack, store, faults):
        run = store.run
        resting = run.start("till1", "idler", "/usr/bin/python3", os.path.join(HERE, "idler.py"),
                            ORDERS, "orders.example", run.file("cert.pem"), str(RESTING),
                            str(RESTS))
        stack.callback(resting.end)
        _rules("dc", _table("inet", forgotten=("input priority 0", "ct state invalid tcp flags & "
                                               f"(syn|fin|rst) == 0 {how}")))(stack, store, faults)
        _firewall(run, 1, FORGETS_AFTER)
        stack.callback(_firewall, run, 1, 432000)
        time.sleep(2.5 * RESTS)  # so that it knows all connections, and Storeline how it goes well
        began_ns = time.monotonic_ns()
        _firewall(run, 0, FORGETS_AFTER)
        return began_ns
    return inject


def _firewall(run, takes_up, forgets_after):
    """takes_up: 1 = what it does not know, it learns from any packet; 0 = from a SYN only."""
    run.shell("dc", f"sysctl -qw net.netfilter.nf_conntrack_tcp_loose={takes_up} "
                    f"net.netfilter.nf_conntrack_tcp_timeout_established={forgets_after} "
                    "net.netfilter.nf_conntrack_tcp_be_liberal=1")


PAST = "10.42.30.1/32"  # the handheld, which has the way back to itself


def _past_the_box(stack, store, faults):
    """The datacenter answers the handheld by a wire of its own: the box sees only what is asked."""
    run = store.run
    run.ip("sw", "link add past type veth peer name past0 netns {dc}", "link set past master br0",
           "link set past up")
    stack.callback(run.ip, "sw", "link del past")
    run.shell("dc", LOOSE.format(devices="fibre0 lte0 past0"))
    run.ip("dc", "link set past0 up", f"route add {PAST} dev past0 src {ORDERS}",
           f"rule add to {PAST} lookup main pref 1")
    stack.callback(run.ip, "dc", f"rule del to {PAST} lookup main pref 1")
    return _rules("box", _table("inet", bare=("prerouting priority raw",
                                              f"ip saddr {PAST} notrack")))(stack, store, faults)


def _blind(paths):
    path = paths["click-and-collect"]
    return path["state"] == "blind" and path["reason"].startswith("one-way") and \
        not path.get("rtt_wan", {}).get("samples")


GUEST_VLAN = "64"


def _starved(starve_s):
    """The guests' VLAN has no address left; after a while somebody else hands out his own."""
    def inject(stack, store, faults):
        # What leaves the bridge is what a wire would carry: the tag in the frame, not beside it.
        store.run.shell("sw", "ethtool -K up0 txvlan off")
        stack.callback(store.run.shell, "sw", "ethtool -K up0 txvlan on")
        crowd = store.run.start("guest", "dhcp", "/usr/bin/python3", os.path.join(HERE, "dhcp.py"),
                                GUEST_VLAN, str(starve_s)).ready()
        stack.callback(crowd.end)
        began_ns = time.monotonic_ns()
        crowd.kill(signal.SIGUSR1)
        return began_ns
    return inject


def _both(*injects):
    """Faults that have nothing to do with each other, at once."""
    def inject(stack, store, faults):
        return [one(stack, store, faults) for one in injects][0]
    return inject


def _sick(stack, store, faults):
    """The dataplane hangs while an uplink loses packets: nobody may act on old pictures."""
    box = faults.storeline
    began_ns = time.monotonic_ns()
    box.dataplane.kill(signal.SIGSTOP)
    stack.callback(box.dataplane.kill, signal.SIGCONT)
    return began_ns


CATALOGUE = (
    Failure("uplink-down", "fibre is dark", _link(blackhole=True), ("uplink",),
            must=("fast-reroute pos",), may=AWAY),
    Failure("brownout-loss", "3 % loss on fibre", _link(loss=0.03), ("uplink",),
            must=("reroute pos to lte",), may=AWAY),
    Failure("brownout-delay", "150 ms more on fibre", _delay(150), ("uplink",),
            must=("reroute pos to lte",), may=AWAY),
    Failure("flapping", "fibre is dark each other half second", _flap(1.0, 12), ("uplink",),
            may=AWAY, seconds=12),
    Failure("bufferbloat", "a guest's download fills fibre", _bloat, ("uplink",),
            must=("throttle wifi-guest",), may=("throttle wifi-guest",), seconds=8,
            culprit="wifi-guest"),
    Failure("peering", "only the payment host is lossy on fibre",
            _rules("dc", _lossy_host(PAYMENTS, 5, "fibre")), ("destination",),
            may=("trial pos to lte", "reroute pos to lte", "restore pos")),
    Failure("resolver", "half of the DNS questions go unanswered", _dumb_resolver, ("dns",),
            service="click-and-collect", seconds=9),
    Failure("processor-hangs", "the payment host answers nothing", _stopped("payhost"),
            ("destination",), seconds=20),
    Failure("processor-refuses", "the payment host refuses connections", _rules("dc", REFUSES),
            ("destination",)),
    Failure("processor-lossy", "the payment host is lossy by every uplink",
            _rules("dc", _lossy_host(PAYMENTS, 5)), ("destination",)),
    Failure("lan", "6 % loss between the tills and the box", _rules("sw", LOSSY_LAN), ("lan",)),
    Failure("mtu", "packets over 1000 bytes vanish on fibre", _link(mtu=1000), ("uplink",),
            must=("clamp-mss",), may=AWAY + ("clamp-mss",), service="click-and-collect",
            seconds=8),
    Failure("mtu-tunnel", "packets over 1300 bytes vanish on fibre", _link(mtu=1300),
            ("uplink",), must=("clamp-mss",), may=AWAY + ("clamp-mss",),
            service="click-and-collect", seconds=25),
    Failure("sick", "the dataplane hangs", _sick, ("self",), seconds=3),
    *(Failure(f"attack-{share}", f"{share} of 100 guests lie about their packets and flood SYNs",
              _attack(share), may=("throttle wifi-guest",), seconds=8, shows=_lies_show) for share in (1, 10, 50)),
    Failure("attack-lan", "6 % loss between the tills and the box, and 50 of 100 guests lie",
            _attack(50, _rules("sw", LOSSY_LAN)), ("lan",), may=("throttle wifi-guest",),
            seconds=8),
    Failure("attack-processor", "the payment host is lossy by every uplink, and 50 of 100 guests lie",
            _attack(50, _rules("dc", _lossy_host(PAYMENTS, 5))), ("destination",),
            may=("throttle wifi-guest",), seconds=8),
    Failure("nat-idle", "a firewall forgets connections that rest, and resets them",
            _forgetful("reject with tcp reset"), ("destination",), seconds=15, says=KEEP_ALIVE, never=DEAD),
    Failure("nat-idle-silent", "a firewall forgets connections that rest, and is silent",
            _forgetful("drop"), ("destination",), seconds=15, says=KEEP_ALIVE, never=DEAD),
    Failure("one-way", "what the handheld is answered passes by another way", _past_the_box,
            service="click-and-collect", seconds=12, shows=_blind),
    Failure("refuses-bloat", "the payment host refuses, and a guest's download fills fibre",
            _both(_rules("dc", REFUSES), _bloat), ("destination",), may=("throttle wifi-guest",),
            seconds=8),
    Failure("lan-peering", "6 % loss between the tills and the box, and the orders' host is "
            "lossy on fibre", _both(_rules("sw", LOSSY_LAN),
                                    _rules("dc", _lossy_host(ORDERS, 5, "fibre"))), ("lan",),
            may=tuple(f"{word} click-and-collect" for word in AWAY), seconds=8),
    Failure("satellite", "spikes and jitter as of a satellite, within the SLO", _spikes,
            seconds=15),
    Failure("dhcp", "the guests' VLAN has no address left, then a rogue server answers", _starved(16),
            ("lan",), service="wifi-guest", seconds=32, spares=True,
            says=("DHCP on VLAN 64 (wifi-guest)", "devices ask for an address and get none",
                  "the pool is likely full", "server 10.9.9.9 answers that was not there before")),
)

__all__ = ["CATALOGUE", "DNS", "Failure"]
