// The WebSocket handshake of HTTP/1.1 towards an upstream, for a client that needs none because it speaks HTTP/2 (RFC 8441 5).
import { createHash } from "node:crypto";
import { type HeaderList, firstHeader, removeHeader } from "../../abi/headers.ts";
import type { RequestIds } from "../request-id.ts";

/** RFC 6455 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export class Handshake {
  readonly #key: string;

  /** Puts a key into the request. */
  constructor(request: HeaderList, ids: RequestIds) {
    this.#key = Buffer.from(ids.next().replaceAll("-", ""), "hex").toString("base64");
    removeHeader(request, "sec-websocket-key");
    request.push("sec-websocket-key", this.#key);
  }

  /** Whether the answer fits the key; takes out what says so. */
  accepts(answer: HeaderList): boolean {
    const expected = createHash("sha1")
      .update(this.#key + GUID)
      .digest("base64");
    const given = firstHeader(answer, "sec-websocket-accept");
    removeHeader(answer, "sec-websocket-accept");
    return given === expected;
  }
}
