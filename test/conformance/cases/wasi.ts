// WASI (abi.md 12): every function under both module names, and what traps.
import type { Case } from "../case.ts";
import { call, end, on, out, type Arg, type Operation, type Results } from "../script.ts";

const SUCCESS = 0;
const BADF = 8;
const FAULT = 21;
const INVAL = 28;
const NOENT = 44;
const NOSYS = 52;
const NOTDIR = 54;
const NOTSUP = 58;

type Row = readonly [name: string, args: readonly Arg[], gives: number, results?: Results];

const OUTPUT_ONLY: readonly (readonly [string, number])[] = [
  ["fd_allocate", 2],
  ["fd_datasync", 0],
  ["fd_sync", 0],
  ["fd_fdstat_set_rights", 2],
  ["fd_filestat_set_size", 1],
  ["fd_filestat_set_times", 3],
];
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

/** One case a row: id and the calls. */
const ROWS: readonly (readonly [id: string, title: string, rows: readonly Row[]])[] = [
  [
    "clock_time_get",
    "clocks 0 and 1 tell the time, others do not exist",
    [
      ["clock_time_get", [0, 0, out()], SUCCESS, { words: { 0: null, 4: null } }],
      ["clock_time_get", [1, 0, out()], SUCCESS, { words: { 0: null, 4: null } }],
      ["clock_time_get", [2, 0, out()], NOTSUP],
      ["clock_time_get", [0xffffffff, 0, out()], NOTSUP],
      ["clock_time_get", [0, 0, end(-7)], FAULT],
      ["clock_time_get", [1, 0, 0xffffffff], FAULT],
    ],
  ],
  [
    "clock_res_get",
    "the resolution is 1 ns",
    [
      ["clock_res_get", [0, out()], SUCCESS, { words: { 0: 1, 4: 0 } }],
      ["clock_res_get", [1, out()], SUCCESS, { words: { 0: 1, 4: 0 } }],
      ["clock_res_get", [2, out()], NOTSUP],
      ["clock_res_get", [0, end(-4)], FAULT],
    ],
  ],
  [
    "random_get",
    "random bytes, at most 64 KiB",
    [
      ["random_get", [out(), 8], SUCCESS, { words: { 0: null, 4: null } }],
      ["random_get", [out(), 0], SUCCESS],
      ["random_get", [0xffffffff, 0], SUCCESS],
      ["random_get", [out(), 65_537], INVAL],
      ["random_get", [0xffffff00, 65_537], INVAL],
      ["random_get", [end(-4), 8], FAULT],
    ],
  ],
  [
    "args",
    "there are no arguments",
    [
      ["args_sizes_get", [out(), out(4)], SUCCESS, { words: { 0: 0, 4: 0 } }],
      ["args_get", [0, 0], SUCCESS],
      ["args_sizes_get", [end(), out(4)], FAULT],
    ],
  ],
  [
    "fd_write-other",
    "only 1 and 2 can be written",
    [
      ["fd_write", [0, 0, 0, out()], BADF],
      ["fd_write", [3, 0, 0, out()], BADF],
      ["fd_pwrite", [3, 0, 0, 0, out()], BADF],
    ],
  ],
  ["fd_write-nothing", "no vectors, nothing written", [["fd_write", [1, 0, 0, out()], SUCCESS, { words: { 0: 0 } }]]],
  [
    "fd_write-bad-memory",
    "vectors, bytes or result outside memory",
    [
      ["fd_write", [1, end(-4), 1, out()], FAULT],
      ["fd_write", [1, end(), 1, out()], FAULT],
      ["fd_write", [1, hexVector(0xfffffff0, 4), 1, out()], FAULT],
      ["fd_write", [1, hexVector(0, 0xffffffff), 1, out()], FAULT],
      ["fd_write", [1, 0, 0, end(-3)], FAULT],
      ["fd_write", [2, 0xfffffff8, 4, out()], FAULT],
    ],
  ],
  [
    "poll_oneoff",
    "no events, successfully",
    [
      ["poll_oneoff", [0, 0, 1, out()], SUCCESS, { words: { 0: 0 } }],
      ["poll_oneoff", [0, 0, 1, end(-2)], FAULT],
    ],
  ],
  ["sched_yield", "succeeds", [["sched_yield", [], SUCCESS]]],
  [
    "fd_fdstat_get",
    "the outputs have the right to write, others do not exist",
    [
      ...[1, 2].map((fd): Row => [
        "fd_fdstat_get",
        [fd, out()],
        SUCCESS,
        { words: { 0: 0, 4: 0, 8: 64, 12: 0, 16: 0, 20: 0 } },
      ]),
      ["fd_fdstat_get", [0, out()], BADF],
      ["fd_fdstat_get", [3, out()], BADF],
      ["fd_fdstat_get", [1, end(-23)], FAULT],
    ],
  ],
  ["fd_fdstat_set_flags", "is not there", [["fd_fdstat_set_flags", [1, 0], NOSYS]]],
  ["fd_seek", "does nothing", [["fd_seek", [1, 0, 0, out()], SUCCESS]]],
  [
    "fd_close",
    "does nothing",
    [
      ["fd_close", [1], SUCCESS],
      ["fd_close", [9], SUCCESS],
    ],
  ],
  ["fd_advise", "does nothing", [["fd_advise", [1, 0, 0, 0], SUCCESS]]],
  ...OUTPUT_ONLY.map(([name, more]): (typeof ROWS)[number] => [
    name,
    "for the outputs only",
    [
      [name, [1, ...zeros(more)], SUCCESS],
      [name, [2, ...zeros(more)], SUCCESS],
      [name, [0, ...zeros(more)], BADF],
      [name, [3, ...zeros(more)], BADF],
    ],
  ]),
  [
    "fd_tell",
    "is 0 for the outputs",
    [
      ["fd_tell", [1, out()], SUCCESS, { words: { 0: 0, 4: 0 } }],
      ["fd_tell", [3, out()], BADF],
      ["fd_tell", [1, end(-7)], FAULT],
    ],
  ],
  [
    "fd_renumber",
    "is not supported",
    [
      ["fd_renumber", [1, 2], NOTSUP],
      ["fd_renumber", [3, 4], BADF],
    ],
  ],
  [
    "fd_read",
    "is not there",
    [
      ["fd_read", [0, 0, 0, out()], NOSYS],
      ["fd_pread", [0, 0, 0, 0, out()], NOSYS],
    ],
  ],
  [
    "fd_prestat",
    "there are no preopened folders",
    [
      ["fd_prestat_get", [3, out()], BADF],
      ["fd_prestat_dir_name", [3, out(), 8], NOSYS],
    ],
  ],
  ["fd_filestat_get", "there are no files", [["fd_filestat_get", [1, out()], BADF]]],
  ["fd_readdir", "there are no folders", [["fd_readdir", [3, out(8), 8, 0, out()], NOTDIR, { words: { 0: 0 } }]]],
  ["path_open", "opens nothing", [["path_open", [3, 0, out(8), 1, 0, 0, 0, 0, out()], NOENT]]],
  ["path_create_directory", "is not supported", [["path_create_directory", [3, 0, 0], NOTSUP]]],
  ["path_filestat_get", "is not supported", [["path_filestat_get", [3, 0, 0, 0, out()], NOTSUP]]],
  ["path_filestat_set_times", "is not supported", [["path_filestat_set_times", [3, 0, 0, 0, 0, 0, 0], NOTSUP]]],
  ["path_link", "is not supported", [["path_link", [3, 0, 0, 0, 3, 0, 0], NOTSUP]]],
  ["path_readlink", "is not supported", [["path_readlink", [3, 0, 0, out(8), 8, out()], NOTSUP, { words: { 0: 0 } }]]],
  ["path_remove_directory", "is not supported", [["path_remove_directory", [3, 0, 0], NOTSUP]]],
  ["path_rename", "is not supported", [["path_rename", [3, 0, 0, 3, 0, 0], NOTSUP]]],
  ["path_symlink", "is not supported", [["path_symlink", [0, 0, 3, 0, 0], NOTSUP]]],
  ["path_unlink_file", "is not supported", [["path_unlink_file", [3, 0, 0], NOTSUP]]],
  ["sock_accept", "is not supported", [["sock_accept", [3, 0, out()], NOTSUP]]],
  [
    "sock_recv",
    "is not supported; counts are 0",
    [["sock_recv", [3, 0, 0, 0, out(), out(4)], NOTSUP, { words: { 0: 0, 4: 0 } }]],
  ],
  ["sock_send", "is not supported; the count is 0", [["sock_send", [3, 0, 0, 0, out()], NOTSUP, { words: { 0: 0 } }]]],
  ["sock_shutdown", "is not supported", [["sock_shutdown", [3, 0], NOTSUP]]],
];

