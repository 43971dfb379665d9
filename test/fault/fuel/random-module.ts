// Random modules that are valid by construction: typed expressions, bounded loops, calls that only go forward, memory and
// tables at masked places. The same seed always gives the same module.
import { seededRandom } from "../../../host/base/random.ts";

type Type = "i32" | "i64" | "f32" | "f64";
const TYPES: readonly Type[] = ["i32", "i64", "f32", "f64"];
const FUNCTIONS = 6;
const LOCALS = 2;

const INT_BINARY = "add sub mul and or xor shl shr_s shr_u rotl rotr div_s div_u rem_s rem_u".split(" ");
const INT_UNARY = "clz ctz popcnt extend8_s extend16_s".split(" ");
const FLOAT_BINARY = "add sub mul div min max copysign".split(" ");
const FLOAT_UNARY = "abs neg sqrt ceil floor trunc nearest".split(" ");
const INT_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split(" ");
const FLOAT_COMPARE = "eq ne lt gt le ge".split(" ");
const FROM: Readonly<Record<Type, readonly (readonly [string, Type])[]>> = {
  i32: [
    ["i32.wrap_i64", "i64"],
    ["i32.trunc_f64_s", "f64"],
    ["i32.trunc_sat_f32_u", "f32"],
  ],
  i64: [
    ["i64.extend_i32_s", "i32"],
    ["i64.extend_i32_u", "i32"],
    ["i64.trunc_sat_f64_s", "f64"],
  ],
  f32: [
    ["f32.convert_i32_s", "i32"],
    ["f32.demote_f64", "f64"],
  ],
  f64: [
    ["f64.convert_i64_u", "i64"],
    ["f64.promote_f32", "f32"],
    ["f64.convert_i32_u", "i32"],
  ],
};
const isInt = (type: Type): boolean => type === "i32" || type === "i64";

/** A fixed shape for all functions makes calls simple: (i32, i64, f32, f64) -> type of the function. */
const PARAMS = "(param i32 i64 f32 f64)";
const resultOf = (index: number): Type => TYPES[index % TYPES.length] as Type;

