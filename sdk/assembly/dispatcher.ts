// What happens around every callback. The exports themselves are in ../proxy.ts.
import * as buffer from "./abi/buffer";
import { BodyView } from "./body";
import { JsonReader } from "./config/json-reader";
import { HttpFilter, Stream, StreamKind, TcpFilter } from "./context";
import * as env from "./env";
import { Level, log } from "./log";
import { defineDeclared, releaseWaiters } from "./hooks";
import { Context } from "./owner";
import { definedPlugin, Plugin } from "./plugin";
import { forgetSpares, leaveStream, takeStream } from "./recycle";
import { addRoot, addStream, onlyRoot, removeRoot, removeStream, rootOf, streamAt } from "./registry";
import { RootBase } from "./root";
import { within } from "./scope";
import { enter, leave, out, outPtr, outSize } from "./scratch";

/** Bodies of the two HTTP and the two TCP directions. */
export const REQUEST_BODY: BodyView = changetype<BodyView>(memory.data<u32>([buffer.HTTP_REQUEST_BODY, 0, 0]));
export const RESPONSE_BODY: BodyView = changetype<BodyView>(memory.data<u32>([buffer.HTTP_RESPONSE_BODY, 0, 0]));
export const DOWNSTREAM_DATA: BodyView = changetype<BodyView>(memory.data<u32>([buffer.DOWNSTREAM_DATA, 0, 0]));
export const UPSTREAM_DATA: BodyView = changetype<BodyView>(memory.data<u32>([buffer.UPSTREAM_DATA, 0, 0]));

/** The HTTP stream with this id; null when it is none (a module loaded as the other kind of filter). */
export function beginHttp(id: u32, responseSide: bool): HttpFilter | null {
  return changetype<HttpFilter>(begin(id, StreamKind.Http, responseSide));
}

/** The TCP stream with this id, or null. */
export function beginTcp(id: u32, upstreamSide: bool = false): TcpFilter | null {
  return changetype<TcpFilter>(begin(id, StreamKind.Tcp, upstreamSide));
}

function begin(id: u32, kind: StreamKind, responseSide: bool): usize {
  enter();
  const stream = streamFor(id);
  if (!stream || changetype<Stream>(stream).kind != kind) {
    leave();
    return 0;
  }
  within(changetype<Stream>(stream), responseSide);
  return stream;
}

/** Address of the stream with this id, made now when its host lets us: see `sluice_lazy_streams` in ../proxy.ts. */
function streamFor(id: u32): usize {
  const known = streamAt(id);
  return known || announced ? known : createStream(id, onlyRoot());
}

/** The plugin context with this id, for a callback on it. */
export function beginRoot(id: u32): RootBase | null {
  const root = rootOf(id);
  enter();
  within(root);
  return root;
}

/** Ends any callback begun above. */
export function finish(): void {
  within(null);
  leave();
}

/** The host announces streams: none is made without. */
let announced: bool = false;

/** A plugin context (parent 0) or a stream appears. */
export function create(id: u32, parent: u32): void {
  const plugin = definedPlugin();
  if (plugin === null) return;
  enter();
  if (parent == 0) createRoot(plugin, id);
  else {
    announced = true;
    createStream(id, rootOf(parent));
  }
  leave();
}

function createRoot(plugin: Plugin, id: u32): void {
  const root = plugin.newRoot();
  root.id = id;
  root.root = root;
  addRoot(root);
}

/** Its address; 0 without an accepted config: the host let a refused plugin serve, every callback says Continue. */
function createStream(id: u32, root: RootBase | null): usize {
  const plugin = definedPlugin();
  const config = root ? root.live : null;
  if (root === null || plugin === null || config === null) return 0;
  const stream = takeStream(plugin, root.spares, config);
  changetype<Stream>(stream).id = id;
  changetype<Stream>(stream).root = root;
  addStream(stream);
  return stream;
}

/** The VM has started: host calls are allowed from here on. */
export function startVm(): bool {
  enter();
  declareMetrics();
  leave();
  return definedPlugin() !== null;
}

function declareMetrics(): void {
  const hook = defineDeclared;
  if (hook !== null) hook();
}

/** Decodes, checks and accepts the configuration of `id`; false with a line in the log otherwise. Never traps. */
export function configure(id: u32, size: u32): bool {
  const plugin = definedPlugin();
  const root = beginRoot(id);
  if (plugin === null || root === null) {
    finish();
    return false;
  }
  declareMetrics();
  const problem = accept(plugin, root, size);
  if (problem !== null) log.at(Level.Error, plugin.name + ": " + problem);
  finish();
  return problem === null;
}

function accept(plugin: Plugin, root: RootBase, size: u32): string | null {
  const next = plugin.newConfig();
  const given = size > 0 && env.proxy_get_buffer_bytes(buffer.PLUGIN_CONFIGURATION, 0, size, out, out + 4) == 0;
  const problem = next.read(given ? JsonReader.over(outPtr(), outSize()) : JsonReader.over(0, 0));
  if (problem !== null) return problem;
  const refused = root.configured(next);
  if (refused !== null) return refused;
  root.live = next;
  forgetSpares(root.spares);
  return null;
}

/** The host is done with a context; the result matters for plugin contexts only. */
export function done(id: u32): bool {
  const root = beginRoot(id);
  const stream = root === null ? streamFor(id) : 0;
  let ready = true;
  if (stream) {
    within(changetype<Stream>(stream));
    changetype<Stream>(stream).onEnd();
  } else if (root) ready = root.onDone();
  finish();
  return ready;
}

/** End of a stream, for logging: before or after `done`, hosts differ. */
export function logged(id: u32): void {
  enter();
  const stream = streamFor(id);
  if (stream) {
    within(changetype<Stream>(stream));
    changetype<Stream>(stream).onLog();
  }
  finish();
}

/** The only place where contexts are forgotten. */
export function drop(id: u32): void {
  const stream = streamAt(id);
  enter();
  if (stream) {
    releaseAll(changetype<Stream>(stream));
    removeStream(stream);
    leaveStream(changetype<RootBase>(changetype<Stream>(stream).root).spares, stream);
  } else dropRoot(rootOf(id));
  leave();
}

function dropRoot(root: RootBase | null): void {
  if (root === null) return;
  releaseAll(root);
  forgetSpares(root.spares);
  removeRoot(root);
}

function releaseAll(context: Context): void {
  const release = releaseWaiters;
  if (context.waiting && release !== null) release(context);
}
