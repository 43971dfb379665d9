// Serves a component of the world wasi:http/proxy on a port of ours. One instance answers all requests, one after the other;
// after a fault the next request meets a fresh one.
import { prepareAnyComponent } from "../module/component/prepare-component.ts";
import type { ComponentProgram } from "../module/component/program.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import { type ComponentImports, linkComponent } from "../vm/component/link.ts";
import { Meter } from "../vm/component/metered-decoder.ts";
import { messageOf, reasonOf } from "../vm/faults.ts";
import { FuelTank } from "../vm/fuel-tank.ts";
import { assertGranted } from "./component-world.ts";
import type { Grants } from "./grants.ts";
import { loadShim, wasiImports } from "./wasi-component.ts";

export interface ServeOptions {
  readonly file: string;
  readonly grants: Grants;
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  /** Hears why a request was answered with 500. */
  readonly failed: (reason: string) => void;
}

export interface RunningServer {
  readonly port: number;
  close(): void;
}

type Handle = (request: unknown, out: unknown) => void;

/** What is used of the shim's HTTP. */
interface HttpShim {
  readonly HTTPServer: new (handler: { readonly handle: Handle }) => {
    listen(port: number, host: string): void;
    address(): { readonly port: number };
    close(): void;
  };
  readonly types: {
    readonly Fields: new () => unknown;
    readonly OutgoingResponse: new (fields: unknown) => { setStatusCode(code: number): void; body(): unknown };
    readonly OutgoingBody: { finish(body: unknown, trailers: undefined): void };
    readonly ResponseOutparam: { set(out: unknown, response: { readonly tag: "ok"; readonly val: unknown }): void };
  };
}

/** @throws ProblemError when it asks for more than it was granted */
export async function serveComponent(transpiled: Transpiled, options: ServeOptions): Promise<RunningServer> {
  const { file, grants, host, port, failed } = options;
  assertGranted(transpiled.wit, "server", file);
  const program = prepareAnyComponent(transpiled, grants);
  const imports = await wasiImports(grants);
  const http = (await loadShim()).http as unknown as HttpShim;
  let instance: Instance | null = new Instance(program, imports, grants.fuel);
  const handle: Handle = (request, out) => {
    try {
      instance ??= new Instance(program, imports, grants.fuel);
      instance.handle(request, out);
    } catch (error) {
      failed(`${instance?.isOutOfFuel === true ? "fuel" : reasonOf(error)}: ${messageOf(error)}`);
      instance = null;
      answer500(http, out);
    }
  };
  const server = new http.HTTPServer({ handle });
  server.listen(port, host);
  return { port: server.address().port, close: () => server.close() };
}

class Instance {
  readonly #tank: FuelTank;
  readonly #handle: Handle;

  constructor(program: ComponentProgram, imports: ComponentImports, fuel: number | null) {
    const { exports, parts } = linkComponent(program, imports, new Meter(Infinity));
    this.#tank = new FuelTank(parts);
    this.#tank.setBudget(fuel ?? 0);
    this.#handle = handlerOf(exports);
  }

  get isOutOfFuel(): boolean {
    return this.#tank.isEmpty;
  }

  handle(request: unknown, out: unknown): void {
    this.#tank.fill();
    this.#handle(request, out);
  }
}

function handlerOf(exports: Readonly<Record<string, unknown>>): Handle {
  const name = Object.keys(exports).find((each) => /^(?:incomingHandler$|wasi:http\/incoming-handler)/.test(each));
  const holder = exports[name ?? ""] as { readonly handle?: Handle } | undefined;
  if (holder?.handle === undefined) throw new Error("it exports no wasi:http/incoming-handler");
  return (request, out) => holder.handle?.(request, out);
}

/** The guest may have answered before it ended: then nothing is left to say. */
function answer500({ types }: HttpShim, out: unknown): void {
  try {
    const response = new types.OutgoingResponse(new types.Fields());
    response.setStatusCode(500);
    // The shim sends no answer whose body was never taken.
    const body = response.body();
    types.ResponseOutparam.set(out, { tag: "ok", val: response });
    types.OutgoingBody.finish(body, undefined);
  } catch {
    // Its half of the answer is out.
  }
}
