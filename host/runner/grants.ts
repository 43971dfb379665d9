// What a program is given beyond its own memory, as the command line says it: arguments, environment, folders, budgets.
// Types only; host/cli reads the flags, the files beside this one hand them out.

export interface GrantedFolder {
  /** Absolute path on this machine. */
  readonly host: string;
  /** What the guest calls it. */
  readonly guest: string;
  readonly writable: boolean;
}

export interface Grants {
  /** The program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folders: readonly GrantedFolder[];
  /** Points for the whole run, or for each request of a server; null = no limit. */
  readonly fuel: number | null;
  /** Cap of each linear memory in bytes. */
  readonly memoryBytes: number;
}

/** What a run came to. */
export interface Outcome {
  /** The guest's exit code; 0 for an ordinary end. */
  readonly code: number;
  /** Points used; null without a limit. */
  readonly fuelUsed: number | null;
}

/** Thrown through the guest's frames when it ends itself. */
export class GuestExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit(${code})`);
    this.name = "GuestExit";
    this.code = code;
  }
}
