/** Invented people for looking at pages while they are made: nobody exists, no number is of anybody, nothing is shipped. */

import type { Board, Channel, Forecasts, News2, News2Part, Person, Row, Series, Vital } from "../src/api/contract.ts";
import { DAY, HOUR, MINUTE } from "../src/base/time.ts";

/** Luck by name: the same every time (mulberry32 over a hash of the name). */
export function luck(name: string): () => number {
  let state = 2166136261;
  for (const letter of name) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const FIRST = [
  "Amelia",
  "Oluwaseun",
  "Jörg",
  "Siân",
  "Mohammed",
  "Zoë",
  "Aarav",
  "Bronwen",
  "Kwame",
  "Ingrid",
  "Xi",
  "Tadhg",
];
const LAST = [
  "Featherstonehaugh-Cholmondeley",
  "Okonkwo",
  "Ng",
  "van der Westhuizen",
  "Patel",
  "O'Sullivan",
  "Abdurrahman-Al-Rashid",
  "Smith",
  "Llewellyn",
  "Wójcik",
];
const MODES = ["Pressure support", "Volume control", "Pressure control", null];

interface Kind {
  channel: string;
  title: string;
  unit: string;
  group: Channel["group"];
  kind: Channel["kind"];
  usual: number;
  spread: number;
  low: number;
  high: number;
  /** us between values. */
  every: number;
}

const kind = (
  channel: string,
  title: string,
  unit: string,
  group: Channel["group"],
  usual: number,
  spread: number,
  low: number,
  high: number,
  every: number,
  what: Channel["kind"] = "observation",
): Kind => ({ channel, title, unit, group, usual, spread, low, high, every, kind: what });

export const KINDS: Kind[] = [
  kind("heart_rate", "Heart rate", "/min", "vital", 88, 14, 20, 250, 5 * MINUTE),
  kind("mean_arterial_pressure", "Mean arterial pressure", "mm[Hg]", "vital", 74, 9, 20, 220, 5 * MINUTE),
  kind("systolic_pressure", "Systolic pressure", "mm[Hg]", "vital", 112, 14, 30, 300, 5 * MINUTE),
  kind("diastolic_pressure", "Diastolic pressure", "mm[Hg]", "vital", 60, 9, 10, 200, 5 * MINUTE),
  kind("oxygen_saturation", "Oxygen saturation", "%", "vital", 95, 2, 40, 100, 5 * MINUTE),
  kind("respiratory_rate", "Respiratory rate", "/min", "vital", 19, 4, 2, 70, 5 * MINUTE),
  kind("temperature", "Temperature", "Cel", "vital", 37.4, 0.6, 28, 43, 4 * HOUR),
  kind("lactate", "Lactate", "mmol/L", "laboratory", 2.1, 0.9, 0.1, 35, 5 * HOUR),
  kind("arterial_ph", "Arterial pH", "1", "laboratory", 7.37, 0.05, 6.7, 7.8, 5 * HOUR),
  kind("arterial_oxygen_pressure", "Arterial oxygen pressure", "mm[Hg]", "laboratory", 84, 14, 20, 700, 5 * HOUR),
  kind(
    "arterial_carbon_dioxide_pressure",
    "Arterial carbon dioxide pressure",
    "mm[Hg]",
    "laboratory",
    42,
    6,
    10,
    150,
    5 * HOUR,
  ),
  kind("creatinine", "Creatinine", "mg/dL", "laboratory", 1.4, 0.3, 0.1, 25, DAY),
  kind("haemoglobin", "Haemoglobin", "g/dL", "laboratory", 9.6, 0.8, 2, 25, DAY),
  kind("glucose", "Glucose", "mmol/L", "laboratory", 8.6, 2, 0.5, 60, 3 * HOUR),
  kind("plateau_pressure", "Plateau pressure", "cm[H2O]", "ventilator", 22, 3, 5, 70, 3 * HOUR),
  kind("minute_ventilation", "Minute ventilation", "L/min", "ventilator", 9.2, 1.4, 0.5, 60, HOUR),
  kind("fio2", "Inspired oxygen", "1", "ventilator", 0.45, 0.08, 0.21, 1, 5 * HOUR, "setting"),
  kind("peep", "PEEP", "cm[H2O]", "ventilator", 8, 2, 0, 35, 9 * HOUR, "setting"),
  kind("tidal_volume_set", "Tidal volume, set", "L", "ventilator", 0.42, 0.03, 0.1, 1.5, 9 * HOUR, "setting"),
  kind("norepinephrine", "Norepinephrine", "ug/kg/min", "drug", 0.12, 0.06, 0, 5, 2 * HOUR, "infusion"),
  kind("propofol", "Propofol", "mg/kg/h", "drug", 1.8, 0.7, 0, 15, 5 * HOUR, "infusion"),
  kind("insulin", "Insulin", "[iU]/h", "drug", 2.5, 1.2, 0, 60, 3 * HOUR, "infusion"),
  kind("crystalloid", "Crystalloid", "mL/h", "drug", 80, 60, 0, 6000, 4 * HOUR, "infusion"),
];

const VITALS = ["heart_rate", "mean_arterial_pressure", "oxygen_saturation", "respiratory_rate", "temperature"];

/** A course that can be asked at any time: slow waves, with luck by name. */
function course(subject: string, one: Kind): (at: number) => number {
  const random = luck(`${subject}/${one.channel}`);
  const waves = Array.from({ length: 5 }, (_, i) => ({
    size: one.spread * (0.25 + 0.6 * random()) * (i < 2 ? 1 : 0.45),
    period: [31, 11, 3.7, 0.9, 0.31][i]! * HOUR * (0.7 + 0.6 * random()),
    phase: 2 * Math.PI * random(),
  }));
  const offset = one.spread * (random() - 0.5) * 2;
  return (at) => {
    const wave = waves.reduce((sum, w) => sum + w.size * Math.sin((2 * Math.PI * at) / w.period + w.phase), 0);
    return Math.min(one.high, Math.max(one.low, one.usual + offset + wave));
  };
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
const digitsOf = (one: Kind) => (one.spread < 0.2 ? 2 : one.spread < 3 ? 1 : 0);

function vital(subject: string, channel: string, now: number, lateMinutes: number): Vital {
  const one = KINDS.find((k) => k.channel === channel)!;
  const f = course(subject, one);
  const last = now - lateMinutes * MINUTE;
  const value = (at: number) => rounded(f(at), digitsOf(one));
  const trend: [number, number][] = Array.from({ length: 24 }, (_, i) => {
    const at = last - (23 - i) * 10 * MINUTE;
    return [at, value(at)];
  });
  const median = 0.7 * f(last) + 0.3 * one.usual;
  const width = one.spread * (0.6 + lateMinutes / 60);
  const stale = lateMinutes > 25;
  return {
    channel,
    unit: one.unit,
    value: value(last),
    at: last,
    stale,
    trend,
    ahead:
      channel === "temperature"
        ? null
        : { at: now + HOUR, low: median - width, median, high: Math.min(one.high, median + width) },
  };
}

function news2(random: () => number): News2 {
  const ill = random();
  const part = (channel: string, likely: number): News2Part => {
    if (random() < 0.09) return { channel, score: null, low: 0, high: channel === "oxygen" ? 2 : 3 };
    const score =
      channel === "oxygen" ? (random() < ill ? 2 : 0) : Math.min(3, Math.floor(random() * likely * (0.6 + 2.2 * ill)));
    return { channel, score, low: score, high: score };
  };
  const parts = [
    part("respiratory_rate", 1.3),
    part("oxygen_saturation", 1.2),
    part("oxygen", 1),
    part("systolic_pressure", 1.1),
    part("heart_rate", 1.2),
    part("alert", 0.5),
    part("temperature", 0.9),
  ];
  const sum = (key: "low" | "high") => parts.reduce((total, one) => total + one[key], 0);
  const [low, high] = [sum("low"), sum("high")];
  const before = Math.max(0, low + Math.floor(random() * 5) - 3);
  const changed = random() < 0.5 ? { from_low: before, from_high: before + (high - low), hours: 4 } : null;
  const single_three = parts.some((one) => one.low === 3);
  return { low, high, complete: low === high, single_three, parts, changed };
}

export function row(index: number, now: number): Row {
  const subject = `p${index.toString(16).padStart(4, "0")}`;
  const random = luck(subject);
  const name = `${FIRST[Math.floor(random() * FIRST.length)]} ${LAST[Math.floor(random() * LAST.length)]}`;
  const silent = random() < 0.07;
  const slow = random() < 0.2 ? 40 + random() * 100 : random() * 3;
  const score = random() < 0.04 ? null : news2(random);
  const left = random() < 0.04 ? now - Math.floor(random() * 20 * HOUR) : null;
  const state = left ? "ended" : silent ? "none" : random() < 0.06 ? "trouble" : random() < 0.08 ? "replaying" : "live";
  const quality = random();
  return {
    subject,
    name: random() < 0.03 ? null : name,
    number: "999 000 " + String(1000 + index),
    place: random() < 0.03 ? null : `Bed ${index + 1}`,
    unit: index % 3 === 2 ? "High dependency" : "Intensive care",
    age: 19 + Math.floor(random() * 76),
    sex: random() < 0.5 ? "female" : "male",
    since: now - Math.floor(random() * 12 * DAY),
    left,
    heard: silent ? null : now - slow * MINUTE,
    news2: silent ? null : score,
    vitals: silent
      ? []
      : VITALS.filter(() => random() > 0.06).map((c) =>
          vital(subject, c, now, slow + (random() < 0.1 ? 55 : random())),
        ),
    settings: {
      mode: MODES[Math.floor(random() * MODES.length)]!,
      fio2: random() < 0.7 ? 0.21 + rounded(random() * 0.5, 2) : null,
      norepinephrine: random() < 0.4 ? rounded(random() * 0.4, 2) : null,
    },
    twin: {
      state,
      at: state === "none" || state === "ended" ? null : now - slow * MINUTE,
      trouble:
        state === "trouble"
          ? "the filter lost this person at 13:02: no particle explains a mean pressure of 31 mmHg"
          : "",
    },
    doubt: silent
      ? null
      : {
          score: rounded(0.35 + 0.65 * Math.sqrt(quality), 2),
          reason: quality < 0.3 ? "respiratory rate: nothing for 48 minutes" : "",
          wider: rounded(1 + (1 - quality) * 0.8, 2),
          helps: quality < 0.5 ? "lactate" : "",
          narrower: quality < 0.5 ? 0.12 : 0,
        },
    surprises: random() < 0.12 ? ["mean_arterial_pressure"] : [],
    recommendations: random() < 0.18 ? 1 + Math.floor(random() * 2) : 0,
  };
}

export function board(people: number, now: number): Board {
  const rows = Array.from({ length: people }, (_, i) => row(i, now));
  const beds = (unit: string, every: (i: number) => boolean) => ({
    name: unit,
    beds: Array.from({ length: Math.max(people + 4, 12) }, (_, i) => i)
      .filter(every)
      .map((i) => `Bed ${i + 1}`),
  });
  return {
    now,
    seq: Math.floor(now / 1e6),
    rows,
    units: [beds("Intensive care", (i) => i % 3 !== 2), beds("High dependency", (i) => i % 3 === 2)],
  };
}

export function person(index: number, now: number): Person {
  const of = row(index, now);
  const random = luck(`${of.subject}/events`);
  const since = of.since ?? now - 3 * DAY;
  const hours = (h: number) => now - h * HOUR;
  return {
    now,
    row: of,
    person: { age: of.age, sex: of.sex, height_cm: 172, weight_kg: 81.5, race: null, ethnicity: null },
    channels: KINDS.map((k) => ({
      channel: k.channel,
      title: k.title,
      unit: k.unit,
      kind: k.kind,
      group: k.group,
      low: k.low,
      high: k.high,
      first: since,
      last: now - random() * k.every,
      count: Math.floor((now - since) / k.every),
    })),
    events: [
      {
        seq: 1,
        kind: "admission",
        title: "Admitted to intensive care",
        at: since,
        stop: null,
        detail: "from the emergency department",
      },
      {
        seq: 2,
        kind: "dose",
        title: "Vancomycin 1,500 mg",
        at: hours(11),
        stop: hours(9.5),
        detail: "into a vein over 90 min",
      },
      {
        seq: 3,
        kind: "dose",
        title: "Piperacillin-tazobactam 4.5 g",
        at: hours(7),
        stop: hours(6.5),
        detail: "into a vein over 30 min",
      },
      { seq: 4, kind: "procedure", title: "Turned prone", at: hours(5), stop: null, detail: "" },
      { seq: 5, kind: "dose", title: "Furosemide 40 mg", at: hours(2.4), stop: null, detail: "into a vein" },
      {
        seq: 6,
        kind: "dose",
        title: "Piperacillin-tazobactam 4.5 g",
        at: hours(0.8),
        stop: hours(0.3),
        detail: "into a vein over 30 min",
      },
      { seq: 7, kind: "note", title: "Suction, thick secretions", at: hours(0.5), stop: null, detail: "" },
    ],
  };
}

export function series(
  subject: string,
  channels: string[],
  start: number,
  stop: number,
  most: number,
  now: number,
): Series[] {
  return channels.flatMap((channel) => {
    const one = KINDS.find((k) => k.channel === channel);
    if (!one) return [];
    const f = course(subject, one);
    const every = Math.max(one.every, Math.ceil((stop - start) / most / MINUTE) * MINUTE);
    const found: Series = {
      channel,
      source: one.group === "laboratory" ? "laboratory" : "bedside monitor",
      unit: one.unit,
      at: [],
      value: [],
      quality: [],
      seq: [],
      thinned: every > one.every,
    };
    const hole = now - 9 * HOUR;
    for (let at = Math.ceil(start / every) * every; at <= Math.min(stop, now); at += every) {
      if (one.kind === "observation" && at > hole && at < hole + 2.2 * HOUR && one.every < HOUR) continue;
      const noise = luck(`${subject}${channel}${at}`)() - 0.5;
      const value = one.kind === "observation" ? f(at) + noise * one.spread * 0.5 : Math.max(one.low, f(at));
      found.at.push(at);
      found.value.push(rounded(value, digitsOf(one)));
      found.quality.push(noise > 0.47 ? 2 : noise > 0.44 ? 1 : 0);
      found.seq.push(Math.floor(at / MINUTE) * KINDS.length + KINDS.indexOf(one));
    }
    return [found];
  });
}

export function forecasts(subject: string, now: number): Forecasts {
  const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
  const z = [-1.645, -0.674, 0, 0.674, 1.645];
  const foretold = KINDS.filter((k) => k.group === "vital" && !["temperature"].includes(k.channel));
  const ahead = [0.25, 0.5, 1, 2, 3, 4].map((h) => now + h * HOUR);
  return {
    said_at: now,
    trouble: "",
    fans: foretold.map((k) => {
      const f = course(subject, k);
      return {
        channel: k.channel,
        at: ahead,
        levels,
        quantiles: ahead.map((at) => {
          const h = (at - now) / HOUR;
          const middle = f(now) + (k.usual - f(now)) * (1 - Math.exp(-h / 4));
          return z.map((q) => Math.min(k.high, middle + q * k.spread * 0.5 * Math.sqrt(0.3 + h)));
        }),
      };
    }),
    before: foretold.map((k) => {
      const f = course(subject, k);
      const at = Array.from({ length: 120 }, (_, i) => now - (119 - i) * 12 * MINUTE);
      const hole = now - 9 * HOUR;
      const half = at.map(
        (a) => k.spread * (a > hole && a < hole + 2.2 * HOUR ? 0.35 + (0.5 * (a - hole)) / (2.2 * HOUR) : 0.35),
      );
      return {
        channel: k.channel,
        hours: 1,
        at,
        median: at.map((a) => f(a)),
        low: at.map((a, i) => f(a) - half[i]!),
        high: at.map((a, i) => Math.min(k.high, f(a) + half[i]!)),
      };
    }),
    wider: 1.3,
    helps: "lactate",
  };
}
