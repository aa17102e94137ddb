#!/usr/bin/env python3
"""Make the page's files a C source: embed.py OUT.c NODE_MODULES_STAMP FILE...

Each file becomes an array with its path, type and ETag (of its content, so a browser asks
again and is told 304).  uPlot comes from node_modules beside this file, or from the folder
that the stamp file names.
"""
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
HEADER = """/*
 * web_assets.c - the page; made by control/web/embed.py
 */
#include "control/web_private.h"

"""


def array(number, data):
    lines = [",".join(map(str, data[i:i + 32])) for i in range(0, len(data), 32)]
    return f"static const unsigned char file{number}[] = {{\n" + ",\n".join(lines) + "\n};\n"


def row(number, name, data):
    kind = TYPES[os.path.splitext(name)[1]]
    tag = hashlib.sha256(data).hexdigest()[:20]
    return f'\t{{"/{name}", "{kind}", "\\"{tag}\\"", file{number}, sizeof(file{number})}},\n'


def main(out, stamp, *files):
    with open(stamp, encoding="utf-8") as file:
        uplot = os.path.join(file.read().strip(), "uplot", "dist")
    wanted = [(os.path.basename(path), path) for path in files]
    wanted += [("uplot.js", os.path.join(uplot, "uPlot.iife.min.js")),
               ("uplot.css", os.path.join(uplot, "uPlot.min.css"))]
    arrays, rows = "", ""
    for number, (name, path) in enumerate(wanted):
        with open(path, "rb") as file:
            data = file.read()
        arrays += array(number, data)
        rows += row(number, name, data)
    with open(out, "w", encoding="utf-8") as file:
        file.write(HEADER + arrays + "\nconst struct sl_web_asset sl_web_assets[] = {\n" + rows +
                   f"}};\nconst size_t sl_web_assets_count = {len(wanted)};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
