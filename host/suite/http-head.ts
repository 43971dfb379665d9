// HTTP/1 text -> the header list a filter sees (runner.proto: "Header input should be HTTP1. Wasm will receive HTTP2
// headers"). Absolute-form targets give :scheme, :authority and :path, origin-form ones only what they say.
import type { HeaderList } from "../abi/headers.ts";

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/\d\.\d$/;
const STATUS_LINE = /^HTTP\/\d\.\d ([1-9]\d\d)(?: .*)?$/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
const ORIGIN_FORM = /^\/[^#\s]*$/;

/** Thrown with a sentence; the caller knows the place. */
export class HeadError extends Error {}

function fieldsOf(lines: readonly string[]): HeaderList {
  return lines.flatMap((line) => {
    const found = FIELD.exec(line);
    if (found === null) throw new HeadError(`not a header line: ${JSON.stringify(line)}`);
    return [(found[1] ?? "").toLowerCase(), found[2] ?? ""];
  });
}

function without(list: HeaderList, name: string): HeaderList {
  return list.filter((_, at) => list[at - (at % 2)] !== name);
}

function requestHead(line: string, fields: HeaderList): HeaderList {
  const [, method = "", target = ""] = REQUEST_LINE.exec(line) ?? [];
  if (method === "") throw new HeadError(`not a request line: ${JSON.stringify(line)}`);
  if (/^https?:/i.test(target) && URL.canParse(target)) {
    const url = new URL(target);
    const scheme = url.protocol.slice(0, -1);
    const path = `${url.pathname}${url.search}`;
    return [":method", method, ":scheme", scheme, ":authority", url.host, ":path", path, ...without(fields, "host")];
  }
  if (!ORIGIN_FORM.test(target)) throw new HeadError(`neither a path nor an http(s) URL: ${target}`);
  const host = fields[fields.indexOf("host") + 1];
  const hasHost = fields.some((name, at) => at % 2 === 0 && name === "host");
  const authority = hasHost && host !== undefined ? [":authority", host] : [];
  return [":method", method, ...authority, ":path", target, ...without(fields, "host")];
}

/** @throws HeadError */
export function parseHead(text: string, side: "request" | "response"): HeaderList {
  const [head = ""] = text.replaceAll("\r\n", "\n").split("\n\n", 1);
  const [line = "", ...rest] = head.split("\n");
  const fields = fieldsOf(rest.filter((one) => one !== ""));
  if (side === "request") return requestHead(line, fields);
  const [, status = ""] = STATUS_LINE.exec(line) ?? [];
  if (status === "") throw new HeadError(`not a status line: ${JSON.stringify(line)}`);
  return [":status", status, ...fields];
}
