export class AccessLog {
  constructor(_o: unknown) {}
  write(_f: unknown, _r: unknown): void {}
  close(): void {}
  reopen(): void {}
}
