/** What the futures of plans say of one reading: in figures, in words, and as a table. */

import type { Futures, PlanFuture, ReadingBand } from "../api/contract";
import { textWritten, unitWritten } from "../base/units";
import { t } from "../texts";
import type { Letter } from "./plans";

/** The futures as they were asked: no change, then a plan for each letter. */
export interface Answered {
  futures: Futures;
  letters: readonly Letter[];
}

export interface Interval {
  low: number;
  median: number;
  high: number;
}

/** min after the change for which the difference is said. */
export const SAID_AT = [30, 60] as const;

/** Least height of a chart, in the unit of the reading: less would make a drama of noise (assumed). */
const SPANS: Record<string, number> = {
  mean_arterial_pressure_mmHg: 20,
  heart_rate_per_min: 20,
  cardiac_output_L_per_min: 2,
  central_venous_pressure_mmHg: 6,
  oxygen_saturation_percent: 8,
  arterial_oxygen_pressure_mmHg: 30,
  arterial_carbon_dioxide_pressure_mmHg: 12,
  arterial_ph: 0.12,
  plateau_pressure_cmH2O: 6,
  driving_pressure_cmH2O: 6,
  mechanical_power_J_per_min: 6,
  intrinsic_peep_cmH2O: 4,
};

export const spanOf = (name: string) => SPANS[name] ?? 0;

/** Readings that a ventilator makes: nothing to show where none is connected. */
const OF_A_BREATH = new Set([
  "plateau_pressure_cmH2O",
  "driving_pressure_cmH2O",
  "mechanical_power_J_per_min",
  "intrinsic_peep_cmH2O",
]);

/** The readings that say something about this person. */
export function readingsOf(futures: Futures): ReadingBand[] {
  const ventilated = futures.controls.some((one) => one.group === "ventilator");
  return (futures.plans[0]?.readings ?? []).filter((one) => ventilated || !OF_A_BREATH.has(one.name));
}

export const ofReading = (plan: PlanFuture, name: string) => plan.readings.find((one) => one.name === name);

export const nameOf = (reading: ReadingBand) =>
  t.whatIf.readings[reading.name] ?? { short: reading.label, long: reading.label };

/** The 90 % band and the median of a row of quantiles; null where nothing is known. */
export function interval(levels: readonly number[], row: readonly (number | null)[] | undefined): Interval | null {
  const at = (level: number) => row?.[levels.findIndex((one) => Math.abs(one - level) < 1e-6)] ?? null;
  const [low, median, high] = [at(0.05), at(0.5), at(0.95)];
  return low === null || median === null || high === null ? null : { low, median, high };
}

export const minuteAt = (minutes: readonly number[], minute: number) => minutes.indexOf(minute);

/** A number with the digits of its reading and a true minus sign; never a zero with a sign. */
export function plain(digits: number, value: number): string {
  const text = value.toFixed(digits);
  return /^-0([.]0*)?$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

export function signed(digits: number, value: number): string {
  const text = plain(digits, value);
  return /[1-9]/.test(text) && value > 0 ? `+${text}` : text;
}

export const unitOf = (reading: ReadingBand) => textWritten(unitWritten(reading.unit));

const withUnit = (reading: ReadingBand, text: string) => (unitOf(reading) ? `${text} ${unitOf(reading)}` : text);

/** How sure a difference is: its interval lies on one side of nothing, around it, or nothing differs as it is written. */
export type Sureness = "same" | "unclear" | "sure";

export function sureness(digits: number, one: Interval): Sureness {
  const [low, high] = [plain(digits, one.low), plain(digits, one.high)];
  if (low === high && Number(low) === 0) return "same";
  return one.low > 0 || one.high < 0 ? "sure" : "unclear";
}

/** "+6", "(+3 to +9)": the paired difference and its interval; one part where nothing differs. */
export function differenceParts(digits: number, one: Interval): string[] {
  if (sureness(digits, one) === "same") return [t.whatIf.none];
  return [signed(digits, one.median), t.whatIf.within(signed(digits, one.low), signed(digits, one.high))];
}

/** The paired difference of a plan after some minutes. */
export function differenceAt({ futures }: Answered, plan: number, name: string, minute: number): Interval | null {
  const reading = futures.plans[plan] && ofReading(futures.plans[plan], name);
  return interval(futures.levels, reading?.difference[minuteAt(futures.minutes, minute)]);
}

/** One sentence for each course: no change, then what each plan does against it. */
export function summary(answered: Answered, name: string): string {
  const { futures, letters } = answered;
  const base = futures.plans[0] && ofReading(futures.plans[0], name);
  if (!base) return "";
  const last = interval(futures.levels, base.bands.at(-1));
  const words = t.whatIf.summary;
  const { digits } = base;
  const without = last
    ? words.unchanged(
        nameOf(base).long,
        withUnit(base, plain(digits, last.median)),
        plain(digits, last.low),
        plain(digits, last.high),
      )
    : words.unknown(nameOf(base).long);
  const each = letters.flatMap((letter, i) => {
    const parts = SAID_AT.flatMap((minute) => {
      const one = differenceAt(answered, i + 1, name, minute);
      return one ? [words.after(minute, inSentence(base, one))] : [];
    });
    return parts.length ? [words.plan(letter, parts.join("; "))] : [];
  });
  return [without, ...each].join(" ");
}

function inSentence(reading: ReadingBand, one: Interval): string {
  const { digits } = reading;
  const words = t.whatIf.summary;
  const certain = sureness(digits, one);
  if (certain === "same") return words.same;
  const value = withUnit(reading, plain(digits, Math.abs(one.median)));
  const way = one.median >= 0 ? words.higher(value) : words.lower(value);
  const between = words.between(signed(digits, one.low), signed(digits, one.high));
  return certain === "sure" ? `${way}, ${between}` : words.unclear(way, between);
}

/** Rows of the table of a reading: what each course comes to, minute by minute. */
export function tableOf({ futures }: Answered, name: string): { minute: number; cells: (Interval | null)[] }[] {
  const readings = futures.plans.map((plan) => ofReading(plan, name));
  return futures.minutes.map((minute, i) => ({
    minute,
    cells: readings.map((reading) => interval(futures.levels, reading?.bands[i])),
  }));
}
