// Header values with Envoy's command operators (envoy docs, "Access logging: format rules"). The set is small and each
// member means what it means there; anything else is refused while configuring.
import { Bytes, lastStatus, nowNanos, props, requestHead, responseHead } from "@sluice/sdk";
import { Line, lowerCased } from "@sluice/sdk/governance";
import { isoTime } from "./iso-time";
import { KeptHeaders } from "./kept-headers";

/** Status of a header that is not there. */
const NOT_FOUND: u32 = 1;

enum Op {
  Text,
  Request,
  Response,
  Protocol,
  RemoteAddress,
  RemoteAddressWithoutPort,
  ResponseCode,
  StartTime,
  StartMillis,
}

const KNOWN =
  "%REQ(name)%, %RESP(name)%, %PROTOCOL%, %DOWNSTREAM_REMOTE_ADDRESS%, %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%, " +
  "%RESPONSE_CODE%, %START_TIME%, %START_TIME(%s%3f)%, %%";

const line = new Line();

class Piece {
  constructor(
    public op: Op,
    /** Text, or the header's name. */
    public text: string,
  ) {}
}

export class Format {
  private pieces: Piece[] = [];
  /** The first operator that only responses have, or "". */
  needsResponse: string = "";
  /** Names of %REQ%. */
  requestHeaders: string[] = [];

  /** Reads `text`; what is wrong with it, or null. */
  parse(text: string): string | null {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32) return "control characters are not allowed";
    let from = 0;
    for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", from)) {
      this.literal(text.substring(from, at));
      const end = operatorEnd(text, at);
      if (end < 0)
        return 'an operator without its closing %, write %% for a percent sign: "' + text.substring(at) + '"';
      if (!this.operator(text.substring(at + 1, end))) {
        return "unknown operator " + text.substring(at, end + 1) + "; known: " + KNOWN;
      }
      from = end + 1;
    }
    this.literal(text.substring(from));
    return null;
  }
  /** The value for the running callback's stream; `kept` are its request headers where the host has let them go. */
  render(kept: KeptHeaders | null): Bytes {
    line.start();
    for (let i = 0; i < this.pieces.length; i++) write(this.pieces[i], kept);
    return line.done();
  }

  private literal(text: string): void {
    if (text != "") this.pieces.push(new Piece(Op.Text, text));
  }
  private operator(name: string): bool {
    if (name == "") return this.add(Op.Text, "%");
    if (name == "PROTOCOL") return this.add(Op.Protocol, "");
    if (name == "DOWNSTREAM_REMOTE_ADDRESS") return this.add(Op.RemoteAddress, "");
    if (name == "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT") return this.add(Op.RemoteAddressWithoutPort, "");
    if (name == "START_TIME") return this.add(Op.StartTime, "");
    if (name == "START_TIME(%s%3f)") return this.add(Op.StartMillis, "");
    if (name.startsWith("REQ(")) return this.header(Op.Request, name.substring(4));
    if (name != "RESPONSE_CODE" && !name.startsWith("RESP(")) return false;
    if (this.needsResponse == "") this.needsResponse = "%" + name + "%";
    return name == "RESPONSE_CODE" ? this.add(Op.ResponseCode, "") : this.header(Op.Response, name.substring(5));
  }
  /** @param rest `name)` */
  private header(op: Op, rest: string): bool {
    if (rest.length < 2) return false;
    const name = lowerCased(rest.substring(0, rest.length - 1));
    if (op == Op.Request) this.requestHeaders.push(name);
    return this.add(op, name);
  }
  private add(op: Op, text: string): bool {
    this.pieces.push(new Piece(op, text));
    return true;
  }
}

/** Index of the percent sign that ends the operator at `at`; parentheses may hold percent signs themselves. */
function operatorEnd(text: string, at: i32): i32 {
  let end = at + 1;
  while (end < text.length && text.charCodeAt(end) != 37 && text.charCodeAt(end) != 40) end++;
  if (end == text.length) return -1;
  if (text.charCodeAt(end) == 37) return end;
  const close = text.indexOf(")%", end);
  return close < 0 ? -1 : close + 1;
}

function write(piece: Piece, kept: KeptHeaders | null): void {
  const op = piece.op;
  if (op == Op.Text) line.text(piece.text);
  else if (op == Op.Request) writeIfThere(requestHeader(piece.text, kept));
  else if (op == Op.Response) writeIfThere(responseHead().headers.bytes(piece.text));
  else if (op == Op.Protocol) writeIfThere(props.bytes("request.protocol"));
  else if (op == Op.RemoteAddress) writeIfThere(props.bytes("source.address"));
  else if (op == Op.RemoteAddressWithoutPort) writeIfThere(withoutPort(props.bytes("source.address")));
  else if (op == Op.ResponseCode) writeIfThere(responseHead().headers.bytes(":status"));
  else if (op == Op.StartTime) isoTime(line, startMillis());
  else line.int(startMillis());
}

/** NOT_FOUND is an answer, anything else a map that cannot be read. */
function requestHeader(name: string, kept: KeptHeaders | null): Bytes | null {
  const value = requestHead().headers.bytes(name);
  if (value !== null || kept === null || lastStatus() == NOT_FOUND) return value;
  return kept.get(name);
}

function writeIfThere(bytes: Bytes | null): void {
  if (bytes !== null) line.bytes(bytes);
}

function startMillis(): i64 {
  return props.int("request.time", <i64>nowNanos()) / 1000000;
}

/** Up to the last colon: an IPv6 address has more of them. */
function withoutPort(address: Bytes | null): Bytes | null {
  if (address === null) return null;
  let colon = address.length - 1;
  while (colon >= 0 && address[colon] != 58) colon--;
  return colon < 0 ? address : address.slice(0, colon);
}
