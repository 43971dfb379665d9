// Host functions: header maps (abi.md 5.3). Lookups and edits run on the live list of the effective context.
import * as status from "../../sdk/assembly/abi/status.ts";
import { checkHeaderWrite, hasRoomFor, mayRemove, normalizeGuestMap } from "../abi/header-rules.ts";
import { addHeader, joinedHeader, removeHeader, replaceHeader, type HeaderList } from "../abi/headers.ts";
import { decodePairs } from "../abi/pairs.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

/** HTTP_CALL_RESPONSE_TRAILERS, the last map. */
const LAST_MAP = 7;

type Edit = (list: HeaderList, name: string, value: string) => void;

export function headerCalls(vm: Guest): HostFunctions {
  return { ...readCalls(vm), ...writeCalls(vm), ...wholeMapWrite(vm) };
}

function readCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_get_header_map_size(map: number, out: number): number {
      const list = vm.context.headers(map);
      if (list === null) return status.BAD_ARGUMENT;
      let bytes = 0;
      for (const text of list) bytes += text.length;
      return memory.setU32(out, bytes) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_get_header_map_pairs(map: number, pointer: number, size: number): number {
      if (map >>> 0 > LAST_MAP) return status.BAD_ARGUMENT;
      return memory.givePairs(vm.context.headers(map) ?? [], pointer, size);
    },
    proxy_get_header_map_value(map: number, key: number, keySize: number, pointer: number, size: number): number {
      if (map >>> 0 > LAST_MAP) return status.BAD_ARGUMENT;
      const name = memory.name(key, keySize);
      if (name === null) return status.INVALID_MEMORY_ACCESS;
      const list = vm.context.headers(map);
      if (list === null) return vm.context.absentMap;
      const value = joinedHeader(list, name);
      if (value !== undefined) return memory.giveText(value, pointer, size);
      return vm.missingHeaderIsEmpty ? memory.giveText("", pointer, size) : status.NOT_FOUND;
    },
  };
}

function wholeMapWrite(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_set_header_map_pairs(map: number, pointer: number, size: number): number {
      if (map >>> 0 > LAST_MAP) return status.BAD_ARGUMENT;
      const bytes = memory.borrow(pointer, size);
      if (bytes === null) return status.INVALID_MEMORY_ACCESS;
      if (vm.context.writableHeaders(map) === null) return status.BAD_ARGUMENT;
      const pairs = decodePairs(bytes);
      if (pairs === null) return status.PARSE_FAILURE;
      const list = normalizeGuestMap(map, pairs);
      return list === null ? status.BAD_ARGUMENT : vm.context.replaceHeaders(map, list);
    },
  };
}

function writeCalls(vm: Guest): HostFunctions {
  const { memory } = vm;

  const write = (map: number, key: number, keySize: number, value: number, valueSize: number, edit: Edit): number => {
    if (map >>> 0 > LAST_MAP) return status.BAD_ARGUMENT;
    const name = memory.name(key, keySize);
    const text = memory.value(value, valueSize);
    if (name === null || text === null) return status.INVALID_MEMORY_ACCESS;
    const list = vm.context.writableHeaders(map);
    if (list === null) return status.BAD_ARGUMENT;
    const verdict = checkHeaderWrite(map, name, text);
    if (verdict !== "ok") return verdict === "ignored" ? status.OK : status.BAD_ARGUMENT;
    if (!hasRoomFor(list, name, text)) return status.BAD_ARGUMENT;
    edit(list, name, text);
    return status.OK;
  };

  return {
    proxy_add_header_map_value: (map: number, key: number, keySize: number, value: number, valueSize: number): number =>
      write(map, key, keySize, value, valueSize, add),
    proxy_replace_header_map_value: (
      map: number,
      key: number,
      keySize: number,
      value: number,
      valueSize: number,
    ): number => write(map, key, keySize, value, valueSize, replaceHeader),
    proxy_remove_header_map_value(map: number, key: number, keySize: number): number {
      if (map >>> 0 > LAST_MAP) return status.BAD_ARGUMENT;
      const name = memory.name(key, keySize);
      if (name === null) return status.INVALID_MEMORY_ACCESS;
      const list = vm.context.writableHeaders(map);
      if (list === null || !mayRemove(map, name)) return status.BAD_ARGUMENT;
      removeHeader(list, name);
      return status.OK;
    },
  };
}

/** A pseudo header exists once: adding one replaces it. */
const add: Edit = (list, name, value) => (name.charCodeAt(0) === 58 ? replaceHeader : addHeader)(list, name, value);
