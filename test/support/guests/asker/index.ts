// A filter for tests that makes the host calls it is told to and logs each status and result in hex. Commands come in the
// request header `x-do` (separated by "; "), at other times in `x-do-body`, `x-do-response`, `x-do-response-body`, `x-do-log`; in the plugin
// configuration for proxy_on_configure. With `x-tell` the response says in `x-told` what the request was answered. `call NAME HEX`, `get PATH`, `set PATH TEXT`, `add NAME VALUE`, `header NAME`,
// `body`, `cut`, `up`, `reply STATUS`. "|" stands for NUL in paths.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Config,
  definePluginWithRoot,
  Flow,
  HttpFilter,
  log,
  RequestHead,
  ResponseHead,
  Root,
} from "@sluice/sdk";
import * as env from "../../../../sdk/assembly/env";

const OUT: usize = memory.data(8, 8);

function hex(at: usize, size: usize): string {
  let text = "";
  for (let i: usize = 0; i < size; i++) text += (<u32>load<u8>(at + i) + 256).toString(16).substring(1);
  return text;
}

function unhex(text: string): StaticArray<u8> {
  const bytes = new StaticArray<u8>(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>parseInt(text.substring(2 * i, 2 * i + 2), 16);
  return bytes;
}

let told: string = "";

function say(what: string, status: u32, hasResult: bool): void {
  const given = hasResult && load<u32>(OUT) != 0 ? hex(load<u32>(OUT), load<u32>(OUT + 4)) : "";
  const line = what + " " + status.toString() + " " + given;
  told += line + ";";
  log.info(line);
}

function run(command: string): void {
  const parts = command.split(" ");
  const verb = parts[0];
  const name = parts.length > 1 ? String.UTF8.encode(parts[1].replaceAll("|", "\0")) : new ArrayBuffer(0);
  const rest = parts.length > 2 ? parts[2] : "";
  const text = String.UTF8.encode(rest.replaceAll("_", " "));
  const key = changetype<usize>(name);
  const size = name.byteLength;
  store<u64>(OUT, 0);
  if (verb == "call") {
    const args = unhex(rest);
    const status = env.proxy_call_foreign_function(key, size, changetype<usize>(args), args.length, OUT, OUT + 4);
    say(verb, status, true);
  } else if (verb == "get") say(verb, env.proxy_get_property(key, size, OUT, OUT + 4), true);
  else if (verb == "set") say(verb, env.proxy_set_property(key, size, changetype<usize>(text), text.byteLength), false);
  else if (verb == "add")
    say(verb, env.proxy_add_header_map_value(0, key, size, changetype<usize>(text), text.byteLength), false);
  else if (verb == "header") say(verb, env.proxy_get_header_map_value(0, key, size, OUT, OUT + 4), true);
  else if (verb == "body") say(verb, env.proxy_get_buffer_bytes(0, 0, 100, OUT, OUT + 4), true);
  else if (verb == "cut") say(verb, env.proxy_set_buffer_bytes(0, 1, 1, key, 0), false);
  else if (verb == "up") say(verb, env.proxy_continue_stream(3), false);
  else if (verb == "reply")
    say(verb, env.proxy_send_local_response(<u32>parseInt(parts[1]), 0, 0, 0, 0, 0, 0, -1), false);
  else if (verb == "data") say(verb, env.proxy_set_shared_data(key, size, key, size, 0), false);
  else if (verb == "metric") say(verb, env.proxy_define_metric(0, key, size, OUT), false);
}

function runAll(commands: string): void {
  if (commands == "") return;
  const list = commands.split("; ");
  for (let i = 0; i < list.length; i++) run(list[i]);
}

@config
class AskerConfig extends Config {
  run: string = "";
}

class AskerRoot extends Root<AskerConfig> {
  override onConfigure(config: AskerConfig): string | null {
    runAll(config.run);
    return null;
  }
}

class Asker extends HttpFilter {
  private onBody: string = "";
  private onResponse: string = "";
  private onAnswerBody: string = "";
  private atLog: string = "";
  private told: string = "";
  constructor(config: AskerConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    this.onBody = request.headers.get("x-do-body");
    this.onResponse = request.headers.get("x-do-response");
    this.onAnswerBody = request.headers.get("x-do-response-body");
    this.atLog = request.headers.get("x-do-log");
    told = "";
    runAll(request.headers.get("x-do"));
    if (request.headers.has("x-tell")) this.told = told;
    return Flow.Continue;
  }
  override onRequestBody(body: BodyView): Flow {
    runAll(this.onBody);
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (this.told != "") response.headers.set("x-told", this.told);
    runAll(this.onResponse);
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    runAll(this.onAnswerBody);
    return Flow.Continue;
  }
  override onLog(): void {
    runAll(this.atLog);
  }
}
definePluginWithRoot<AskerConfig, Asker, AskerRoot>("asker");
