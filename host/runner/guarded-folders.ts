// Keeps the folders a component was given what they are: read-only where nobody said otherwise, and with no way out through
// `..` or a link. The WASI shim checks neither, so its descriptors' methods are guarded here, once per process.
import { realpathSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import type { GrantedFolder } from "./grants.ts";

/** A class of the shim, as far as it matters here. */
export interface DescriptorClass {
  readonly prototype: Record<string, (...args: unknown[]) => unknown>;
}

interface Place {
  /** Canonical path of the folder that was granted. */
  readonly root: string;
  readonly path: string;
  readonly writable: boolean;
}

const places = new WeakMap<object, Place>();

/** Where a method's arguments hold a path below the descriptor. */
const PATH_AT: Readonly<Record<string, number>> = {
  openAt: 1,
  statAt: 1,
  setTimesAt: 1,
  linkAt: 1,
  metadataHashAt: 1,
  createDirectoryAt: 0,
  readlinkAt: 0,
  removeDirectoryAt: 0,
  renameAt: 0,
  symlinkAt: 1,
  unlinkFileAt: 0,
};
const WRITING = [
  ..."setTimesAt linkAt createDirectoryAt removeDirectoryAt renameAt symlinkAt unlinkFileAt".split(" "),
  ..."write writeViaStream appendViaStream setSize setTimes".split(" "),
];

/** Remembers what was granted. @param descriptor the shim's, of the folder's root */
export function grant(descriptor: object, folder: GrantedFolder): void {
  const root = realpathSync(folder.host);
  places.set(descriptor, { root, path: root, writable: folder.writable });
}

/** Wraps the methods of the shim's class. Errors are WASI's words, thrown as they are. */
export function guard({ prototype }: DescriptorClass): void {
  for (const name of new Set([...Object.keys(PATH_AT), ...WRITING])) {
    const plain = prototype[name];
    if (typeof plain === "function") prototype[name] = guarded(name, plain);
  }
}

type Method = (this: object, ...args: unknown[]) => unknown;

function guarded(name: string, plain: (...args: unknown[]) => unknown): Method {
  const pathAt = PATH_AT[name];
  const writes = WRITING.includes(name);
  return function call(this: object, ...args: unknown[]): unknown {
    const place = places.get(this);
    if (place === undefined) throw "bad-descriptor";
    if (!place.writable && (writes || (name === "openAt" && wantsToWrite(args[2], args[3])))) throw "read-only";
    const target = pathAt === undefined ? place.path : inside(place, String(args[pathAt]));
    // The other end of a rename or a link is a place of its own.
    const [other, otherPath] = name === "linkAt" ? [args[2], args[3]] : name === "renameAt" ? [args[1], args[2]] : [];
    if (typeof other === "object" && other !== null) {
      const there = places.get(other);
      if (there === undefined || !there.writable) throw "read-only";
      inside(there, String(otherPath));
    }
    if (name === "symlinkAt") throw "not-permitted";
    const result = Reflect.apply(plain, this, args);
    if (name === "openAt" && typeof result === "object" && result !== null)
      places.set(result, { ...place, path: target });
    return result;
  };
}

interface OpenFlags {
  readonly create?: boolean;
  readonly truncate?: boolean;
  readonly exclusive?: boolean;
}
interface DescriptorFlags {
  readonly write?: boolean;
  readonly mutateDirectory?: boolean;
}

function wantsToWrite(open: unknown, flags: unknown): boolean {
  const { create, truncate, exclusive } = (open ?? {}) as OpenFlags;
  const { write, mutateDirectory } = (flags ?? {}) as DescriptorFlags;
  return [create, truncate, exclusive, write, mutateDirectory].includes(true);
}

/** The path below `place`, or WASI's refusal when it leads out of the folder, links followed. */
function inside({ root, path }: Place, given: string): string {
  // As the shim reads it.
  const below = given.replaceAll("\\", "/");
  const target = resolve(path, `./${below}`);
  if (below.startsWith("/") || !isWithin(root, target) || !isWithin(root, canonical(target))) throw "not-permitted";
  return target;
}

const isWithin = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);

/** With links followed, as far as the path exists. */
function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonical(parent), path.slice(parent.length));
  }
}
