// Every way to look at headers: what was seen is written to response headers, one per question.
export * from "@sluice/sdk/proxy";
import {
  Bytes,
  Config,
  definePlugin,
  Flow,
  formatInt,
  HeaderVisitor,
  HttpFilter,
  log,
  PairsBuilder,
  RequestHead,
  ResponseHead,
  Trailers,
} from "@sluice/sdk";

class Names extends HeaderVisitor {
  text: string = "";
  visit(name: Bytes, value: Bytes): void {
    this.text += name.toString() + "=" + value.toString() + "|";
  }
}

class Headers extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const headers = request.headers;
    log.info("method " + request.method + " path " + request.path + " only " + request.pathOnly);
    log.info("query " + request.query + " host " + request.host + " scheme " + request.scheme);
    log.info("end " + request.end.toString() + " count " + headers.count().toString());
    const empty = headers.bytes("x-empty");
    log.info("empty " + (empty ? empty.length.toString() : "null") + " absent " + headers.get("x-none", "dflt"));
    log.info("absent " + (headers.bytes("x-none") ? "there" : "null") + " has " + headers.has("x-empty").toString());
    log.info(
      "param " + show(request.queryParam("a b")) + show(request.queryParam("c")) + show(request.queryParam("d")),
    );
    log.info("cookie " + show(request.cookie("sid")) + show(request.cookie("none")));
    const all = headers.all("x-many");
    log.info("all " + all.length.toString() + " " + all[0].toString() + " " + all[1].toString());
    const names = new Names();
    headers.forEach(names);
    log.info(names.text);
    const length = headers.bytes("content-length")!;
    const n = length.parseInt();
    headers.setBytes("x-doubled", formatInt(n * 2));
    headers.set("x-ümlaut-värde", "blé 🎉");
    headers.add("x-many", "three");
    headers.remove("x-empty");
    return Flow.PauseAndWatermark;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    log.info("status " + response.status.toString());
    const pairs = new PairsBuilder().add(":status", "201").add("x-a", "").add("x-b", "ü");
    response.headers.replaceAll(pairs);
    return Flow.PauseAndBuffer;
  }
  override onRequestTrailers(trailers: Trailers): Flow {
    trailers.headers.set("x-sum", trailers.headers.get("x-in") + "!");
    return Flow.PauseNoBuffer;
  }
}

function show(text: string | null): string {
  return text === null ? "[null]" : "[" + text + "]";
}

class None extends Config {}
definePlugin<None, Headers>("headers");
