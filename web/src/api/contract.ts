/**
 * What the server answers. Times are whole microseconds since 1970, UTC; units are UCUM; absent is null.
 *
 * Written by hand until the types are generated from the server's OpenAPI document; nothing else in the application
 * declares what comes over the wire.
 */

export type Micros = number;

export interface Problem {
  title: string;
  status: number;
  detail?: string;
  /** Which rule of access refused, in words. */
  reason?: string;
  rule?: string;
}

export interface Site {
  name: string;
  /** IANA name of the time zone in which this site lives. */
  zone: string;
  demo: boolean;
}

export interface Session {
  account: string;
  name: string;
  role: string;
  roles: string[];
  units: string[];
  purpose: string;
  ends: Micros;
  idle_ends: Micros;
  site: Site;
}

export interface Offers {
  passkey: boolean;
  oidc: { title: string } | null;
}

export interface News2Part {
  channel: string;
  score: number | null;
  low: number;
  high: number;
}

export interface News2 {
  low: number;
  high: number;
  complete: boolean;
  parts: News2Part[];
  changed: { from_low: number; from_high: number; at: Micros } | null;
}

export interface Ahead {
  at: Micros;
  low: number;
  median: number;
  high: number;
}

export interface Vital {
  channel: string;
  unit: string;
  value: number;
  at: Micros;
  stale: boolean;
  trend: [Micros, number][];
  ahead: Ahead | null;
}

export type TwinState = "live" | "replaying" | "none" | "ended" | "trouble";

export interface Twin {
  state: TwinState;
  at: Micros | null;
  trouble: string;
}

export interface Doubt {
  score: number;
  reason: string;
  wider: number;
  helps: string;
  narrower: number;
}

export interface Row {
  subject: string;
  name: string | null;
  number: string | null;
  place: string | null;
  unit: string | null;
  age: number | null;
  sex: string | null;
  since: Micros | null;
  left: Micros | null;
  heard: Micros | null;
  news2: News2 | null;
  vitals: Vital[];
  settings: { mode: string | null; fio2: number | null; norepinephrine: number | null };
  twin: Twin;
  doubt: Doubt | null;
  surprises: string[];
  recommendations: number;
}

export interface Unit {
  name: string;
  beds: string[];
}

export interface Board {
  now: Micros;
  seq: number;
  rows: Row[];
  units: Unit[];
}

export interface BoardChange {
  now: Micros;
  seq: number;
  rows: Row[];
  gone: string[];
}

export interface Door {
  name: string;
  listening: boolean;
  trouble: string;
  age_s: number | null;
}

export interface Pulse {
  now: Micros;
  seq: number;
  doors: Door[];
}

export type ChannelKind = "observation" | "setting" | "infusion";
export type ChannelGroup = "vital" | "laboratory" | "ventilator" | "drug" | "other";

export interface Channel {
  channel: string;
  title: string;
  unit: string;
  kind: ChannelKind;
  group: ChannelGroup;
  /** Outside of these a value is an artefact or in a wrong unit. */
  low: number;
  high: number;
  first: Micros | null;
  last: Micros | null;
  count: number;
}

export interface PersonEvent {
  seq: number;
  kind: string;
  title: string;
  at: Micros;
  stop: Micros | null;
  detail: string;
}

export interface PersonFacts {
  age: number | null;
  sex: string | null;
  height_cm: number | null;
  weight_kg: number | null;
  race: string | null;
  ethnicity: string | null;
}

export interface Person {
  row: Row;
  person: PersonFacts;
  channels: Channel[];
  events: PersonEvent[];
}

export interface Series {
  channel: string;
  source: string;
  unit: string;
  at: Micros[];
  value: (number | null)[];
  quality: number[];
  seq: number[];
  thinned: boolean;
}

export interface Forecast {
  channel: string;
  at: Micros[];
  levels: number[];
  /** One row of quantiles, in the order of the levels, for each time. */
  quantiles: number[][];
}

export interface Estimate {
  channel: string;
  at: Micros[];
  median: number[];
  low: number[];
  high: number[];
}

export interface Forecasts {
  said_at: Micros | null;
  forecasts: Forecast[];
  estimates: Estimate[];
  wider: number;
  helps: string;
}

export interface Version {
  seq: number;
  value: number | null;
  received: Micros;
  status: string;
}

export interface Provenance {
  channel: string;
  value: number | null;
  unit: string;
  effective: Micros;
  received: Micros;
  source: string;
  source_id?: string;
  status: string;
  quality: number;
  quality_words: string;
  note: Record<string, unknown>;
  versions: Version[];
  twin: {
    used: boolean;
    why: string;
    expected: { low: number; median: number; high: number } | null;
    surprise: number | null;
  } | null;
}
