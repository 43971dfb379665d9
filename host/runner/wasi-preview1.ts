// WASI preview 1 for core programs: Node's own, with folders that are read-only where nobody said otherwise. Filters never
// meet it (vm/wasi.ts is theirs).
import type { Grants } from "./grants.ts";

export interface Preview1 {
  readonly imports: Record<string, WebAssembly.ImportValue>;
  /** Runs `_start`; the exit code. */
  start(instance: WebAssembly.Instance): number;
  /** Runs `_initialize`, if it has one. */
  initialize(instance: WebAssembly.Instance): void;
}

/** File descriptor of the first folder; the streams stand before it. */
const FIRST_FOLDER = 3;
const ROFS = 69;
/** Rights that change something: fd_datasync, fd_sync, fd_write, fd_allocate, ... (WASI snapshot 1, `rights`). */
const WRITE_RIGHTS = (1n << 6n) | (1n << 8n) | (1n << 22n) | (1n << 23n);
const CREATING = 1 | 4 | 8;

type Call = (...args: (number | bigint)[]) => number;

export async function preview1({ args, env, folders }: Grants): Promise<Preview1> {
  const { WASI } = await quietly(() => import("node:wasi"));
  const preopens = Object.fromEntries(folders.map(({ guest, host }) => [guest, host]));
  const wasi = new WASI({ version: "preview1", args: [...args], env: { ...env }, preopens, returnOnExit: true });
  const plain = wasi.wasiImport as Record<string, Call>;
  const readOnly = new Set(folders.flatMap(({ writable }, at) => (writable ? [] : [FIRST_FOLDER + at])));
  let memory: WebAssembly.Memory | null = null;
  const guarded = readOnly.size === 0 ? plain : guard(plain, readOnly, () => memory);
  const attach = (instance: WebAssembly.Instance): void => {
    const { memory: own } = instance.exports;
    memory = own instanceof WebAssembly.Memory ? own : null;
  };
  return {
    imports: guarded as Record<string, WebAssembly.ImportValue>,
    start: (instance) => {
      attach(instance);
      return wasi.start(instance as object);
    },
    initialize: (instance) => {
      attach(instance);
      if (typeof instance.exports["_initialize"] === "function" || memory !== null)
        wasi.initialize({ exports: withoutStart(instance.exports) });
    },
  };
}

/** A command's single exports can be called too; Node refuses to initialise what has a `_start`. */
function withoutStart(exports: WebAssembly.Exports): object {
  const { _start: _left, ...rest } = exports;
  return rest;
}

/** Node says of WASI that it is experimental; who runs a program has not asked. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Refuses what would change a folder in `readOnly`; folders opened below one are read-only as well. */
function guard(
  plain: Record<string, Call>,
  readOnly: Set<number>,
  memory: () => WebAssembly.Memory | null,
): Record<string, Call> {
  const refuse = (name: string): Call => {
    const call = plain[name] as Call;
    return (...args) => (readOnly.has(Number(args[0])) ? ROFS : call(...args));
  };
  const guarded = { ...plain };
  for (const name of [
    "create_directory",
    "filestat_set_times",
    "remove_directory",
    "symlink",
    "unlink_file",
    "link",
    "rename",
  ])
    guarded[`path_${name}`] = refuse(`path_${name}`);
  // The folder a file is moved or linked into counts as well.
  for (const [name, into] of [
    ["path_rename", 3],
    ["path_link", 4],
  ] as const) {
    const call = guarded[name] as Call;
    guarded[name] = (...args) => (readOnly.has(Number(args[into])) ? ROFS : call(...args));
  }
  // The number may come again, for a file elsewhere.
  guarded["fd_close"] = (...args) => {
    const errno = (plain["fd_close"] as Call)(...args);
    if (errno === 0) readOnly.delete(Number(args[0]));
    return errno;
  };
  guarded["path_open"] = (...args) => {
    const [fd, , , , flags, base = 0n, inheriting = 0n, fdFlags, out] = args;
    if (!readOnly.has(Number(fd))) return (plain["path_open"] as Call)(...args);
    if ((Number(flags) & CREATING) !== 0 || (Number(fdFlags) & 1) !== 0) return ROFS;
    const rights = (given: number | bigint): bigint => BigInt(given) & ~WRITE_RIGHTS;
    const asked = [...args.slice(0, 5), rights(base), rights(inheriting), ...args.slice(7)];
    const errno = (plain["path_open"] as Call)(...asked);
    const view = memory();
    if (errno === 0 && view !== null) readOnly.add(new DataView(view.buffer).getUint32(Number(out), true));
    return errno;
  };
  return guarded;
}
