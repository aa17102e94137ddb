# shellcheck shell=bash
# lib.sh - what the scripts share: packages, builds, messages
#
# Source it; it changes no option of the shell and prints nothing by itself.
#   SL_ROOT                        the repository
#   sl_say, sl_warn, sl_die        one line to stdout / stderr / stderr and exit
#   sl_install [build|run|check]…  Debian packages, only what is missing (none named: build run)
#   sl_build DIR [meson option…]   configure once, compile, silent unless it fails

SL_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One line a package: its group, its name, why it is there.
SL_PACKAGES='
build build-essential        gcc, libc headers, libasan
build meson                  the build
build ninja-build            the build
build pkg-config             how meson finds the libraries
build clang                  compiles the BPF program; second compiler of the C
build llvm                   llvm-strip, for the BPF object
build bpftool                BPF skeleton from the object
build linux-libc-dev         linux/bpf.h and the packet headers
build libbpf-dev             loads and pins the BPF program
build libhiredis-dev         the protocol of Redis, in proto/bus
build libprotobuf-c-dev      messages, in proto/wire
build protobuf-c-compiler    proto/storeline.proto to C
build libevent-dev           the loop of the daemons, the connections of proto/bus
build libyaml-dev            the policy, with line and column
build libjansson-dev         the JSON mirror and --json
build libmnl-dev             netlink: links, rules, routes
build libdpdk-dev        the DPDK engine: EAL, drivers, mbufs, RCU
build libxdp-dev         AF_XDP sockets, for the test of the handover to DPDK
build libssl-dev             AES and HMAC for the Initials of QUIC; TLS of the payment host and the till
build libndpi-dev            applications of flows, from their first packets
build libncurses-dev       the screen of storeline top
build libcmocka-dev          unit tests
build nodejs                 npm; drives the browser in tests/web
build npm                    uPlot for the page, by its lock file
run   redis-server           the bus of a site
run   iproute2               namespaces, links, routes, rules
run   nftables               NAT on the uplinks
run   ethtool                offloads of the virtual links
run   procps                 ps, pgrep, sysctl
run   openssl                certificates of the virtual store
run   nginx                  click-and-collect of the virtual store
run   curl                   the clients of the virtual store
run   tmux                   a terminal, for the test of storeline top
run   python3                hosts of the virtual store, tests, checks
bench dpdk-dev           dpdk-testpmd, the baseline of the DPDK engine
bench valgrind           callgrind: instructions a packet
check clang-format           scripts/check: format
check clang-tidy             scripts/check: bugs
check cppcheck               scripts/check: bugs
check mandoc                 the manual pages
check shellcheck             scripts/check: scripts
check libclang-rt-14-dev     sanitizers of clang, and libFuzzer for scripts/fuzz
check git                    which files are ours
check chromium               the page in a real browser, in tests/web
check prometheus             promtool, and a scrape of /metrics, in tests/web
check iputils-ping         the hosts around the DPDK engine, in tests/net
'

sl_say() {
	printf '%s\n' "$*"
}

sl_warn() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# sl_die CODE message…
sl_die() {
	local code=$1
	shift
	sl_warn "$@"
	exit "$code"
}

# The packages of the groups $@ that are not installed, one a line.
sl_missing() {
	local group name
	while read -r group name _; do
		case " $* " in
		*" $group "*) ;;
		*) continue ;;
		esac
		# Some packages of nodejs bring npm along and conflict with Debian's.
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			{ [ "$name" = npm ] && command -v npm >/dev/null; } || printf '%s\n' "$name"
	done <<<"$SL_PACKAGES"
}

# Packages must not start or enable the machine's own redis, nginx and Prometheus: ours are private ones.
sl_apt_install() (
	rc_d=/usr/sbin/policy-rc.d
	log=$(mktemp)
	[ ! -e "$rc_d" ] || cp -a "$rc_d" "$log.rc"
	trap 'rm -f "$rc_d"; [ ! -e "$log.rc" ] || mv "$log.rc" "$rc_d"; rm -f "$log"' EXIT
	trap 'exit 130' INT TERM
	rm -f "$rc_d"
	printf '#!/bin/sh\nexit 101\n' >"$rc_d"
	chmod 755 "$rc_d"
	export DEBIAN_FRONTEND=noninteractive
	{
		apt-get -q update &&
			apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
				--no-install-recommends install "$@"
	} >"$log" 2>&1 </dev/null || {
		tail -n 20 "$log" >&2
		exit 1
	}
	for unit in redis-server nginx prometheus; do
		case " $* " in
		*" $unit "*) systemctl disable "$unit" >/dev/null 2>&1 || true ;;
		esac
	done
)

# The page's packages beside its package.json, so that no build needs the network for them.
sl_npm() {
	local web=$SL_ROOT/control/web log
	[ "$web/package-lock.json" -nt "$web/node_modules/.package-lock.json" ] || return 0
	log=$(mktemp)
	sl_warn "npm ci in control/web"
	if ! (cd "$web" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# Install what is missing of the groups $@, and for a build the page's packages.  Exits 4 when it may not, 1 when apt cannot.
sl_install() {
	local missing
	[ $# -gt 0 ] || set -- build run
	command -v dpkg-query >/dev/null || sl_die 1 "needs Debian 12: no dpkg-query here"
	mapfile -t missing < <(sl_missing "$@")
	if [ ${#missing[@]} -gt 0 ]; then
		[ "$(id -u)" -eq 0 ] || sl_die 4 "run as root to install: ${missing[*]}"
		sl_warn "installing ${missing[*]}"
		sl_apt_install "${missing[@]}" || sl_die 1 "apt-get could not install: ${missing[*]}"
	fi
	case " $* " in
	*" build "*) sl_npm || sl_die 1 "npm ci in control/web failed: the page needs its packages" ;;
	esac
}

# Compile into DIR.  0, or 1 with the end of the log on stderr.  CC chooses the compiler.
sl_build() {
	local dir=$1 want=${CC:-gcc} log linker=gold
	shift
	# It comes with binutils, and links our hundred programs in half the time of ld.bfd.
	command -v ld.gold >/dev/null || linker=bfd
	want="$want $*"
	log="$dir/build.log"
	mkdir -p "$dir"
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/build.options" 2>/dev/null)" != "$want" ]; then
		rm -rf "$dir/meson-private" "$dir/meson-info" "$dir/build.ninja"
		if ! CC=${CC:-gcc} CC_LD=$linker meson setup "$dir" "$SL_ROOT" "$@" >"$log" 2>&1; then
			sl_warn "meson setup $dir failed:"
			tail -n 30 "$log" >&2
			return 1
		fi
		printf '%s\n' "$want" >"$dir/build.options"
	fi
	if ! ninja -C "$dir" >"$log" 2>&1; then
		sl_warn "ninja -C $dir failed:"
		grep -v '^\[[0-9]*/[0-9]*\] \|Cannot export local symbol' "$log" | head -n 80 >&2
		return 1
	fi
}
