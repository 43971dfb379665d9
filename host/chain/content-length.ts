// A message's announced length, made true before its headers leave (abi.md 9.11).
import { findHeader, removeHeader, replaceHeader, type HeaderList } from "../abi/headers.ts";

/** @param complete `bytes` is all of the body; otherwise its length is not known, and none is announced */
export function fitLength(headers: HeaderList, bytes: number, complete: boolean): void {
  if (findHeader(headers, "content-length") < 0) return;
  if (complete) replaceHeader(headers, "content-length", String(bytes));
  else removeHeader(headers, "content-length");
}
