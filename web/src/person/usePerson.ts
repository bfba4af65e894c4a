/** What the pages of a person ask the server, and when they ask again. */

import { useEffect, useRef, useState } from "react";
import * as ask from "../api/client";
import type { Channel, Forecasts, Person, Provenance, Series } from "../api/contract";
import { type Asked, useAsked } from "../app/useAsked";
import { useWard } from "../app/ward";
import type { Window } from "./window";

/** ms between two looks at what is new: charts of hours gain nothing from more (assumed). */
const RARELY_MS = 10_000;

/** Counts up when something of this person came in, at most every few seconds. */
export function useNews(subject: string): number {
  const row = useWard()?.rows.get(subject);
  const [count, setCount] = useState(0);
  const last = useRef(0);
  const signs = row ? `${row.heard}/${row.twin.at}/${row.twin.state}` : "";
  const seen = useRef(signs);
  useEffect(() => {
    if (signs === seen.current || !seen.current) {
      seen.current = signs;
      return;
    }
    const wait = Math.max(0, last.current + RARELY_MS - performance.now());
    const timer = setTimeout(() => {
      seen.current = signs;
      last.current = performance.now();
      setCount((before) => before + 1);
    }, wait);
    return () => clearTimeout(timer);
  }, [signs]);
  return count;
}

export const usePerson = (subject: string, news: number): Asked<Person> =>
  useAsked(`${subject}/${news}`, (signal) => ask.person(subject, signal));

export const useForecasts = (subject: string, news: number): Asked<Forecasts> =>
  useAsked(`${subject}/${news}`, (signal) => ask.forecasts(subject, signal));

/** Values of a series at most: about one for each pixel of a chart. */
const MOST = 800;

/** Channels that the server answers about at once. */
const AT_ONCE = 60;

/** The series of a person within a window; of what is set the server also sends what was in force when it begins. */
export function useSeries(
  subject: string,
  channels: readonly Channel[],
  window: Window,
  news: number,
): Asked<Series[]> {
  const names = channels.filter((one) => one.count > 0).map((one) => one.channel);
  const key = [subject, news, window.start, window.stop, ...names].join("/");
  return useAsked(key, async (signal) => {
    const parts = Array.from({ length: Math.ceil(names.length / AT_ONCE) }, (_, i) =>
      names.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
    );
    const of = (some: string[]) =>
      ask.series({ subject, channels: some, start: window.start, stop: window.stop, most: MOST }, signal);
    return (await Promise.all(parts.map(of))).flatMap((answer) => answer.series);
  });
}

export const useProvenance = (subject: string, seq: number): Asked<Provenance> =>
  useAsked(`${subject}/${seq}`, (signal) => ask.provenance(subject, seq, signal));
