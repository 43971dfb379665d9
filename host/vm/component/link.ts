// Brings a component to life: runs the glue that jco generated over its core modules, which were compiled elsewhere. The
// glue is code of this process, made from data of a stranger; what it can name and how much it can carry is bounded here.
// See RATIONALE: "How far is generated glue trusted?"
import type { ComponentProgram } from "../../module/component/program.ts";
import { MeteredDecoder, type Meter } from "./metered-decoder.ts";

/** Core instances of one component: a part can be instantiated more than once. */
const MAX_INSTANCES = 64;

/** A component's functions by name, lower camel case. */
export type ComponentExports = Readonly<Record<string, unknown>>;
/** By interface name with its version, then by function name. */
export type ComponentImports = Readonly<Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>>;

export interface LinkedComponent {
  readonly exports: ComponentExports;
  /** Exports of each core instance. */
  readonly parts: readonly WebAssembly.Exports[];
}

type Instantiate = (
  getCore: (name: string) => WebAssembly.Module,
  imports: ComponentImports,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => ComponentExports;

/** Names the glue would find in the global scope. Timers serve its asynchronous mode, which is not used. */
const GLUE_SCOPE = ["TextDecoder", "WebAssembly", "globalThis", "process", "require", "setTimeout", "queueMicrotask"];

/** The part of the namespace that synchronous glue uses: without the rest it makes no suspendable functions. */
const { Global, Instance, Module, RuntimeError } = WebAssembly;
const GLUE_WEBASSEMBLY = { Global, Instance, Module, RuntimeError };

/** @throws what the glue or a start function of the component throws */
export function linkComponent(program: ComponentProgram, imports: ComponentImports, meter: Meter): LinkedComponent {
  const parts: WebAssembly.Exports[] = [];
  const cores = new Map(program.cores.map((core) => [core.name, core]));
  const owners = new Set(program.cores.filter(({ ownsMemory }) => ownsMemory).map(({ module }) => module));
  const begun = new Set<WebAssembly.Module>();
  const instantiateCore = (module: WebAssembly.Module, given: WebAssembly.Imports = {}): WebAssembly.Instance => {
    if (parts.length >= MAX_INSTANCES) throw new Error(`more than ${MAX_INSTANCES} core instances`);
    if (owners.has(module) && begun.has(module)) throw new Error("a core module with a memory is instantiated twice");
    begun.add(module);
    const instance = new WebAssembly.Instance(module, given);
    parts.push(instance.exports);
    return instance;
  };
  const getCore = (name: string): WebAssembly.Module => {
    const core = cores.get(name);
    if (core === undefined) throw new Error(`the glue asks for ${name}, which the component does not have`);
    return core.module;
  };
  const exports = instantiateOf(program, meter)(getCore, imports, instantiateCore);
  return { exports, parts };
}

function instantiateOf({ glue }: ComponentProgram, meter: Meter): Instantiate {
  class Decoder extends MeteredDecoder {
    constructor(label?: string) {
      super(meter, label);
    }
  }
  // oxlint-disable-next-line no-implied-eval, no-new-func
  const script = new Function(...GLUE_SCOPE, `"use strict";${glue}`) as (...scope: unknown[]) => Instantiate;
  return script(Decoder, GLUE_WEBASSEMBLY, { WebAssembly: GLUE_WEBASSEMBLY });
}
