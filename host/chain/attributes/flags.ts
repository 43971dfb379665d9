// `response.flags` as a number: each flag's bit is its place in Envoy's CoreResponseFlag (source/common/stream_info,
// envoy/stream_info/stream_info.h). The access log shows the same flags by their short names.

const IN_ORDER =
  "LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC OM DF DO DR UDO".split(" ");

/** @param flags short names joined by "," */
export function flagBits(flags: string): number {
  if (flags === "") return 0;
  return flags.split(",").reduce((bits, flag) => {
    const at = IN_ORDER.indexOf(flag);
    return at < 0 ? bits : bits + 2 ** at;
  }, 0);
}
