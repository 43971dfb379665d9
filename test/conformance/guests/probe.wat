;; The probe guest in hand-written WebAssembly text. `toolchains/wat.ts` puts the imports, the dispatcher and the exported
;; callbacks where the three marks are, and assembles it. Memory:
;;
;;   0x00400  256 bytes  arena: where host calls write; filled with a5 before each call
;;   0x00600   64 bytes  variables        0x00700  256 bytes  how often each callback ran
;;   0x00800             "x-script"       0x00840   16 bytes  results of the probe's own host calls
;;   0x01000   16 KiB    script           0x05000   12 KiB    report line
;;   0x08000   32 KiB    environment      0x10000   64 KiB    guarded area, filled with a5
;;   0x20000 ...         heap, emptied at the start of each callback
(module
  ;;IMPORTS
  (memory (export "memory") 4)
  (data (i32.const 0x800) "x-script")
  (global $heap (mut i32) (i32.const 0x20000))
  (global $allocator (mut i32) (i32.const 0))
  (global $at (mut i32) (i32.const 0x5000))
  (global $root (mut i32) (i32.const 0))
  (global $stream (mut i32) (i32.const 0))
  (global $context (mut i32) (i32.const 0))
  (global $guarded (mut i32) (i32.const 0))
  (global $mark (mut i32) (i32.const 124))
  (global $from_header (mut i32) (i32.const 0))

  ;; ---- report -------------------------------------------------------------------------------------------------------
  (func $put (param $byte i32)
    (if (i32.ge_u (global.get $at) (i32.const 0x7ff0)) (then (return)))
    (i32.store8 (global.get $at) (local.get $byte))
    (global.set $at (i32.add (global.get $at) (i32.const 1))))

  (func $hex (param $value i32) (param $digits i32)
    (local $nibble i32)
    (loop $next
      (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
      (local.set $nibble
        (i32.and (i32.shr_u (local.get $value) (i32.shl (local.get $digits) (i32.const 2))) (i32.const 15)))
      (call $put
        (i32.add (local.get $nibble)
          (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $nibble) (i32.const 10)))))
      (br_if $next (local.get $digits))))

  (func $word (param $value i32)
    (call $put (i32.const 32))
    (call $hex (local.get $value) (i32.const 8)))

  ;; " t<i>=<bytes>" for what the arena's words 2i and 2i+1 point to; at most 512 bytes.
  (func $text (param $i i32)
    (local $from i32) (local $size i32) (local $to i32)
    (local.set $from (i32.load offset=0x400 (i32.shl (local.get $i) (i32.const 3))))
    (local.set $size (i32.load offset=0x404 (i32.shl (local.get $i) (i32.const 3))))
    (if (i32.eq (local.get $size) (i32.const 0xa5a5a5a5)) (then (return)))
    (if (i32.gt_u (local.get $size) (i32.const 512)) (then (local.set $size (i32.const 512))))
    (local.set $to (i32.add (local.get $from) (local.get $size)))
    (if (i32.gt_u (local.get $to) (i32.shl (memory.size) (i32.const 16))) (then (return)))
    (call $put (i32.const 32)) (call $put (i32.const 116))
    (call $hex (local.get $i) (i32.const 1)) (call $put (i32.const 61))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        (call $hex (i32.load8_u (local.get $from)) (i32.const 2))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next))))

  ;; " <offset>=<value>" for every word of the arena that is not a5a5a5a5 any more.
  (func $arena
    (local $offset i32) (local $value i32)
    (loop $next
      (local.set $value (i32.load offset=0x400 (local.get $offset)))
      (if (i32.ne (local.get $value) (i32.const 0xa5a5a5a5))
        (then
          (call $put (i32.const 32)) (call $hex (local.get $offset) (i32.const 2))
          (call $put (i32.const 61)) (call $hex (local.get $value) (i32.const 8))))
      (local.set $offset (i32.add (local.get $offset) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $offset) (i32.const 256)))))

  (func $fill (param $from i32) (param $to i32)
    (loop $next
      (i32.store (local.get $from) (i32.const 0xa5a5a5a5))
      (local.set $from (i32.add (local.get $from) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to)))))

  ;; 1 when a word of the guarded area has changed.
  (func $guard (result i32)
    (local $from i32)
    (local.set $from (i32.const 0x10000))
    (loop $next
      (if (i32.ne (i32.load (local.get $from)) (i32.const 0xa5a5a5a5)) (then (return (i32.const 1))))
      (local.set $from (i32.add (local.get $from) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $from) (i32.const 0x20000))))
    (i32.const 0))

  ;; ---- script -------------------------------------------------------------------------------------------------------
  (func $digit (param $char i32) (result i32)
    (select (i32.sub (local.get $char) (i32.const 48)) (i32.sub (local.get $char) (i32.const 87))
      (i32.lt_u (local.get $char) (i32.const 58))))

  ;; Hex digits at $from to bytes at 0x1000; stops at 16 KiB.
  (func $decode (param $from i32) (param $size i32)
    (local $to i32) (local $end i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x8000)) (then (local.set $size (i32.const 0x8000))))
    (local.set $to (i32.const 0x1000))
    (local.set $end (i32.add (local.get $from) (local.get $size)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (i32.store8 (local.get $to)
          (i32.or
            (i32.shl (call $digit (i32.load8_u (local.get $from))) (i32.const 4))
            (call $digit (i32.load8_u offset=1 (local.get $from)))))
        (local.set $from (i32.add (local.get $from) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next))))

  (func $load_environment
    (drop (call $environ_sizes_get (i32.const 0x840) (i32.const 0x844)))
    (if (i32.or (i32.ne (i32.load (i32.const 0x840)) (i32.const 1))
                (i32.gt_u (i32.load (i32.const 0x844)) (i32.const 0x7ff8))) (then (return)))
    (drop (call $environ_get (i32.const 0x848) (i32.const 0x8000)))
    (call $decode (i32.const 0x8007) (i32.sub (i32.load (i32.const 0x844)) (i32.const 8))))

  (func $load_configuration (param $size i32)
    (if (i32.lt_u (local.get $size) (i32.const 14)) (then (return)))
    (if (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (local.get $size) (i32.const 0x840) (i32.const 0x844))
      (then (return)))
    (call $decode (i32.add (i32.load (i32.const 0x840)) (i32.const 11)) (i32.sub (i32.load (i32.const 0x844)) (i32.const 13))))

  (func $load_header
    (if (call $proxy_get_header_map_value (i32.const 0) (i32.const 0x800) (i32.const 8) (i32.const 0x840) (i32.const 0x844))
      (then (return)))
    (if (i32.eqz (i32.load (i32.const 0x844))) (then (return)))
    (call $decode (i32.load (i32.const 0x840)) (i32.load (i32.const 0x844)))
    (drop (call $proxy_remove_header_map_value (i32.const 0) (i32.const 0x800) (i32.const 8)))
    (global.set $from_header (i32.const 1))
    (memory.fill (i32.const 0x700) (i32.const 0) (i32.const 256)))

  ;; Address of the section for the nth run of a callback, or 0.
  (func $section (param $callback i32) (param $nth i32) (result i32)
    (local $left i32) (local $section i32) (local $wanted i32)
    (local.set $left (i32.load (i32.const 0x1000)))
    (local.set $section (i32.const 0x1004))
    (block $none
      (loop $next
        (br_if $none (i32.eqz (local.get $left)))
        (local.set $wanted (i32.load offset=4 (local.get $section)))
        (if (i32.and
              (i32.eq (i32.load (local.get $section)) (local.get $callback))
              (i32.or (i32.eqz (local.get $wanted)) (i32.eq (local.get $wanted) (local.get $nth))))
          (then (return (local.get $section))))
        (local.set $section (i32.add (local.get $section) (i32.const 20)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Argument $i of the operation at $op: a kind and a value.
  (func $arg (param $op i32) (param $i i32) (result i32)
    (local $kind i32) (local $value i32)
    (local.set $op (i32.add (local.get $op) (i32.shl (local.get $i) (i32.const 3))))
    (local.set $kind (i32.load offset=16 (local.get $op)))
    (local.set $value (i32.load offset=20 (local.get $op)))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (return (i32.add (local.get $value) (i32.const 0x1000)))))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then (return (i32.add (local.get $value) (i32.const 0x400)))))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then (return (i32.load offset=0x600 (i32.shl (local.get $value) (i32.const 2))))))
    (if (i32.eq (local.get $kind) (i32.const 4)) (then (return (global.get $context))))
    (if (i32.eq (local.get $kind) (i32.const 5)) (then (return (global.get $root))))
    (if (i32.eq (local.get $kind) (i32.const 6))
      (then (return (i32.add (i32.shl (memory.size) (i32.const 16)) (local.get $value)))))
    (if (i32.eq (local.get $kind) (i32.const 7)) (then (return (global.get $stream))))
    (local.get $value))

  (func $step (param $op i32)
    (local $bit i32)
    (call $fill (i32.const 0x400) (i32.const 0x500))
    (local.set $bit (call $dispatch (local.get $op)))
    (call $put (global.get $mark))
    (call $hex (local.get $bit) (i32.const 8))
    (call $arena)
    (local.set $bit (i32.const 0))
    (loop $next
      (if (i32.and (i32.shr_u (i32.load offset=4 (local.get $op)) (local.get $bit)) (i32.const 1))
        (then (call $text (local.get $bit))))
      (local.set $bit (i32.add (local.get $bit) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $bit) (i32.const 8))))
    (if (i32.ne (i32.load offset=8 (local.get $op)) (i32.const -1))
      (then
        (i32.store offset=0x600 (i32.shl (i32.load offset=12 (local.get $op)) (i32.const 2))
          (i32.load offset=0x400 (i32.load offset=8 (local.get $op)))))))

  ;; Every callback: counts, finds its section, runs it, reports. The allocator reports into the line of its caller.
  (func $run (param $callback i32) (param $a i32) (param $b i32) (param $c i32) (param $d i32) (param $answer i32) (result i32)
    (local $section i32) (local $count i32) (local $op i32) (local $left i32)
    (local.set $count (i32.add (i32.load offset=0x700 (i32.shl (local.get $callback) (i32.const 2))) (i32.const 1)))
    (i32.store offset=0x700 (i32.shl (local.get $callback) (i32.const 2)) (local.get $count))
    (if (i32.ne (local.get $callback) (i32.const 3))
      (then
        (global.set $at (i32.const 0x5000))
        (call $put (i32.const 80))
        (call $word (local.get $callback)) (call $word (global.get $context))
        (call $word (local.get $a)) (call $word (local.get $b)) (call $word (local.get $c)) (call $word (local.get $d))))
    (local.set $section (call $section (local.get $callback) (local.get $count)))
    (if (local.get $section)
      (then
        (local.set $answer (i32.load offset=8 (local.get $section)))
        (local.set $op (i32.add (i32.load offset=12 (local.get $section)) (i32.const 0x1000)))
        (local.set $left (i32.load offset=16 (local.get $section)))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $left)))
            (call $step (local.get $op))
            (local.set $op (i32.add (local.get $op) (i32.const 112)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $next)))))
    (if (i32.ne (local.get $callback) (i32.const 3))
      (then (drop (call $proxy_log (i32.const 2) (i32.const 0x5000) (i32.sub (global.get $at) (i32.const 0x5000))))))
    (local.get $answer))

  ;; ---- what every callback begins with --------------------------------------------------------------------------------
  (func $enter (param $context i32)
    (global.set $heap (i32.const 0x20000))
    (global.set $allocator (i32.const 0))
    (global.set $context (local.get $context))
    (if (i32.eqz (global.get $guarded))
      (then
        (global.set $guarded (i32.const 1))
        (call $fill (i32.const 0x10000) (i32.const 0x20000)))))

  (func $allocate (param $size i32) (result i32)
    (local $block i32)
    (if (i32.eq (global.get $allocator) (i32.const 1)) (then (return (i32.const 0))))
    (if (i32.eq (global.get $allocator) (i32.const 2))
      (then (return (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))))
    (if (i32.eq (global.get $allocator) (i32.const 3)) (then (drop (memory.grow (i32.const 1)))))
    (if (i32.eq (global.get $allocator) (i32.const 4)) (then (unreachable)))
    (if (i32.eq (global.get $allocator) (i32.const 5))
      (then
        (global.set $allocator (i32.const 0))
        (global.set $mark (i32.const 43))
        (drop (call $run (i32.const 3) (local.get $size) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
        (global.set $mark (i32.const 124))))
    (if (i32.eq (global.get $allocator) (i32.const 6)) (then (return (i32.const -8))))
    (local.set $block (global.get $heap))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $block) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (if (i32.gt_u (global.get $heap) (i32.shl (memory.size) (i32.const 16)))
      (then
        (drop
          (memory.grow
            (i32.add (i32.const 1)
              (i32.shr_u (i32.sub (global.get $heap) (i32.shl (memory.size) (i32.const 16))) (i32.const 16)))))))
    (local.get $block))

  (func $count_variable (param $n i32)
    (i32.store offset=0x600 (i32.shl (local.get $n) (i32.const 2))
      (i32.add (i32.load offset=0x600 (i32.shl (local.get $n) (i32.const 2))) (i32.const 1))))

  (func (export "proxy_on_context_create") (param $id i32) (param $parent i32)
    (call $enter (local.get $id))
    (if (local.get $parent)
      (then
        ;; A script that came with a stream goes when the next one comes: ticks may still want it.
        (if (global.get $from_header)
          (then (i32.store (i32.const 0x1000) (i32.const 0)) (global.set $from_header (i32.const 0))))
        (global.set $stream (local.get $id))
        (drop (call $run (i32.const 4) (local.get $parent) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
      (else
        (if (i32.eqz (global.get $root)) (then (global.set $root (local.get $id))))
        (drop (call $run (i32.const 21) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))))

  ;;DISPATCH
  ;;EXPORTS
)
