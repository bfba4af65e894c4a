/** One sentence that says what a chart shows, for whoever cannot see it. */

import type { Forecast, Micros, Series } from "../api/contract";
import { HOUR, longSpan, when } from "../base/time";
import { leastSpan, number, valueWithUnit } from "../base/units";
import { t } from "../texts";
import { lastOf, nearest } from "./columns";

/** Share of the usual height of a chart that a change has to have to be called one (assumed). */
const A_CHANGE = 0.15;

function movement(series: Series): string | null {
  const used = series.at.flatMap((at, i) => {
    const value = series.value[i];
    return value === null || value === undefined || series.quality[i]! > 1 ? [] : [{ at, value }];
  });
  if (used.length < 4) return null;
  const quarter = Math.max(1, Math.floor(used.length / 4));
  const mean = (part: typeof used) => part.reduce((sum, one) => sum + one.value, 0) / part.length;
  const change = mean(used.slice(-quarter)) - mean(used.slice(0, quarter));
  const values = used.map((one) => one.value);
  const height = Math.max(leastSpan(series.channel), Math.max(...values) - Math.min(...values), 1e-9);
  if (Math.abs(change) < A_CHANGE * height) return t.person.summary.steady;
  return change > 0 ? t.person.summary.rising : t.person.summary.falling;
}

function expected(forecast: Forecast | undefined, unit: string, now: Micros): string | null {
  const i = forecast ? nearest(forecast.at, now + HOUR) : -1;
  if (!forecast || i < 0) return null;
  const of = (level: number) =>
    forecast.quantiles[i]![forecast.levels.findIndex((one) => Math.abs(one - level) < 1e-6)];
  const [low, middle, high] = [of(0.05), of(0.5), of(0.95)];
  if (low === undefined || middle === undefined || high === undefined) return null;
  const ahead = longSpan(forecast.at[i]! - now);
  const { channel } = forecast;
  return t.person.summary.expected(
    ahead,
    valueWithUnit(channel, unit, middle),
    number(channel, low),
    number(channel, high),
  );
}

export function summary(title: string, series: Series, forecast: Forecast | undefined, now: Micros): string {
  const last = lastOf(series);
  if (!last) return t.person.summary.nothing(title);
  const { channel, unit } = series;
  const values = series.value.filter((value, i): value is number => value !== null && series.quality[i]! <= 1);
  const parts = [
    t.person.summary.last(title, valueWithUnit(channel, unit, last[1]), when(last[0], now)),
    values.length > 1
      ? t.person.summary.between(number(channel, Math.min(...values)), number(channel, Math.max(...values)))
      : null,
    movement(series),
    expected(forecast, unit, now),
  ];
  return `${parts.filter(Boolean).join("; ")}.`;
}
