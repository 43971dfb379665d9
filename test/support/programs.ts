// Small programs for the runner, written as text: WASI preview 1 commands, and components of wasi:cli/command and
// wasi:http/proxy made by the component tools themselves.
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";

const PREVIEW1 = (name: string, params: string): string =>
  `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;

/** A preview 1 command whose `_start` is `body`. Memory: iovec at 0, outputs from 16, scratch from 256. */
export const preview1 = (body: string, more = ""): Promise<Uint8Array> =>
  parse(`(module
    ${PREVIEW1("fd_write", "i32 i32 i32 i32")} ${PREVIEW1("fd_read", "i32 i32 i32 i32")}
    ${PREVIEW1("args_sizes_get", "i32 i32")} ${PREVIEW1("args_get", "i32 i32")}
    ${PREVIEW1("environ_sizes_get", "i32 i32")} ${PREVIEW1("environ_get", "i32 i32")}
    ${PREVIEW1("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32")}
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2) ${more}
    (func $say (param i32 i32)
      (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
    (func (export "_start") (local i32) ${body}))`);

const FLAGS = `flags path-flags { symlink-follow }
    flags open-flags { create, directory, exclusive, truncate }
    flags descriptor-flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory }
    enum error-code { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
      illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size,
      name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, not-directory, not-empty,
      not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek,
      text-file-busy, cross-device }`;

const COMMAND_WIT = `package test:program;
world command {
  import wasi:cli/stdout@0.2.3;
  import wasi:cli/environment@0.2.3;
  import wasi:cli/exit@0.2.3;
  import wasi:filesystem/preopens@0.2.3;
  export wasi:cli/run@0.2.3;
}
world networked { import wasi:sockets/instance-network@0.2.3; export wasi:cli/run@0.2.3; }
package wasi:sockets@0.2.3 {
  interface network { resource network; }
  interface instance-network { use network.{network}; instance-network: func() -> network; }
}
package wasi:io@0.2.3 {
  interface error { resource error; }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
  }
}
package wasi:cli@0.2.3 {
  interface stdout { use wasi:io/streams@0.2.3.{output-stream}; get-stdout: func() -> output-stream; }
  interface environment {
    get-environment: func() -> list<tuple<string, string>>;
    get-arguments: func() -> list<string>;
  }
  interface exit { exit: func(status: result); }
  interface run { run: func() -> result; }
}
package wasi:filesystem@0.2.3 {
  interface types {
    ${FLAGS}
    resource descriptor {
      open-at: func(path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags)
        -> result<descriptor, error-code>;
    }
  }
  interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }
}`;

async function component(core: string, wit: string, world: string): Promise<Uint8Array> {
  const binary = await parse(core);
  return componentNew(await componentEmbed({ binary, witSource: wit, world }), []);
}

/** Of wasi:cli/command: `body` answers 0 for ok and 1 for an error. Results of imports are written to 256. */
export const command = (body: string, more = ""): Promise<Uint8Array> =>
  component(
    `(module
    (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
    (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.3" "get-arguments" (func $arguments (param i32)))
    (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
    (import "wasi:filesystem/preopens@0.2.3" "get-directories" (func $folders (param i32)))
    (import "wasi:filesystem/types@0.2.3" "[method]descriptor.open-at"
      (func $open (param i32 i32 i32 i32 i32 i32 i32)))
    (memory (export "memory") 2) (global $top (mut i32) (i32.const 4096)) ${more}
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local i32)
      (local.set 4 (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get 4) (local.get 3))) (local.get 4))
    (func $say (param i32 i32) (call $write (call $stdout) (local.get 0) (local.get 1) (i32.const 512)))
    (func (export "wasi:cli/run@0.2.3#run") (result i32) (local i32 i32) ${body}))`,
    COMMAND_WIT,
    "command",
  );

/** A command that asks for the network. */
export const networked = (): Promise<Uint8Array> =>
  component(
    `(module (import "wasi:sockets/instance-network@0.2.3" "instance-network" (func $network (result i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
    (func (export "wasi:cli/run@0.2.3#run") (result i32) (drop (call $network)) i32.const 0))`,
    COMMAND_WIT,
    "networked",
  );

const SERVER_WIT = `package test:server;
world server { export wasi:http/incoming-handler@0.2.3; }
package wasi:http@0.2.3 {
  interface types {
    type status-code = u16;
    variant error-code { internal-error(option<string>) }
    resource fields { constructor(); }
    resource incoming-request { path-with-query: func() -> option<string>; }
    resource outgoing-response { constructor(headers: fields); set-status-code: func(status-code: status-code) -> result; body: func() -> result<outgoing-body>; }
    resource outgoing-body { finish: static func(this: outgoing-body, trailers: option<fields>) -> result<_, error-code>; }
    resource response-outparam {
      set: static func(param: response-outparam, response: result<outgoing-response, error-code>);
    }
  }
  interface incoming-handler {
    use types.{incoming-request, response-outparam};
    handle: func(request: incoming-request, response-out: response-outparam);
  }
}`;

/** Answers with status 203; a path of one character (\`/\`) only: \`/t...\` traps and \`/l...\` loops. */
export const server = (): Promise<Uint8Array> =>
  component(
    `(module
    (import "wasi:http/types@0.2.3" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.3" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
    (import "wasi:http/types@0.2.3" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
    (import "wasi:http/types@0.2.3" "[method]outgoing-response.set-status-code" (func $status (param i32 i32) (result i32)))
    (import "wasi:http/types@0.2.3" "[static]response-outparam.set" (func $set (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.3" "[method]outgoing-response.body" (func $body (param i32 i32)))
    (import "wasi:http/types@0.2.3" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
    (memory (export "memory") 2)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
    (func (export "wasi:http/incoming-handler@0.2.3#handle") (param i32 i32) (local i32)
      (call $path (local.get 0) (i32.const 256))
      (if (i32.eq (i32.load8_u offset=1 (i32.const 4096)) (i32.const 116)) (then unreachable))
      (if (i32.eq (i32.load8_u offset=1 (i32.const 4096)) (i32.const 108)) (then (loop $l (br $l))))
      (local.set 2 (call $response (call $fields)))
      (drop (call $status (local.get 2) (i32.const 203)))
      (call $body (local.get 2) (i32.const 300))
      (call $set (local.get 1) (i32.const 0) (local.get 2) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $finish (i32.load (i32.const 304)) (i32.const 0) (i32.const 0) (i32.const 320))))`,
    SERVER_WIT,
    "server",
  );
