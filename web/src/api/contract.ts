/**
 * What the server answers, by the names that the application uses. Times are whole microseconds since 1970, UTC; units are
 * UCUM; absent is null.
 *
 * The types are generated from the server's OpenAPI document (`scripts/web.sh api`).
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
export type BoardChange = Omit<Answers["BoardNews"], "rows"> & { rows: Row[] };
/** The event "pulse" of /api/live. */
export type Pulse = Answers["Pulse"];
export type Door = Pulse["doors"][number];

export type Futures = Answers["Futures"];
/** What can be tried: people see value * scale, in unit. */
export type Control = Answers["Control"];
export type PlanFuture = Answers["PlanFuture"];
export type ReadingBand = Answers["ReadingBand"];
export type LimitChance = Answers["LimitChance"];
/** Settings by their names, in the units of the server. */
export type Change = Record<string, number>;

export type Queue = Answers["Queue"];
export type Recommendation = Answers["ShownRecommendation"];
export type Foretold = Answers["ShownForetold"];
export type Verdict = Answers["ShownReview"]["verdict"];
