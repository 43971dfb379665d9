// A chain's stream that decides about the route, as `sluice.route_set` does, and passes everything on.
import type { HeaderList } from "../../host/abi/headers.ts";
import type { ExchangePort, HttpStream, LocalReply } from "../../host/chain/ports.ts";
import { StreamNotes } from "../../host/plugin/stream-notes.ts";
import type { RouteDecision } from "../../host/route/decision.ts";

export class Deciding implements HttpStream {
  readonly responseBodyPasses = false;
  readonly parsedRequest: HeaderList = [];
  readonly parsedResponse: HeaderList = [];
  readonly port: ExchangePort;
  readonly decision: Omit<RouteDecision, "by">;
  constructor(port: ExchangePort, decision: Omit<RouteDecision, "by">) {
    this.port = port;
    this.decision = decision;
  }
  requestHeaders(headers: HeaderList, end: boolean): void {
    const notes = new StreamNotes();
    notes.decision = { ...this.decision, by: {} };
    this.port.facts.notes = notes;
    this.port.forwardRequestHeaders(headers, end);
  }
  requestBody(chunk: Buffer, end: boolean): void {
    this.port.forwardRequestBody(chunk, end);
  }
  requestTrailers(): void {}
  responseHeaders(headers: HeaderList, end: boolean): void {
    this.port.forwardResponseHeaders(headers, end);
  }
  responseBody(chunk: Buffer, end: boolean): void {
    this.port.forwardResponseBody(chunk, end);
  }
  responseTrailers(): void {}
  localReply(reply: LocalReply): void {
    this.port.stopRequest(reply.details);
    this.port.forwardResponseHeaders([":status", String(reply.status)], true);
  }
  end(): void {}
}
