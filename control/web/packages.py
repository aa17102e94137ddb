#!/usr/bin/env python3
"""See that the page's packages are there: packages.py STAMP; writes the node_modules folder.

scripts/run and scripts/test have installed them beside package.json (`npm ci`), and then
nothing is fetched here.  A plain `meson setup` fetches what the page itself needs into its
build folder, once, by the lock file.
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def stop(why):
    sys.exit(f"control/web: {why}\n"
             "the page needs uPlot: `./scripts/run` and `./scripts/test` install nodejs and npm and\n"
             "run `npm ci` in control/web; by hand: apt-get install npm && cd control/web && npm ci")


def fetch(folder):
    """npm ci in @folder, of the page's own packages alone."""
    if not shutil.which("npm"):
        stop("npm is missing")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, name), folder)
    done = subprocess.run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
                          cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        stop("npm ci failed:\n" + (done.stderr or done.stdout)[-2000:])


def main(stamp):
    modules = os.path.join(HERE, "node_modules")
    if not os.path.isdir(os.path.join(modules, "uplot", "dist")):
        folder = stamp + ".d"
        fetch(folder)
        modules = os.path.join(folder, "node_modules")
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(os.path.abspath(modules) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
