"""The virtual store: hosts, the box, two WAN links and a datacenter, in network namespaces.

    till1..3 handheld camera guest      fibre: wanlink
       └── bridge in sw ── lan0 [box] ──< NAT >── dc: payment host, nginx, DNS, recorder
                                        lte: wanlink

The box has one LAN port and two uplinks, as policy.yaml says.  Traffic is real: TLS payments,
HTTPS, a camera's upload, guests.  open() lays out the network, the links and the servers;
trade() starts the customers; storeline.py puts Storeline on the box.

Without NAT (an engine that forwards by itself does none) the store's addresses are seen in dc,
which answers by the uplink that the connection's packets last came by, as a provider does that
follows the store: so a connection lives on when it is moved.
"""

import os
import signal
import subprocess

from netns import Broken, Process, Run, command
from tills import Book
from wan import WanLink

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

PAYMENTS, PAYMENTS6, PAYMENTS_PORT = "198.18.0.10", "fd18::10", 7003
ORDERS, BULK, RECORDER, DNS = "198.18.0.20", "198.18.0.30", "198.18.0.40", "198.18.0.53"

# Host: address on the LAN 10.42.0.0/16; its number ends the IPv6 address.
HOSTS = {"till1": "10.42.20.1", "till2": "10.42.20.2", "till3": "10.42.20.3",
         "handheld": "10.42.30.1", "camera": "10.42.40.1", "guest": "10.42.64.1"}

# Uplink: box, datacenter, and the IPv6 network between them.
UPLINKS = {"fibre": ("192.0.2.2", "192.0.2.1", "fd00:f::"),
           "lte": ("198.51.100.2", "198.51.100.1", "fd00:1::")}

# What the links are when all is well.  A full fibre queue delays by 200 ms: bufferbloat.
WAN = {"fibre": ({"delay_ms": 10, "rate_mbit": 100, "queue_bytes": 1_000_000},
                 {"delay_ms": 10, "rate_mbit": 100, "queue_bytes": 2_500_000}),
       "lte": ({"delay_ms": 18, "jitter_ms": 3, "rate_mbit": 20, "queue_bytes": 250_000},
               {"delay_ms": 18, "jitter_ms": 3, "rate_mbit": 40, "queue_bytes": 500_000})}

PER_TILL = 8.0  # transactions a second
# till1 keeps its connection, as most do; till2 reconnects at times, till3 for each payment.
# A second terminal of till3 pays over IPv6, a quarter as often.
PER_CONNECTION = {"till1": 0, "till2": 12, "till3": 1}

# What leaves a veth is what a wire would carry.  (/sys shows the namespace it was mounted in.)
QUIET_CABLE = ("for i in $(ip -br link | sed 's/[@ ].*//'); do ethtool -K $i tso off gso off "
               "gro off tx off rx off sg off >/dev/null 2>&1 || true; done")

# Loss-based as on a till, and so that a bulk flow does fill a queue: CUBIC where a namespace may
# choose it.  No memory of earlier connections: each phase stands alone.
HOST_SYSCTL = ("sysctl -qw net.ipv4.tcp_congestion_control=cubic 2>/dev/null || "
               "sysctl -qw net.ipv4.tcp_congestion_control=reno; "
               "sysctl -qw net.ipv4.tcp_no_metrics_save=1 net.ipv6.conf.all.accept_ra=0")

LOOSE = ("sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.rp_filter=2; "
         "for i in {devices}; do sysctl -qw net.ipv4.conf.$i.rp_filter=2; done")
BOX_SYSCTL = ("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; "
              + LOOSE.format(devices="lan0 fibre0 lte0"))

NAT = """
table inet nat {
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname { "fibre0", "lte0" } masquerade
  }
}
"""

# Without NAT: what dc does with a connection, by the mark of the uplink it came by.  Every packet
# from the store sets it, not the first alone, so that a connection that was moved is followed.
FOLLOW = """
table inet follow {{
  chain came {{
    type filter hook prerouting priority mangle
{came}
  }}
  chain answer {{
    type route hook output priority mangle
    meta mark set ct mark
  }}
}}
"""
LAN, LAN6 = "10.42.0.0/16", "fd42::/64"

