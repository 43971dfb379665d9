// The probe guest written with @sluice/sdk: its callbacks are the SDK's, its host calls are raw. What the SDK keeps to
// itself (allocator, creation and deletion of contexts, start-up) this guest cannot script.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Config,
  Continuation,
  CallResponse,
  definePluginWithRoot,
  Flow,
  HttpFilter,
  JsonReader,
  OutRequest,
  RequestHead,
  ResponseHead,
  Root,
  Task,
  Timer,
  Trailers,
} from "@sluice/sdk";
import { onAnswer, onTick } from "@sluice/sdk/assembly/hooks";
import { Context } from "@sluice/sdk/assembly/owner";
import { decode, forget, isRoot, isStream, loadHeader, run } from "./interpreter";
import { proxy_get_buffer_bytes } from "./env";

const OUT: usize = memory.data(8, 8);
let rootId: u32 = 0;
/** Never true: keeps the callbacks of call-outs and timers exported. */
let uses: bool = false;

class Script extends Config {
  override read(json: JsonReader): string | null {
    if (proxy_get_buffer_bytes(7, 0, 0x7fffffff, OUT, OUT + 4) != 0) return null;
    const size = load<u32>(OUT, 4);
    if (size >= 14) decode(<usize>load<u32>(OUT) + 11, size - 13);
    return null;
  }
}

class Never extends Continuation {
  onResponse(response: CallResponse): void {}
}
class Idle extends Task {
  run(): void {}
}

class ProbeRoot extends Root<Script> {
  override onConfigure(config: Script): string | null {
    isRoot(this.id);
    rootId = this.id;
    if (uses) {
      this.call("", new OutRequest("", "", ""), 0, new Never());
      Timer.every(1000, new Idle());
    }
    return run(7, this.id, 0, 0, 0, 0, 1) ? null : "refused by the script";
  }
  override onQueue(queue: u32): void {
    run(19, this.id, queue, 0, 0, 0, 0);
  }
  override onForeign(id: u32, size: u32): void {
    run(20, this.id, id, size, 0, 0, 0);
  }
  override onDone(): bool {
    return run(22, this.id, 0, 0, 0, 0, 1) != 0;
  }
}

function headerFlow(result: u32): Flow {
  if (result == 3) return Flow.PauseAndBuffer;
  return result == 4 ? Flow.PauseAndWatermark : result ? Flow.Pause : Flow.Continue;
}
function bodyFlow(result: u32): Flow {
  if (result == 2) return Flow.PauseAndWatermark;
  return result == 3 ? Flow.PauseNoBuffer : result ? Flow.Pause : Flow.Continue;
}
function plainFlow(result: u32): Flow {
  return result ? Flow.Pause : Flow.Continue;
}

class Probe extends HttpFilter {
  constructor(private script: Script) {
    super();
    forget();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    isStream(this.id);
    loadHeader();
    return headerFlow(run(12, this.id, 0, request.end ? 1 : 0, 0, 0, 0));
  }
  override onRequestBody(body: BodyView): Flow {
    return bodyFlow(run(13, this.id, body.size, body.end ? 1 : 0, 0, 0, 0));
  }
  override onRequestTrailers(trailers: Trailers): Flow {
    return plainFlow(run(14, this.id, 0, 0, 0, 0, 0));
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    return headerFlow(run(15, this.id, 0, response.end ? 1 : 0, 0, 0, 0));
  }
  override onResponseBody(body: BodyView): Flow {
    return bodyFlow(run(16, this.id, body.size, body.end ? 1 : 0, 0, 0, 0));
  }
  override onResponseTrailers(trailers: Trailers): Flow {
    return plainFlow(run(17, this.id, 0, 0, 0, 0, 0));
  }
  override onLog(): void {
    run(10, this.id, 0, 0, 0, 0, 0);
  }
  override onEnd(): void {
    run(9, this.id, 0, 0, 0, 0, 0);
  }
}

onAnswer((token: u32, headers: u32, bodySize: u32, trailers: u32): void => {
  run(18, rootId, token, headers, bodySize, trailers, 0);
});
onTick((root: Context): void => {
  run(8, root.id, 0, 0, 0, 0, 0);
});
definePluginWithRoot<Script, Probe, ProbeRoot>("probe");
