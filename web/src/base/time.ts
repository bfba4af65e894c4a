/** Times as the server says them (us since 1970, UTC), written for people in the zone of the site. */

import type { Micros } from "../api/contract";

export const SECOND: Micros = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

let zone = "UTC";
let locale: string | undefined;
const made = new Map<string, Intl.DateTimeFormat>();

/** Every time from now on is written in this zone (IANA name); what the browser does not know is written in UTC. */
export function setZone(name: string, language?: string): void {
  made.clear();
  locale = language;
  try {
    new Intl.DateTimeFormat(language, { timeZone: name });
    zone = name;
  } catch {
    zone = "UTC";
  }
}

export const zoneOfSite = () => zone;

function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = made.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale ?? "en-GB", { timeZone: zone, ...options });
    made.set(key, found);
  }
  return found;
}

const dateOf = (at: Micros) => new Date(at / 1000);

export const clock = (at: Micros) => format("clock", { hour: "2-digit", minute: "2-digit" }).format(dateOf(at));

export const day = (at: Micros) =>
  format("day", { weekday: "short", day: "numeric", month: "short" }).format(dateOf(at));

export const shortDay = (at: Micros) => format("shortDay", { day: "numeric", month: "short" }).format(dateOf(at));

export const dayAndClock = (at: Micros) =>
  format("both", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(dateOf(at));

export const full = (at: Micros) =>
  format("full", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(dateOf(at));

/** The clock for today, day and clock for any other day. */
export function when(at: Micros, now: Micros): string {
  return day(at) === day(now) && Math.abs(now - at) < 2 * DAY ? clock(at) : dayAndClock(at);
}

/** For machines: the attribute of a time element. */
export const iso = (at: Micros) => new Date(at / 1000).toISOString();

export interface Span {
  count: number;
  unit: "second" | "minute" | "hour" | "day";
}

/** A length of time in the largest unit of which there are two or more, rounded down: an age is never said too old. */
export function span(length: Micros): Span {
  const us = Math.max(0, length);
  if (us >= 2 * DAY) return { count: Math.floor(us / DAY), unit: "day" };
  if (us >= 2 * HOUR) return { count: Math.floor(us / HOUR), unit: "hour" };
  if (us >= MINUTE) return { count: Math.floor(us / MINUTE), unit: "minute" };
  return { count: Math.floor(us / SECOND), unit: "second" };
}

const SHORT: Record<Span["unit"], string> = { second: "s", minute: "min", hour: "h", day: "d" };

/** "48 min": for tables and cards. */
export function shortSpan(length: Micros): string {
  const { count, unit } = span(length);
  return `${count} ${SHORT[unit]}`;
}

/** "48 minutes": for whoever listens. */
export function longSpan(length: Micros): string {
  const { count, unit } = span(length);
  return new Intl.NumberFormat(locale ?? "en-GB", { style: "unit", unit, unitDisplay: "long" }).format(count);
}
