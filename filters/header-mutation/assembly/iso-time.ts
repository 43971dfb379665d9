// Wall time as ISO 8601 with milliseconds, without Date (which would need WASI) and without garbage.
import { Line } from "@sluice/sdk/governance";

const DAY_MS: i64 = 86400000;

/** Appends `2030-01-01T00:00:00.000Z`. `millis` since the Unix epoch, not negative. */
export function isoTime(line: Line, millis: i64): void {
  const day = millis / DAY_MS;
  const time = millis % DAY_MS;
  isoDate(line, day);
  line.text("T").int(time / 3600000, 2);
  line.text(":").int((time / 60000) % 60, 2);
  line.text(":").int((time / 1000) % 60, 2);
  line
    .text(".")
    .int(time % 1000, 3)
    .text("Z");
}

/** Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March. */
function isoDate(line: Line, daysSinceEpoch: i64): void {
  const days = daysSinceEpoch + 719468;
  const era = days / 146097;
  const dayOfEra = days % 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const marchMonth = (5 * dayOfYear + 2) / 153;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  line.int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4);
  line.text("-").int(month, 2);
  line.text("-").int(dayOfYear - (153 * marchMonth + 2) / 5 + 1, 2);
}