/** Address of an io vector of a pointer and a size. */
function hexVector(pointer: number, size: number): Arg {
  const eight = Buffer.alloc(8);
  eight.writeUInt32LE(pointer >>> 0, 0);
  eight.writeUInt32LE(size >>> 0, 4);
  return ["at", eight.toString("hex")];
}

const MODULES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** The vector's pointer is an address of this guest, so it is written at run time, over eight bytes of the script. */
function writing(module: string, fd: number, what: string): readonly Operation[] {
  const bytes = Buffer.from(what);
  const vector: Arg = ["at", "ee".repeat(8)];
  return [
    call("probe_poke", [vector, ["at", bytes.toString("hex")]], 0),
    call("probe_poke", [["at", "ee".repeat(8), 4], bytes.length], 0),
    call(`${module}.fd_write`, [fd, vector, 1, out()], SUCCESS, { words: { 0: bytes.length } }),
  ];
}

/** Text in pieces: `outs` are the lines that must be logged. */
const pieces = (id: string, title: string, does: readonly Operation[], outs: readonly string[]): Case => ({
  id: `wasi-fd_write-${id}`,
  section: "12",
  title,
  script: [on("request_headers", does)],
  expect: { logged: outs.map((line) => [2, line] as const), notLogged: ["half", "a", "b", "c"] },
});

