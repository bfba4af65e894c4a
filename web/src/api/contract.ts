/**
 * What the server answers, by the names that the application uses. Times are whole microseconds since 1970, UTC; units are
 * UCUM; absent is null.
 *
 * The types are generated from the server's OpenAPI document (`scripts/web.sh api`); what an event stream carries is not in
 * that document and stands here.
 */

import type { components } from "./schema";

type Answers = components["schemas"];

export type Micros = number;

export type Problem = Partial<Answers["Problem"]>;

export type Ways = Answers["Ways"];
/** zone  IANA name of the site's time zone, that of this device where none is said; demo  whether the data are a demonstration. */
export type Session = Answers["SessionInfo"] & { zone?: string; demo?: boolean };

export type Board = Omit<Answers["Board"], "rows"> & { rows: Row[] };
/** name  where the server knows one: a house may know people by number alone. */
export type Row = Answers["BoardPerson"] & { name?: string | null };
export type News2 = Answers["WarningScore"];
export type News2Part = Answers["ScorePart"];
export type Vital = Answers["VitalSign"];
export type Doubt = Answers["DataDoubt"];
export type Unit = Answers["Unit"];

export type Person = Omit<Answers["Person"], "row"> & { row: Row | null };
export type PersonFacts = Answers["PersonFacts"];
export type Channel = Answers["ChannelSpan"];
export type ChannelGroup = Channel["group"];
export type PersonEvent = Answers["PersonEvent"];
export type Series = Answers["Series"];
export type Forecasts = Answers["Forecasts"];
export type Forecast = Answers["Fan"];
/** What the twin had said of a time before it came: median, and where it lay nine times in ten. */
export type SaidBefore = Answers["SaidBefore"];
export type Provenance = Answers["Provenance"];

/** The event "board" of /api/live; whole: these rows are everything. */
export interface BoardChange {
  now: Micros;
  seq: number;
  whole: boolean;
  rows: Row[];
  gone: string[];
}

export interface Door {
  name: string;
  /** Where it can be reached or what it is connected to; "" while it is not. */
  listening: string;
  trouble: string;
  age_s: number | null;
}

/** The event "pulse" of /api/live. */
export interface Pulse {
  now: Micros;
  seq: number;
  doors: Door[];
  trouble: string;
}
