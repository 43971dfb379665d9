// Modules that go wrong in the ways a reload must survive.
import { wat } from "../../unit/module/build.ts";

const filter = (nonce: number, callbacks: string): Uint8Array =>
  wat(`(module
  (memory (export "memory") 1)
  (data (i32.const 8) "nonce ${nonce}")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  ${callbacks})`);

/** Lets everything pass. */
export const quiet = (nonce: number): Uint8Array => filter(nonce, "");

/** Traps before it is configured: no data thread may ever see it. */
export const trapsAtStart = (nonce: number): Uint8Array =>
  filter(nonce, `(func (export "proxy_on_vm_start") (param i32 i32) (result i32) unreachable)`);

/** Starts well, and traps in the first request it sees. */
export const trapsAtOnce = (nonce: number): Uint8Array =>
  filter(nonce, `(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable)`);

/** Never says that it is done, of no context. */
export const neverDone = (nonce: number): Uint8Array =>
  filter(nonce, `(func (export "proxy_on_done") (param i32) (result i32) (i32.const 0))`);
