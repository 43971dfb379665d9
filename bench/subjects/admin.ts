// The admin API, as the bench needs it: uploads of modules and their swaps.
import { request } from "node:http";

/** Uploads `wasm` as a version of `filter` and makes it live. @throws with the refusal */
export async function uploadAndSwap(adminPort: number, filter: string, wasm: Uint8Array): Promise<void> {
  const path = `/api/v1/filters/${filter}/versions?swap=true`;
  const { status, text } = await post(adminPort, path, wasm);
  if (status !== 201) throw new Error(`the upload of ${filter} was answered ${status}: ${text}`);
}

export interface ShadowState {
  readonly compared: number;
  readonly differing: number;
  readonly dropped: number;
}

/** @throws with the refusal */
export async function startShadow(adminPort: number, shadow: object): Promise<void> {
  const { status, text } = await post(adminPort, "/api/v1/shadows", Buffer.from(JSON.stringify(shadow)));
  if (status !== 201) throw new Error(`the shadow was answered ${status}: ${text}`);
}

export async function shadowOf(adminPort: number, filter: string): Promise<ShadowState> {
  const { text } = await ask("GET", adminPort, `/api/v1/shadows/${filter}`, new Uint8Array());
  return JSON.parse(text) as ShadowState;
}

const post = (port: number, path: string, body: Uint8Array): Promise<Answer> => ask("POST", port, path, body);

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(method: "GET" | "POST", port: number, path: string, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/wasm", "content-length": body.length };
    const sent = request({ port, path, headers, method, host: "127.0.0.1", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body);
  });
}

/** The same module with other bytes: V8 keeps compiled modules by content, so equal bytes would measure that cache. */
export function withOtherBytes(wasm: Uint8Array, number: number): Uint8Array {
  const name = Buffer.from("bench");
  const content = Buffer.from([name.length, ...name, ...Buffer.from(String(number).padStart(10, "0"))]);
  return Buffer.concat([wasm, Buffer.from([0, content.length]), content]);
}