const PIECES: readonly Case[] = [
  pieces(
    "pieces",
    "a line written in pieces is logged once, when it ends",
    [
      ...writing("wasi_snapshot_preview1", 1, "half"),
      ...writing("wasi_snapshot_preview1", 1, " a "),
      ...writing("wasi_snapshot_preview1", 1, "line\n"),
    ],
    ["half a line"],
  ),
  pieces(
    "unended",
    "a line that does not end is logged when the callback does",
    [...writing("wasi_snapshot_preview1", 1, "no "), ...writing("wasi_snapshot_preview1", 1, "newline")],
    ["no newline"],
  ),
];

const TRAPS: readonly Case[] = [
  {
    id: "wasi-proc_exit",
    section: "12.1",
    title: "proc_exit in a callback ends the instance",
    script: [on("request_headers", [call("proc_exit", [0])])],
    expect: { fault: "proc_exit", response: { status: 503 } },
  },
  {
    id: "wasi-proc_exit-code",
    section: "12.1",
    title: "so it does with a code",
    script: [on("request_headers", [call("wasi_unstable.proc_exit", [3])])],
    expect: { fault: "proc_exit", response: { status: 503 } },
  },
  {
    id: "wasi-proc_exit-in-_start",
    section: "12.1",
    title: "proc_exit(0) in _start is the normal end of start-up",
    script: [on("start", [call("proc_exit", [0])]), on("request_headers", [])],
    delivery: "environment",
    variant: { starts: ["_start"] },
    expect: { response: { status: 200 } },
  },
  {
    id: "wasi-proc_exit-1-in-_start",
    section: "12.1",
    title: "proc_exit(1) in _start refuses the module",
    script: [on("start", [call("proc_exit", [1])])],
    delivery: "environment",
    request: null,
    variant: { starts: ["_start"] },
    expect: { refused: "proc_exit" },
  },
  {
    id: "wasi-proc_exit-in-_initialize",
    section: "12.1",
    title: "proc_exit(0) in _initialize refuses the module",
    script: [on("initialize", [call("proc_exit", [0])])],
    delivery: "environment",
    request: null,
    expect: { refused: "proc_exit" },
  },
  {
    id: "wasi-proc_raise",
    section: "12",
    title: "proc_raise traps",
    script: [on("request_headers", [call("proc_raise", [6])])],
    expect: { fault: "trap", response: { status: 503 } },
  },
  {
    id: "wasi-environ",
    section: "12",
    title: "the environment is what is configured, KEY=VALUE",
    script: [
      on("request_headers", [
        call("environ_sizes_get", [out(), out(4)], SUCCESS, { words: { 0: 2, 4: 12 } }),
        call("environ_get", [out(), out(16)], SUCCESS, {
          // Pointers to both, then "A=one\0B=two\0".
          words: { 0: null, 4: null, 16: 0x6e6f3d41, 20: 0x3d420065, 24: 0x006f7774 },
        }),
        call("environ_get", [end(-4), out(16)], FAULT, { words: { 16: null, 20: null } }),
        call("environ_get", [out(), end(-2)], FAULT, { words: { 0: null } }),
      ]),
    ],
    setup: { environment: { A: "one", B: "two" } },
  },
];

export const WASI_CASES: readonly Case[] = [
  ...MODULES.flatMap((module) =>
    ROWS.map(([id, title, rows]): Case => ({
      id: `${module === "wasi_unstable" ? "wasi-old" : "wasi"}-${id}`,
      section: "12",
      title: `${module}.${id}: ${title}`,
      script: [
        on(
          "request_headers",
          rows.map(([name, args, gives, results]) => call(`${module}.${name}`, args, gives, results)),
        ),
      ],
    })),
  ),
  ...MODULES.flatMap((module) =>
    (
      [
        [1, 2, "to the log"],
        [2, 4, "an error"],
      ] as const
    ).map(([fd, level, what]): Case => ({
      id: `${module === "wasi_unstable" ? "wasi-old" : "wasi"}-fd_write-${fd}`,
      section: "12",
      title: `${module}.fd_write to ${fd} logs at level ${level}; one newline is dropped and counted`,
      script: [on("request_headers", writing(module, fd, `${what}\n`))],
      expect: { logged: [[level, what]] },
    })),
  ),
  ...PIECES,
  ...TRAPS,
];
