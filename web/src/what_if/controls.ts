/** What can be tried, as people set it: shown values, steps, and how far a slider reaches. */

import type { Change, Control } from "../api/contract";
import { isPercent, textWritten, unitWritten } from "../base/units";
import { capital, small, t } from "../texts";

interface Handling {
  /** In shown units: of an arrow key and the slider, and of page up and page down. */
  step: number;
  page: number;
  digits: number;
  /** Where the slider ends, in shown units; the field beside it takes all that the server takes. */
  reach?: number;
}

/** Steps as they are set at a bedside (assumed). */
const HANDLING: Record<string, Handling> = {
  peep: { step: 1, page: 5, digits: 0 },
  fio2: { step: 1, page: 5, digits: 0 },
  rate: { step: 1, page: 5, digits: 0 },
  tidal_volume: { step: 10, page: 50, digits: 0 },
  pressure: { step: 1, page: 5, digits: 0 },
  norepinephrine: { step: 0.01, page: 0.05, digits: 2, reach: 0.6 },
  crystalloid: { step: 50, page: 250, digits: 0, reach: 1000 },
  colloid: { step: 50, page: 250, digits: 0, reach: 500 },
  red_cells: { step: 50, page: 250, digits: 0, reach: 600 },
};

/** A control as it is shown. All numbers are in shown units. */
export interface Shown extends Handling {
  name: string;
  label: string;
  unit: string;
  group: Control["group"];
  factor: number;
  low: number;
  high: number;
  now: number;
}

/** Removes what floating point adds: 0.1 + 0.2 is 0.3. */
const clean = (value: number) => Number(value.toPrecision(12));

export function shownOf(control: Control): Shown {
  const percent = isPercent(control.name);
  const factor = percent ? 100 : control.scale;
  const [low, high, now] = [control.low, control.high, control.now].map((one) => clean(one * factor)) as [
    number,
    number,
    number,
  ];
  const handling = HANDLING[control.name] ?? {
    step: clean((high - low) / 100),
    page: clean((high - low) / 10),
    digits: 2,
  };
  return {
    ...handling,
    name: control.name,
    label: t.whatIf.controls[control.name] ?? control.label,
    unit: percent ? "%" : textWritten(unitWritten(control.unit)),
    group: control.group,
    factor,
    low,
    high,
    now,
  };
}

/** The value of a control under a plan: what the plan says, else what is set now. */
export const valueOf = (control: Shown, change: Change) => {
  const planned = change[control.name];
  return planned === undefined ? control.now : clean(planned * control.factor);
};

/** Whether two values are the same to the last digit that is shown. */
export const same = (control: Shown, one: number, other: number) => Math.abs(one - other) < 10 ** -control.digits / 2;

/** A plan with a control set to a shown value; what is as it is now is no part of a change. */
export function withValue(change: Change, control: Shown, value: number): Change {
  const { [control.name]: _, ...others } = change;
  return same(control, value, control.now) ? others : { ...others, [control.name]: clean(value / control.factor) };
}

/** A plan without what is set now, which may have become the same since the plan was made. */
export function differing(change: Change, controls: readonly Shown[]): Change {
  return controls.reduce<Change>((found, one) => {
    return one.name in change ? withValue(found, one, valueOf(one, change)) : found;
  }, {});
}

export const clamped = (control: Shown, value: number) => clean(Math.min(control.high, Math.max(control.low, value)));

/** The end of the slider: further than usual where the value lies there already. */
export function reachOf(control: Shown, value: number): number {
  const usual = control.reach ?? control.high;
  const needed = Math.ceil(Math.max(value, control.now) / control.page) * control.page;
  return clean(Math.min(control.high, Math.max(usual, needed)));
}

/** The value by so many steps on: on the grid of the steps, within the range. */
export function stepped(control: Shown, value: number, count: number, size: "step" | "page" = "step"): number {
  const by = control[size];
  return clamped(control, clean(Math.round((value + count * by) / control.step) * control.step));
}

/** With the digits of its step, and a value between steps with all it has. */
export function written(control: Shown, value: number): string {
  const digits = Math.max(control.digits, same(control, value, Number(value.toFixed(control.digits))) ? 0 : 3);
  return value.toFixed(digits);
}

export const withUnit = (control: Shown, text: string) => (control.unit ? `${text} ${control.unit}` : text);

/** What somebody typed, null for what is no number or cannot be set. */
export function parsed(control: Shown, text: string): number | null {
  const trimmed = text.trim().replace(",", ".");
  if (!/^\d*[.]?\d+$|^\d+[.]$/.test(trimmed)) return null;
  const value = Number(trimmed);
  return value >= control.low && value <= control.high ? value : null;
}

/** A change as people say it: "PEEP 12 cmH₂O (now 8), noradrenaline ..."; "no change" for none. */
export function inWords(change: Change, controls: readonly Shown[]): string {
  const parts = controls
    .filter((one) => one.name in change)
    .map((one) => {
      const value = withUnit(one, written(one, valueOf(one, change)));
      return one.group === "fluid"
        ? t.whatIf.given(small(one.label), value)
        : t.whatIf.set(small(one.label), value, written(one, one.now));
    });
  return capital(parts.join(", ")) || t.whatIf.noChange;
}
