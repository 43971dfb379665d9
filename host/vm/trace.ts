// What happens between host and guest, for people: `sluice call --trace`, tests, reports. Off (null) on a serving proxy,
// where it costs nothing: host functions are only wrapped when somebody listens.

export interface VmTrace {
  callbackBegan(name: string, contextId: number, args: readonly number[]): void;
  /** `result` is FAULTED (-1) when the instance died. */
  callbackEnded(name: string, result: number): void;
  /** After a host function returned: the call in words, with its status and what it gave. */
  hostCall(words: string): void;
}
