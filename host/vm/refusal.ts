// Why the newest refused host call of a VM did not answer OK: for `sluice.explain` and the ABI trace (abi.md 18, line 14).
// A refusal stores two references and nothing else; the sentence is made when somebody reads it. Calls that answer OK do
// not touch it.

/** Longest subject shown, characters. */
const SHOWN = 80;

/** Bytes of a guest as readable text in quotes. */
export function quoted(text: string): string {
  const readable = Buffer.from(text, "latin1").toString("utf8").replaceAll("\0", ".");
  return JSON.stringify(readable.length > SHOWN ? `${readable.slice(0, SHOWN)}…` : readable);
}

export class Refusal {
  /** Refusals since the VM began. */
  count = 0;
  /** Told of each refusal while a traced callback runs. */
  heard: ((reason: string) => void) | null = null;
  #reason = "";
  #subject: string | number = "";

  /** @param reason a constant: what was expected. `{}` in it stands for `subject`, what was given */
  note(reason: string, subject: string | number = ""): void {
    this.count++;
    this.#reason = reason;
    this.#subject = subject;
    if (this.heard !== null) this.heard(this.text);
  }

  clear(): void {
    this.#reason = "";
    this.#subject = "";
  }

  /** The sentence; "" when nothing was refused. */
  get text(): string {
    const subject = this.#subject;
    return this.#reason.replace("{}", () => (typeof subject === "string" ? quoted(subject) : String(subject)));
  }
}
