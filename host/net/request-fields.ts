// What a request's head says beyond its list, and the rules for single fields that HTTP/1.1 and HTTP/2 share. The parsers of
// both (http1/request-head.ts, http2/request-head.ts) fill one object per connection anew for every request.
import type { HeaderList } from "../abi/headers.ts";
import { parseContentLength } from "./http1/fields.ts";
import { Kind } from "./http1/names.ts";
import type { Rejection } from "./http1/rejection.ts";
import type { IncomingHead } from "./incoming-head.ts";

export class RequestFields implements IncomingHead {
  headers: HeaderList = [];
  method = "";
  authority = "";
  path = "";
  userAgent = "";
  bytes = 0;
  protocol = "";
  contentLength = -1;
  hasBody = false;
  expectsContinue = false;
  acceptsTrailers = false;
  upgrade = "";
  requestIdAt = -1;
  forwardedForAt = -1;
  forwardedProtoAt = -1;

  protected resetFields(): void {
    this.userAgent = "";
    this.contentLength = -1;
    this.expectsContinue = false;
    this.acceptsTrailers = false;
    this.upgrade = "";
    this.requestIdAt = -1;
    this.forwardedForAt = -1;
    this.forwardedProtoAt = -1;
  }

  /** Keeps a field that is not plain, or leaves it out, or refuses it. Of those that may come once, the first counts. */
  protected keep(name: string, kind: number, value: string): Rejection | null {
    const { headers } = this;
    switch (kind) {
      case Kind.internal:
        return null;
      case Kind.underscore:
        return "underscore_in_name";
      case Kind.contentLength:
        if (this.contentLength >= 0) return "duplicate_content_length";
        this.contentLength = parseContentLength(value);
        if (this.contentLength < 0) return "bad_content_length";
        break;
      case Kind.userAgent:
        this.userAgent = value;
        break;
      case Kind.requestId:
        if (this.requestIdAt >= 0) return null;
        this.requestIdAt = headers.length;
        break;
      case Kind.forwardedFor:
        this.forwardedForAt = headers.length;
        break;
      case Kind.forwardedProto:
        if (this.forwardedProtoAt >= 0) return null;
        this.forwardedProtoAt = headers.length;
    }
    headers.push(name, value);
    return null;
  }
}
