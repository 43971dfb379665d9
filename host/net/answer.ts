// An exchange's answer on its way to the client: the head with the length that may be promised, pieces, and our own
// replies. Counts what is sent; says when something does not fit.
import { type HeaderList, NOTHING_PARSED } from "../abi/headers.ts";
import { buildReply, isGrpc } from "../chain/local-reply.ts";
import type { LocalReply } from "../chain/ports.ts";
import type { ClientSide, ListenerContext } from "./client-side.ts";
import type { ExchangeFacts } from "./facts.ts";
import { httpDate } from "./http-date.ts";
import { declaredLength } from "./http1/serialize.ts";
import { copyBytes, latin1 } from "./latin1.ts";
import { SMALL_BYTES } from "./outbox.ts";
import { plainReply } from "./rescue.ts";

export class Answer {
  /** Content-Length of the upstream's answer; -1 for none and for our own answers. */
  length = -1;
  /** The client has been given a head. */
  started = false;
  /** The protocol that the upstream has agreed to change to; "" = none. */
  upgrade = "";
  readonly #client: ClientSide;
  readonly #context: ListenerContext;
  readonly #facts: ExchangeFacts;
  readonly #request: HeaderList;

  /** @param request its list, which filters may be editing */
  constructor(client: ClientSide, context: ListenerContext, facts: ExchangeFacts, request: HeaderList) {
    this.#client = client;
    this.#context = context;
    this.#facts = facts;
    this.#request = request;
  }

  /** Whether the client takes a 1xx now. */
  mayInform({ protocol }: ExchangeFacts): boolean {
    return !this.started && protocol !== "HTTP/1.0";
  }

  /**
   * @param parsed the upstream's head as it was parsed, when filters may have written it since; else null
   * @returns false: it cannot be sent, and nothing was
   */
  head(headers: HeaderList, endStream: boolean, parsed: HeaderList | null): boolean {
    const { armHeader } = this.#context.options;
    if (armHeader !== "" && this.#facts.arms !== "") headers.push(armHeader, this.#facts.arms);
    const { newCookies } = this.#facts;
    if (newCookies !== null) addCookies(headers, newCookies, this.#facts.scheme === "https");
    const length = parsed === null ? this.length : declaredLength(headers, this.length);
    this.started = this.#client.sendHead(headers, { endStream, length, parsed, upgrade: this.upgrade });
    if (this.started) this.#facts.responseCode = Number(headers[1]);
    return this.started;
  }

  /** `chunk` is owned from here. False, as with all pieces: it does not fit the length that was sent. */
  body(chunk: Buffer, last: boolean): boolean {
    this.#facts.responseBytes += chunk.length;
    return this.#client.sendBytes(chunk, last);
  }

  /** The bytes [from, to) are only lent: a small piece becomes part of the text that is written, a large one is copied. */
  lentBody(bytes: Buffer, from: number, to: number, last: boolean): boolean {
    this.#facts.responseBytes += to - from;
    const client = this.#client;
    if (to - from < SMALL_BYTES) return client.sendText(latin1(bytes, from, to), last);
    return client.sendBytes(copyBytes(bytes, from, to), last);
  }

  trailers(list: HeaderList): boolean {
    return this.#client.sendTrailers(list);
  }

  /** A whole answer of our own, past the filters. */
  local(reply: LocalReply): boolean {
    // Clients of gRPC read a status of their own.
    const { headers, body } = isGrpc(this.#request) ? buildReply(reply, this.#request) : plainReply(reply);
    headers.push("date", httpDate(this.#context.clock.nowMs()));
    const endStream = body.length === 0;
    const { length } = body;
    this.started = this.#client.sendHead(headers, { endStream, length, parsed: NOTHING_PARSED, upgrade: "" });
    if (!this.started) return false;
    this.#facts.responseCode = Number(headers[1]);
    return endStream || this.body(body, true);
  }
}

/** A unit that lasts: a year, for this site's requests only, out of reach of its scripts. */
function addCookies(headers: HeaderList, cookies: readonly string[], secure: boolean): void {
  for (let at = 0; at < cookies.length; at += 2) {
    const attributes = `Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
    headers.push("set-cookie", `${cookies[at]}=${cookies[at + 1]}; ${attributes}`);
  }
}