export class RandomModule {
  readonly #random: ReturnType<typeof seededRandom>;
  #depth = 0;
  #loops = 0;
  #function = 0;
  #labels: string[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Text format; exports f0, f1, ... of {@link FUNCTIONS}, "memory" and "g". */
  text(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, index) => this.#define(index));
    const elements = Array.from({ length: FUNCTIONS }, (_, index) => `$f${index}`).join(" ");
    return `(module
      (memory (export "memory") 1 4)
      (table $t 16 funcref)
      (elem (i32.const 0) ${elements})
      (data (i32.const 100) "some data that programs read")
      (data $passive "passive data")
      (global $g (export "g") (mut i64) (i64.const 7))
      (tag $e (param i32))
      ${TYPES.map((type) => `(type $to_${type} (func ${PARAMS} (result ${type})))`).join(" ")}
      ${functions.join("\n")})`;
  }

  #below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #define(index: number): string {
    this.#function = index;
    this.#loops = 0;
    this.#labels = [];
    const result = resultOf(index);
    const body = this.#statements(2 + this.#below(4));
    const value = this.#value(result);
    const counters = `(local ${"i32 ".repeat(8)})`;
    const more = TYPES.map((type) => `(local ${`${type} `.repeat(LOCALS)})`).join(" ");
    return `(func $f${index} (export "f${index}") ${PARAMS} (result ${result}) ${more} ${counters} ${body} ${value})`;
  }

  #statements(count: number): string {
    return Array.from({ length: count }, () => this.#statement()).join(" ");
  }

  #local(type: Type): number {
    const at = TYPES.indexOf(type);
    const which = this.#below(LOCALS + 1);
    return which === 0 ? at : 4 + at * LOCALS + which - 1;
  }

  #statement(): string {
    if (this.#depth > 4) return "(nop)";
    this.#depth++;
    const made = this.#make();
    this.#depth--;
    return made;
  }

  #make(): string {
    const type = this.#pick(TYPES);
    switch (this.#below(14)) {
      case 0:
      case 1:
      case 2:
        return `(local.set ${this.#local(type)} ${this.#value(type)})`;
      case 3:
        return `(if ${this.#value("i32")} (then ${this.#statements(2)}) (else ${this.#statements(1)}))`;
      case 4:
        return this.#loop();
      case 5:
        return this.#block();
      case 6:
        return `(${type}.store offset=${this.#below(64)} ${this.#address()} ${this.#value(type)})`;
      case 7:
        return `(global.set $g (i64.add (global.get $g) ${this.#value("i64")}))`;
      case 8:
        return this.#bulk();
      case 9:
        return `(drop ${this.#value(type)})`;
      case 10:
        return this.#labels.length === 0 ? "(nop)" : `(br_if ${this.#pick(this.#labels)} ${this.#value("i32")})`;
      case 11:
        return `(drop (memory.grow (i32.and ${this.#value("i32")} (i32.const 1))))`;
      case 12:
        return `(try (do (if ${this.#value("i32")} (then (throw $e ${this.#value("i32")}))) ${this.#statements(1)}) (catch $e (drop)))`;
      default:
        return this.#switch();
    }
  }

  #loop(): string {
    if (this.#loops === 8) return "(nop)";
    const counter = 4 + TYPES.length * LOCALS + this.#loops++;
    const label = `$loop${this.#function}_${counter}_${this.#below(1e9)}`;
    const body = this.#statements(2);
    const more = `(i32.lt_u (local.tee ${counter} (i32.add (local.get ${counter}) (i32.const 1))) (i32.const ${1 + this.#below(20)}))`;
    return `(loop ${label} ${body} (br_if ${label} ${more}))`;
  }

  #block(): string {
    const label = `$block${this.#function}_${this.#below(1e9)}`;
    this.#labels.push(label);
    const body = this.#statements(3);
    this.#labels.pop();
    return `(block ${label} ${body})`;
  }

  #switch(): string {
    const name = `$case${this.#function}_${this.#below(1e9)}`;
    return `(block ${name}a (block ${name}b (br_table ${name}a ${name}b ${name}a ${this.#value("i32")})) ${this.#statements(1)})`;
  }

  #address(): string {
    return `(i32.and ${this.#value("i32")} (i32.const 0x7ff8))`;
  }

  #bulk(): string {
    const length = `(i32.and ${this.#value("i32")} (i32.const 255))`;
    switch (this.#below(4)) {
      case 0:
        return `(memory.fill ${this.#address()} ${this.#value("i32")} ${length})`;
      case 1:
        return `(memory.copy ${this.#address()} ${this.#address()} ${length})`;
      case 2:
        return `(memory.init $passive ${this.#address()} (i32.const 1) (i32.const ${this.#below(11)}))`;
      default:
        return `(table.copy $t $t (i32.const 0) (i32.const ${this.#below(3)}) (i32.const ${this.#below(3)}))`;
    }
  }

  #value(type: Type): string {
    if (this.#depth > 5) return this.#leaf(type);
    this.#depth++;
    const made = this.#compute(type);
    this.#depth--;
    return made;
  }

  #leaf(type: Type): string {
    if (this.#below(2) === 0) return `(local.get ${this.#local(type)})`;
    if (type === "i64" && this.#below(3) === 0) return "(global.get $g)";
    const value = isInt(type)
      ? String(this.#below(2 ** 31) - 2 ** 30)
      : (this.#random.fraction() * 1000 - 500).toFixed(3);
    return `(${type}.const ${value})`;
  }

  #compute(type: Type): string {
    switch (this.#below(10)) {
      case 0:
      case 1:
        return this.#leaf(type);
      case 2:
      case 3:
        return `(${type}.${this.#pick(isInt(type) ? INT_BINARY : FLOAT_BINARY)} ${this.#value(type)} ${this.#value(type)})`;
      case 4:
        return `(${type}.${this.#pick(isInt(type) ? INT_UNARY : FLOAT_UNARY)} ${this.#value(type)})`;
      case 5:
        return `(${type}.load offset=${this.#below(64)} ${this.#address()})`;
      case 6: {
        const [operator, from] = this.#pick(FROM[type]);
        return `(${operator} ${this.#value(from)})`;
      }
      case 7:
        return `(select ${this.#value(type)} ${this.#value(type)} ${this.#value("i32")})`;
      case 8:
        return this.#call(type);
      default:
        return this.#compare(type);
    }
  }

  #compare(type: Type): string {
    if (type !== "i32") return this.#leaf(type);
    const of = this.#pick(TYPES);
    return `(${of}.${this.#pick(isInt(of) ? INT_COMPARE : FLOAT_COMPARE)} ${this.#value(of)} ${this.#value(of)})`;
  }

  /** Only to functions behind this one: nothing recurses. Through the table now and then. */
  #call(type: Type): string {
    const later = Array.from({ length: FUNCTIONS }, (_, index) => index).filter(
      (index) => index > this.#function && resultOf(index) === type,
    );
    if (later.length === 0) return this.#leaf(type);
    const args = TYPES.map((each) => this.#leaf(each)).join(" ");
    const index = this.#pick(later);
    return this.#below(3) === 0
      ? `(call_indirect (type $to_${type}) ${args} (i32.const ${index}))`
      : `(call $f${index} ${args})`;
  }
}

export const EXPORTS: readonly string[] = Array.from({ length: FUNCTIONS }, (_, index) => `f${index}`);
