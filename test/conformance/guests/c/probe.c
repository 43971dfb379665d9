/* The probe guest in freestanding C: the same interpreter as guests/probe.wat and guests/as. No libc; `dispatch.inc` and
   `exports.inc` are written by toolchains/c.ts from the tables of functions and callbacks. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef long long i64;

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name), used, visibility("default")))

enum { ARENA = 256, FILL = 0xa5a5a5a5u, SCRIPT = 16384, REPORT = 12288, GUARD = 65536 };
enum { CB_INITIALIZE = 0, CB_MAIN, CB_START, CB_ALLOCATE, CB_CREATE, CB_ROOT_CREATE = 21 };

#include "imports.inc"

static u32 arena[ARENA / 4];
static u32 variables[16];
static u32 counts[64];
static u32 answers[4];
static u32 script[SCRIPT / 4];
static u8 report[REPORT];
static u32 guarded[GUARD / 4];
static u8 environment[32768];
static u32 reported, root, stream, context, guard_filled, from_header;
static u8 mark = '|';
static u32 allocator;
extern u8 __heap_base;
static u32 heap;

static void put(u8 byte) {
  if (reported < REPORT - 16) report[reported++] = byte;
}

static void hex(u32 value, u32 digits) {
  while (digits--) put("0123456789abcdef"[(value >> (digits * 4)) & 15]);
}

static void word(u32 value) {
  put(' ');
  hex(value, 8);
}

static u32 memory_bytes(void) { return (u32)__builtin_wasm_memory_size(0) << 16; }

/* " t<i>=<bytes>" for what the arena's words 2i and 2i + 1 point to; at most 512 bytes. */
static void text(u32 i) {
  u32 from = arena[2 * i], size = arena[2 * i + 1];
  if (size == FILL) return;
  if (size > 512) size = 512;
  if (from + size > memory_bytes()) return;
  put(' '), put('t'), hex(i, 1), put('=');
  for (u32 at = 0; at < size; at++) hex(((volatile u8 *)from)[at], 2);
}

static void fill(volatile u32 *words, u32 count) {
  for (u32 at = 0; at < count; at++) words[at] = FILL;
}

static u32 guard(void) {
  for (u32 at = 0; at < GUARD / 4; at++)
    if (((volatile u32 *)guarded)[at] != FILL) return 1;
  return 0;
}

static u8 digit(u8 c) { return c < 58 ? c - 48 : c - 87; }

/* Hex digits to the script; stops at 16 KiB. */
static void decode(const u8 *from, u32 size) {
  if (size > 2 * SCRIPT) size = 2 * SCRIPT;
  for (u32 at = 0; at + 1 < size; at += 2) ((u8 *)script)[at / 2] = (u8)(digit(from[at]) << 4 | digit(from[at + 1]));
}

static void load_environment(void) {
  environ_sizes_get((u32)&answers[0], (u32)&answers[1]);
  if (answers[0] != 1 || answers[1] > sizeof environment - 8) return;
  environ_get((u32)&answers[2], (u32)environment);
  decode(environment + 7, answers[1] - 8);
}

static void load_configuration(u32 size) {
  if (size < 14) return;
  if (proxy_get_buffer_bytes(7, 0, size, (u32)&answers[0], (u32)&answers[1])) return;
  decode((const u8 *)answers[0] + 11, answers[1] - 13);
}

static void load_header(void) {
  static const char name[] = "x-script";
  if (proxy_get_header_map_value(0, (u32)name, 8, (u32)&answers[0], (u32)&answers[1]) || !answers[1]) return;
  decode((const u8 *)answers[0], answers[1]);
  proxy_remove_header_map_value(0, (u32)name, 8);
  from_header = 1;
  for (u32 at = 0; at < 64; at++) counts[at] = 0;
}

/* An operation: function, mask of texts, offset to save, variable, then twelve pairs of kind and value. */
enum { OP_WORDS = 28 };

