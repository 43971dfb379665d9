// A filter for tests: counts its requests in its own memory and hands the count to the next version. The configuration says
// how that goes wrong.
export * from "@sluice/sdk/proxy";
import {
  Bytes,
  Config,
  definePluginWithRoot,
  Flow,
  foreignArguments,
  HttpFilter,
  log,
  props,
  ResponseHead,
  Root,
  writeSnapshot,
} from "@sluice/sdk";

/** The first byte of what is written: a later version of this filter can tell what it is given. */
const FORMAT: u8 = 1;
let count: u32 = 0;

@config
class TallyConfig extends Config {
  /** `trap`, `large`, `twice`, `none`; else it writes. */
  snapshot: string = "";
  /** `trap`, `refuse`; else it takes. */
  restore: string = "";
}

function write(size: i32): bool {
  const state = new Uint8Array(size);
  state[0] = FORMAT;
  store<u32>(state.dataStart, count, 1);
  return writeSnapshot(Bytes.at(state.dataStart, size));
}

class TallyRoot extends Root<TallyConfig> {
  private snapshot: string = "";
  private restore: string = "";

  override onConfigure(config: TallyConfig): string | null {
    this.snapshot = config.snapshot;
    this.restore = config.restore;
    return null;
  }
  override onSnapshot(): void {
    if (this.snapshot == "none") return;
    if (this.snapshot == "large") log.info("written " + write(1024 * 1024 + 1).toString());
    else write(5);
    if (this.snapshot == "twice") {
      count = 700;
      write(5);
    }
    if (this.snapshot == "trap") unreachable();
  }
  override onRestore(size: u32): bool {
    const state = foreignArguments();
    if (this.restore == "refuse" || state.length != size || load<u8>(state.ptr) != FORMAT) return false;
    count = load<u32>(state.ptr, 1);
    log.info("from " + props.plugin.snapshotVersion);
    if (this.restore == "trap") unreachable();
    return true;
  }
}

class Tally extends HttpFilter {
  constructor(private config: TallyConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    count++;
    response.headers.set("x-count", count.toString());
    response.headers.set("x-worker", props.int("sluice.worker").toString());
    if (response.headers.has("x-late")) log.info("late " + write(5).toString());
    return Flow.Continue;
  }
}
definePluginWithRoot<TallyConfig, Tally, TallyRoot>("tally");
