// asc transform: only the callbacks a filter overrides stay wasm exports, so that every host skips the others, not just
// ours. asc runs `afterCompile` before it optimises: dropped functions vanish from the binary with all they need.
// What counts is the compiled program, not names in the source: classes inherited from packages are seen as well.
import type { Class, Program } from "assemblyscript";
import type binaryen from "assemblyscript/binaryen";

const SDK = "~lib/@sluice/sdk/assembly";

const HTTP: Readonly<Record<string, string>> = {
  onRequestHeaders: "proxy_on_request_headers",
  onRequestBody: "proxy_on_request_body",
  onRequestTrailers: "proxy_on_request_trailers",
  onResponseHeaders: "proxy_on_response_headers",
  onResponseBody: "proxy_on_response_body",
  onResponseTrailers: "proxy_on_response_trailers",
};
const TCP: Readonly<Record<string, string>> = {
  onNewConnection: "proxy_on_new_connection",
  onDownstreamData: "proxy_on_downstream_data",
  onUpstreamData: "proxy_on_upstream_data",
  onDownstreamClose: "proxy_on_downstream_connection_close",
  onUpstreamClose: "proxy_on_upstream_connection_close",
};
const STREAM: Readonly<Record<string, string>> = { onLog: "proxy_on_log", onEnd: "proxy_on_done" };
const ROOT: Readonly<Record<string, string>> = {
  onQueue: "proxy_on_queue_ready",
  onForeign: "proxy_on_foreign_function",
  onSnapshot: "sluice_on_snapshot",
  onRestore: "sluice_on_restore",
  onDone: "proxy_on_done",
};
/** Callbacks needed exactly when this function of the SDK was compiled, that is, when something reaches it. */
const REACHED: Readonly<Record<string, string>> = {
  proxy_on_tick: `${SDK}/timer/schedule`,
  proxy_on_http_call_response: `${SDK}/callout/callFrom`,
  proxy_on_grpc_receive_initial_metadata: `${SDK}/grpc/started`,
  proxy_on_grpc_receive: `${SDK}/grpc/started`,
  proxy_on_grpc_receive_trailing_metadata: `${SDK}/grpc/started`,
  proxy_on_grpc_close: `${SDK}/grpc/started`,
};
const BASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`${SDK}/context/HttpFilter`]: HTTP,
  [`${SDK}/context/TcpFilter`]: TCP,
  [`${SDK}/context/Stream`]: STREAM,
  [`${SDK}/root/RootBase`]: ROOT,
};
const PRUNABLE = new Set([HTTP, TCP, STREAM, ROOT].flatMap((table) => Object.values(table)).concat(Object.keys(REACHED)));

/** What the transform saw: read after compilation. */
export class PruneExports {
  kinds: ("http" | "tcp")[] = [];
  // Filled in by asc on the instance it is given.
  program: Program | null = null;

  afterInitialize(program: Program): void {
    this.program = program;
  }
  afterCompile(module: binaryen.Module): void {
    const used = new Set(this.#overridden());
    for (const [name, reached] of Object.entries(REACHED)) if (hasFunction(module, reached)) used.add(name);
    for (const name of PRUNABLE) if (!used.has(name)) module.removeExport(name);
    module.runPasses(["remove-unused-module-elements"]);
  }

  #overridden(): string[] {
    const found: string[] = [];
    for (const one of this.program?.managedClasses.values() ?? []) {
      const members = new Set<string>();
      let isStream = false;
      for (let at: Class | null = one; at !== null; at = at.base) {
        const table = BASES[at.prototype.internalName];
        if (table !== undefined) {
          found.push(...[...members].flatMap((name) => table[name] ?? []));
          isStream ||= table === HTTP || table === TCP;
          if (isStream && one !== at) this.#noteKind(table);
          continue;
        }
        for (const name of at.prototype.instanceMembers?.keys() ?? []) members.add(name);
      }
    }
    return found;
  }
  #noteKind(table: Readonly<Record<string, string>>): void {
    const kind = table === HTTP ? "http" : table === TCP ? "tcp" : null;
    if (kind !== null && !this.kinds.includes(kind)) this.kinds.push(kind);
  }
}

function hasFunction(module: binaryen.Module, name: string): boolean {
  return module.getFunction(name) !== 0;
}
