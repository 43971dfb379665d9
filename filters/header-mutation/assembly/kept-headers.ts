// Request headers that response mutations name, kept while the request passes: hosts such as Envoy let a filter read them
// no longer once it has let them go. Read only when the host does not give the header itself.
import { Bytes, RequestHead } from "@sluice/sdk";

export class KeptHeaders {
  private names: string[] = [];
  private values: (ArrayBuffer | null)[] = [];

  keep(request: RequestHead, names: string[]): void {
    this.names = names;
    for (let i = 0; i < names.length; i++) {
      const value = request.headers.bytes(names[i]);
      this.values.push(value === null ? null : value.copy());
    }
  }
  get(name: string): Bytes | null {
    const at = this.names.indexOf(name);
    if (at < 0) return null;
    const value = this.values[at];
    return value === null ? null : Bytes.over(value);
  }
}
