// Host functions: header maps (abi.md 5.3). Lookups and edits run on the live list of the effective context.
import * as status from "../../sdk/assembly/abi/status.ts";
import {
  checkHeaderWrite,
  hasRoomFor,
  mayRemove,
  normalizeGuestMap,
  whyNotMap,
  whyRefused,
} from "../abi/header-rules.ts";
import { addHeader, joinedHeader, removeHeader, replaceHeader, type HeaderList } from "../abi/headers.ts";
import { decodePairs } from "../abi/pairs.ts";
import { MAP_NAMES, NOT_PAIRS } from "./abi-words.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

/** HTTP_CALL_RESPONSE_TRAILERS, the last map. */
const LAST_MAP = 7;

const NO_MAP = "there is no header map {}";

function unreadable(vm: Guest, map: number): number {
  const name = MAP_NAMES.get(map);
  if (name === undefined) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
  return vm.refuse(vm.context.absentMap, "the map {} is not there in this callback", name);
}

function unwritable(vm: Guest, map: number): number {
  const name = MAP_NAMES.get(map);
  if (name === undefined) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
  const reason = "the map {} cannot be written now: not there yet, gone on already, or read-only as in proxy_on_log";
  return vm.refuse(status.BAD_ARGUMENT, reason, name);
}

type Edit = (list: HeaderList, name: string, value: string) => void;

export function headerCalls(vm: Guest): HostFunctions {
  return { ...readCalls(vm), ...writeCalls(vm), ...removeCall(vm), ...wholeMapWrite(vm) };
}

function readCalls(vm: Guest): HostFunctions {
  const { memory, hostCalls } = vm;
  const GET = hostCalls.own("proxy_get_header_map_value");

  const get = (map: number, key: number, keySize: number, pointer: number, size: number): number => {
    if (map >>> 0 > LAST_MAP) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
    const name = memory.name(key, keySize);
    if (name === null) return status.INVALID_MEMORY_ACCESS;
    const list = vm.context.headers(map);
    if (list === null) return unreadable(vm, map);
    const value = joinedHeader(list, name);
    if (value !== undefined) return memory.giveText(value, pointer, size);
    if (vm.missingHeaderIsEmpty) return memory.giveText("", pointer, size);
    return vm.refuse(status.NOT_FOUND, "there is no header {}", name);
  };

  return {
    proxy_get_header_map_size(map: number, out: number): number {
      const list = vm.context.headers(map);
      if (list === null) return unreadable(vm, map) && status.BAD_ARGUMENT;
      let bytes = 0;
      for (const text of list) bytes += text.length;
      return memory.setU32(out, bytes) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_get_header_map_pairs(map: number, pointer: number, size: number): number {
      if (map >>> 0 > LAST_MAP) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
      return memory.givePairs(vm.context.headers(map) ?? [], pointer, size);
    },
    proxy_get_header_map_value(map: number, key: number, keySize: number, pointer: number, size: number): number {
      const at = hostCalls.began(GET);
      return hostCalls.ended(at, get(map, key, keySize, pointer, size));
    },
  };
}

function wholeMapWrite(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_set_header_map_pairs(map: number, pointer: number, size: number): number {
      if (map >>> 0 > LAST_MAP) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
      const bytes = memory.borrow(pointer, size);
      if (bytes === null) return status.INVALID_MEMORY_ACCESS;
      if (vm.context.writableHeaders(map) === null) return unwritable(vm, map);
      const pairs = decodePairs(bytes);
      if (pairs === null) return vm.refuse(status.PARSE_FAILURE, NOT_PAIRS);
      const list = normalizeGuestMap(map, pairs, vm.options.limits.headers);
      if (list !== null) return vm.context.replaceHeaders(map, list);
      if (!hasRoomFor(pairs, "", "", vm.options.limits.headers)) vm.options.limits.overLimit("headers");
      return vm.refuse(status.BAD_ARGUMENT, ...whyNotMap(map, pairs));
    },
  };
}

function writeCalls(vm: Guest): HostFunctions {
  const { memory, hostCalls } = vm;
  const ADD = hostCalls.own("proxy_add_header_map_value");
  const REPLACE = hostCalls.own("proxy_replace_header_map_value");

  const write = (map: number, key: number, keySize: number, value: number, valueSize: number, edit: Edit): number => {
    if (map >>> 0 > LAST_MAP) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
    const name = memory.name(key, keySize);
    const text = memory.value(value, valueSize);
    if (name === null || text === null) return status.INVALID_MEMORY_ACCESS;
    const list = vm.context.writableHeaders(map);
    if (list === null) return unwritable(vm, map);
    const verdict = checkHeaderWrite(map, name, text);
    if (verdict === "ignored") return status.OK;
    if (verdict === "refused") return vm.refuse(status.BAD_ARGUMENT, whyRefused(map, name, text), name);
    if (!hasRoomFor(list, name, text, vm.options.limits.headers))
      return vm.overLimit(
        "headers",
        status.BAD_ARGUMENT,
        "with {} the map would be over its bytes or its headers",
        name,
      );
    edit(list, name, text);
    return status.OK;
  };

  return {
    proxy_add_header_map_value(map: number, key: number, keySize: number, value: number, valueSize: number): number {
      const at = hostCalls.began(ADD);
      return hostCalls.ended(at, write(map, key, keySize, value, valueSize, add));
    },
    proxy_replace_header_map_value(
      map: number,
      key: number,
      keySize: number,
      value: number,
      valueSize: number,
    ): number {
      const at = hostCalls.began(REPLACE);
      return hostCalls.ended(at, write(map, key, keySize, value, valueSize, replaceHeader));
    },
  };
}

function removeCall(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_remove_header_map_value(map: number, key: number, keySize: number): number {
      if (map >>> 0 > LAST_MAP) return vm.refuse(status.BAD_ARGUMENT, NO_MAP, map);
      const name = memory.name(key, keySize);
      if (name === null) return status.INVALID_MEMORY_ACCESS;
      const list = vm.context.writableHeaders(map);
      if (list === null) return unwritable(vm, map);
      if (!mayRemove(map, name)) return vm.refuse(status.BAD_ARGUMENT, "{} is mandatory and cannot be removed", name);
      removeHeader(list, name);
      return status.OK;
    },
  };
}

/** A pseudo header exists once: adding one replaces it. */
const add: Edit = (list, name, value) => (name.charCodeAt(0) === 58 ? replaceHeader : addHeader)(list, name, value);