NGINX = """
daemon off; master_process off; worker_processes 1; user root;
pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir};
  server {{
    listen {orders}:443 ssl;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
  server {{ listen {bulk}:80; root {dir}/bulk; }}
}}
"""


def follow_rules(uplinks):
    """nftables of dc: mark 1 for the first uplink, 2 for the second."""
    return FOLLOW.format(came="\n".join(
        f'    ct direction original iifname "{name}0" ct mark set {mark}'
        for mark, name in enumerate(uplinks, 1)))


def follow_routes(uplinks):
    """Commands for dc: back to the store by mark, without one by the first uplink."""
    lines = []
    for mark, (box, _, v6) in enumerate(uplinks.values(), 1):
        for family, to in ((4, f"{LAN} via {box}"), (6, f"{LAN6} via {v6}2")):
            lines += [f"ip -{family} route add {to} table {mark}",
                      f"ip -{family} rule add fwmark {mark} lookup {mark}"]
            if mark == 1:
                lines.append(f"ip -{family} route add {to}")
    return "\n".join(lines)


class Store:
    """One virtual store.  Use as a context: leaving it takes everything away."""

    def __init__(self, programs, nat=True, run=None):
        self.programs = programs
        self.nat = nat
        self.run = run or Run()
        self.wan = {}
        self.book = None
        self.rates = {}
        self.tills = []
        self.handhelds = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for link in self.wan.values():
            link.close()
        self.run.close()

    def open(self):
        """The network, the links and the servers; nobody trades yet."""
        self._lay_out_lan()
        self._lay_out_uplinks()
        self._address_box()
        for namespace in self.run.namespaces:
            self.run.shell(namespace, QUIET_CABLE)
        self._start_links()
        self._start_servers()
        return self

    # ---- network ----

    def _lay_out_lan(self):
        run = self.run
        run.add("box", "sw", *HOSTS)
        run.ip("sw", "link add br0 type bridge stp_state 0 mcast_snooping 0",
               "link add up0 type veth peer name lan0 netns {box}",
               "link set up0 master br0", "link set up0 up", "link set br0 up")
        for name, address in HOSTS.items():
            run.shell(name, HOST_SYSCTL)
            run.ip("sw", f"link add {name} type veth peer name eth0 netns {{{name}}}",
                   f"link set {name} master br0", f"link set {name} up")
            run.ip(name, "link set lo up", "link set eth0 up",
                   f"addr add {address}/16 dev eth0", "route add default via 10.42.0.1",
                   f"addr add fd42::{address.replace('.', ':')}/64 dev eth0 nodad",
                   "route add ::/0 via fd42::1")
        # Some tills' systems send no timestamps.
        run.shell("till1", "sysctl -qw net.ipv4.tcp_timestamps=0")

    def _lay_out_uplinks(self):
        run = self.run
        run.add("dc", *UPLINKS)
        run.shell("dc", HOST_SYSCTL)
        run.ip("dc", "link set lo up", f"addr add {PAYMENTS6}/128 dev lo nodad",
               *(f"addr add {a}/32 dev lo" for a in (PAYMENTS, ORDERS, BULK, RECORDER, DNS)))
        for name, (_, datacenter, v6) in UPLINKS.items():
            run.shell(name, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
                            "net.ipv6.conf.default.disable_ipv6=1")
            run.ip(name, f"link add store type veth peer name {name}0 netns {{box}}",
                   f"link add datacenter type veth peer name {name}0 netns {{dc}}",
                   "link set store up", "link set datacenter up")
            run.ip("dc", f"link set {name}0 up", f"addr add {datacenter}/30 dev {name}0",
                   f"addr add {v6}1/64 dev {name}0 nodad")

    def _address_box(self):
        run = self.run
        run.ip("box", "link set lo up", "link set lan0 up", "addr add 10.42.0.1/16 dev lan0",
               "addr add fd42::1/64 dev lan0 nodad")
        for metric, (name, (box, datacenter, v6)) in enumerate(UPLINKS.items()):
            run.ip("box", f"link set {name}0 up", f"addr add {box}/30 dev {name}0",
                   f"addr add {v6}2/64 dev {name}0 nodad",
                   f"route add default via {datacenter} metric {100 + metric}",
                   f"route add ::/0 via {v6}1 metric {100 + metric}")
        run.shell("box", BOX_SYSCTL)
        if self.nat:
            self._load_nft("box", NAT)
        else:
            self._follow_in_dc()

    def _load_nft(self, namespace, rules):
        self.run.shell(namespace, f"nft -f - <<'EOF'\n{rules}\nEOF")

    def _follow_in_dc(self):
        """Strict rp_filter would drop what comes by the uplink without the main route."""
        self.run.shell("dc", LOOSE.format(devices=" ".join(f"{name}0" for name in UPLINKS)))
        self.run.shell("dc", follow_routes(UPLINKS))
        self._load_nft("dc", follow_rules(UPLINKS))

    def _start_links(self):
        for seed, name in enumerate(UPLINKS):
            path = self.run.file(name + ".sock")
            self.run.start(name, "wanlink-" + name, self.program("wanlink"), "--store", "store",
                           "--datacenter", "datacenter", "--control", path,
                           "--seed", str(seed + 1)).ready()
            self.wan[name] = WanLink(path, *WAN[name])

    # ---- servers ----

    def program(self, name):
        path = os.path.join(self.programs, "tests", "net", name)
        if not os.path.exists(path):
            raise Broken(f"{path} is not built")
        return path

    def _certificate(self):
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=virtual store",
                "-addext", "subjectAltName=DNS:payments.example,DNS:orders.example",
                "-keyout", self.run.file("key.pem"), "-out", self.run.file("cert.pem"))

    def _start_servers(self):
        run = self.run
        self._certificate()
        run.start("dc", "payhost", self.program("payhost"), "--cert", run.file("cert.pem"),
                  "--key", run.file("key.pem"), "--port", str(PAYMENTS_PORT)).ready()
        run.start("dc", "datacenter", "/usr/bin/python3", os.path.join(HERE, "datacenter.py"),
                  DNS, RECORDER, ORDERS).ready()
        os.mkdir(run.file("bulk"))
        with open(run.file("bulk/file"), "wb") as bulk:
            bulk.truncate(8 << 30)
        with open(run.file("nginx.conf"), "w", encoding="ascii") as conf:
            conf.write(NGINX.format(dir=run.directory, orders=ORDERS, bulk=BULK,
                                    body='{"orders":"' + "." * 1500 + '"}'))
        run.start("dc", "nginx", "nginx", "-e", run.file("nginx.log"), "-c",
                  run.file("nginx.conf"))

    # ---- traffic ----

    def trade(self, rate=PER_TILL):
        """Open the shop: tills, handheld, camera, a guest who reads the news."""
        for name in PER_CONNECTION:
            self._till(name, name, PAYMENTS, PER_CONNECTION[name], rate)
        self._till("till3v6", "till3", PAYMENTS6, 4, rate / 4)
        self.handhelds = [self._https("handheld", "3"), self._https("guest", "1")]
        self.run.start("camera", "camera", "/usr/bin/python3", os.path.join(HERE, "camera.py"),
                  RECORDER, "3")
        self.book = Book([till.out for till in self.tills])
        return self

    def _till(self, name, namespace, host, per_connection, rate):
        self.rates[name] = rate
        self.tills.append(self.run.start(
            namespace, name, self.program("till"), "--host", host, "--ca",
            self.run.file("cert.pem"), "--name", name, "--rate", str(rate),
            "--per-connection", str(per_connection)))

    def _https(self, name, rate):
        return self.run.start(name, "https-" + name, "/usr/bin/python3",
                              os.path.join(HERE, "handheld.py"), DNS, "orders.example",
                              self.run.file("cert.pem"), rate)

    def renew(self):
        """Have the tills take new connections."""
        for till in self.tills:
            till.kill(signal.SIGUSR1)

    def download(self, connections=3):
        """A guest fetches a big file over some connections; end() the processes to stop."""
        return [self.run.start("guest", f"bulk{i}", "curl", "-s", "-o", "/dev/null",
                               f"http://{BULK}/file") for i in range(connections)]

    def close_shop(self, within=5.0):
        """No new transactions; wait for those under way.  The final tally's book."""
        for till in self.tills:
            till.kill()
        for till in self.tills:
            try:
                till.popen.wait(within)
            except subprocess.TimeoutExpired:
                till.kill()
                till.end()
        return self.book.read()


__all__ = ["Broken", "Process", "Run", "Store"]