static u32 arg(const u32 *op, u32 i) {
  u32 kind = op[4 + 2 * i], value = op[5 + 2 * i];
  switch (kind) {
    case 1: return (u32)script + value;
    case 2: return (u32)arena + value;
    case 3: return variables[value];
    case 4: return context;
    case 5: return root;
    case 6: return memory_bytes() + value;
    case 7: return stream;
    default: return value;
  }
}

static u32 own(const u32 *op, u32 function) {
  switch (function) {
    case 1: return guard();
    case 2: allocator = arg(op, 0); return 0;
    case 3: __builtin_trap();
    case 4: return (u32)__builtin_wasm_memory_grow(0, arg(op, 0));
    case 5: return variables[arg(op, 0)];
    case 6: for (volatile u32 turns = 0;; turns++);
    case 7: *(volatile u32 *)arg(op, 0) = arg(op, 1); return 0;
    case 8: return *(volatile u32 *)arg(op, 0);
    default: return 0;
  }
}

static u32 dispatch(const u32 *op) {
  u32 function = op[0];
  if (function >= 1000) return own(op, function - 1000);
  switch (function) {
#include "dispatch.inc"
  }
  __builtin_trap();
}

static void step(const u32 *op) {
  fill(arena, ARENA / 4);
  u32 status = dispatch(op);
  put(mark), hex(status, 8);
  for (u32 at = 0; at < ARENA / 4; at++) {
    u32 value = ((volatile u32 *)arena)[at];
    if (value != FILL) put(' '), hex(at * 4, 2), put('='), hex(value, 8);
  }
  for (u32 i = 0; i < 8; i++)
    if (op[1] >> i & 1) text(i);
  if (op[2] != 0xffffffffu) variables[op[3]] = arena[op[2] / 4];
}

/* Every callback: counts, finds its section, runs it, reports. The allocator reports into the line of its caller. */
static u32 run(u32 callback, u32 a, u32 b, u32 c, u32 d, u32 answer) {
  u32 nth = ++counts[callback];
  if (callback != CB_ALLOCATE) {
    reported = 0;
    put('P'), word(callback), word(context), word(a), word(b), word(c), word(d);
  }
  const u32 *section = script + 1;
  for (u32 left = script[0]; left; left--, section += 5) {
    if (section[0] != callback || (section[1] && section[1] != nth)) continue;
    answer = section[2];
    const u32 *op = script + section[3] / 4;
    for (u32 count = section[4]; count; count--, op += OP_WORDS) step(op);
    break;
  }
  if (callback != CB_ALLOCATE) proxy_log(2, (u32)report, reported);
  return answer;
}

static void enter(u32 id) {
  heap = ((u32)&__heap_base + 15) & ~15u;
  allocator = 0;
  context = id;
  if (!guard_filled) guard_filled = 1, fill(guarded, GUARD / 4);
}

static u32 allocate(u32 size) {
  switch (allocator) {
    case 1: return 0;
    case 2: return memory_bytes() - 1;
    case 3: __builtin_wasm_memory_grow(0, 1); break;
    case 4: __builtin_trap();
    case 5: allocator = 0, mark = '+', run(CB_ALLOCATE, size, 0, 0, 0, 0), mark = '|'; break;
    case 6: return (u32)-8;
  }
  u32 block = heap;
  heap = (block + size + 7) & ~7u;
  if (heap > memory_bytes()) __builtin_wasm_memory_grow(0, ((heap - memory_bytes()) >> 16) + 1);
  return block;
}

EXPORT("proxy_on_context_create") void on_context_create(u32 id, u32 parent) {
  enter(id);
  if (parent) {
    /* A script that came with a stream goes when the next one comes: ticks may still want it. */
    if (from_header) script[0] = 0, from_header = 0;
    stream = id;
    run(CB_CREATE, parent, 0, 0, 0, 0);
    return;
  }
  if (!root) root = id;
  run(CB_ROOT_CREATE, 0, 0, 0, 0, 0);
}

#include "exports.inc"
