"use strict";
// The part of the bootstrap that only a new Node can read: the compile cache first, since it only helps what is loaded
// after it, then the command line. Threads and child processes start with a cache only when the environment names one, and
// hundreds of modules stripped of their types are most of what a thread costs to start.
const { existsSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { setFlagsFromString } = require("node:v8");

process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");
enableCompileCache();
// The way of a host call is one piece of machine code only when more may be inlined than V8 thinks right for pages
// (bench: P5, P6).
setFlagsFromString("--max-inlined-bytecode-size-cumulative=3000");
setFlagsFromString("--max-inlined-bytecode-size=1000");
// A checkout runs from source; a published package holds the emitted JavaScript.
const source = join(__dirname, "../host/cli/main.ts");
const entry = existsSync(source) ? source : source.replace(/ts$/, "js");
import(pathToFileURL(entry).href).then(
  ({ main }) => main(process.argv.slice(2)),
  (error) => {
    process.stderr.write(`sluice could not start: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  },
);
