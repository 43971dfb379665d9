// The second door of the SDK: words that traffic filters share in their configurations, and what reads them. Apart from
// the first one, so that filters without `match` or percentages never see it.
export { Line } from "./assembly/governance/line";
export { Match, ValueMatch } from "./assembly/governance/match";
export { headerNameProblem, lowerCased } from "./assembly/governance/names";
export { Share } from "./assembly/governance/share";
export { cookieOf, KeyKind, KeySource, requestIdOf } from "./assembly/governance/source";
