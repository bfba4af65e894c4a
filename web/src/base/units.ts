/** Values and units as people write them: UCUM codes come in, "mmHg" and "micrograms" go out. */

import { longName, small, t } from "../texts";

/** NHS England writes micrograms and units in full: "µg", "mcg", "U" and "IU" have been misread, and people were harmed. */
const WRITTEN: Record<string, string> = {
  "1": "",
  "mm[Hg]": "mmHg",
  "cm[H2O]": "cmH₂O",
  Cel: "°C",
  "[iU]": "units",
  "[iU]/h": "units/h",
  "ug/kg/min": "microgram/kg/min",
  "ug/kg/h": "microgram/kg/h",
  "ug/h": "microgram/h",
  ug: "microgram",
  "ug/L": "microgram/L",
  "umol/L": "micromol/L",
  "10*9/L": "×10⁹/L",
  "kg/m2": "kg/m²",
  m3: "m³",
  "kW.h": "kWh",
  "[ppm]": "ppm",
};

export function unitWritten(ucum: string): string {
  return WRITTEN[ucum] ?? ucum.replace(/\[(\w+)\]/g, "$1").replace(/\bug\b/g, "microgram");
}

/** A sentence of the server, with units, gases and drugs as people write them here. */
export const textWritten = (text: string) =>
  text
    .replace(/\bnorepinephrine\b/g, small(longName("norepinephrine")))
    .replace(/\bug\b/g, "microgram")
    .replace(/\b(Sp|Pa|Fi|Scv)(O2)\b/g, "$1O₂")
    .replace(/\b(Pa|Et)CO2\b/g, "$1CO₂")
    .replace(/\bcmH2O\b/g, "cmH₂O")
    .replace(/(?<=[\s(])-(?=\d)/g, "−");

interface Shown {
  /** Digits after the point. */
  digits: number;
  /** A fraction that people say in per cent. */
  percent?: boolean;
  /** The least height of a small chart, in the unit of the channel: less would make a drama of noise (assumed). */
  span: number;
}

const SHOWN: Record<string, Shown> = {
  heart_rate: { digits: 0, span: 40 },
  pulse_rate: { digits: 0, span: 40 },
  systolic_pressure: { digits: 0, span: 50 },
  diastolic_pressure: { digits: 0, span: 40 },
  mean_arterial_pressure: { digits: 0, span: 40 },
  central_venous_pressure: { digits: 0, span: 10 },
  respiratory_rate: { digits: 0, span: 14 },
  respiratory_rate_set: { digits: 0, span: 14 },
  oxygen_saturation: { digits: 0, span: 12 },
  arterial_saturation: { digits: 0, span: 12 },
  central_venous_saturation: { digits: 0, span: 20 },
  temperature: { digits: 1, span: 2 },
  arterial_ph: { digits: 2, span: 0.2 },
  arterial_oxygen_pressure: { digits: 0, span: 60 },
  arterial_carbon_dioxide_pressure: { digits: 0, span: 20 },
  end_tidal_carbon_dioxide: { digits: 0, span: 15 },
  lactate: { digits: 1, span: 3 },
  glucose: { digits: 1, span: 6 },
  creatinine: { digits: 2, span: 1 },
  haemoglobin: { digits: 1, span: 3 },
  bicarbonate: { digits: 0, span: 10 },
  base_excess: { digits: 1, span: 8 },
  albumin: { digits: 1, span: 1.5 },
  fio2: { digits: 0, percent: true, span: 0.3 },
  non_aerated_tissue_fraction: { digits: 0, percent: true, span: 0.3 },
  peep: { digits: 0, span: 8 },
  total_peep: { digits: 0, span: 8 },
  plateau_pressure: { digits: 0, span: 12 },
  peak_pressure: { digits: 0, span: 12 },
  tidal_volume: { digits: 2, span: 0.3 },
  tidal_volume_set: { digits: 2, span: 0.3 },
  minute_ventilation: { digits: 1, span: 6 },
  urine_output: { digits: 0, span: 100 },
  norepinephrine: { digits: 2, span: 0.1 },
  epinephrine: { digits: 2, span: 0.1 },
  vasopressin: { digits: 1, span: 1 },
  propofol: { digits: 1, span: 2 },
  crystalloid: { digits: 0, span: 100 },
  colloid: { digits: 0, span: 100 },
  red_cells: { digits: 0, span: 100 },
  insulin: { digits: 1, span: 2 },
  glasgow_coma_scale: { digits: 0, span: 6 },
  sedation_score: { digits: 0, span: 4 },
};

/** A channel of which nothing is known here: three figures. */
const UNKNOWN: Shown = { digits: -1, span: 0 };

const shown = (channel: string): Shown => SHOWN[channel] ?? UNKNOWN;

export const leastSpan = (channel: string) => shown(channel).span;

export const isPercent = (channel: string) => shown(channel).percent === true;

/** The unit that stands behind a value of a channel. */
export const unitOf = (channel: string, ucum: string) => (isPercent(channel) ? "%" : unitWritten(ucum));

const numbers = new Map<string, Intl.NumberFormat>();

function formatter(digits: number): Intl.NumberFormat {
  const key = String(digits);
  let found = numbers.get(key);
  if (!found) {
    const options: Intl.NumberFormatOptions =
      digits < 0 ? { maximumSignificantDigits: 3 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
    found = new Intl.NumberFormat("en-GB", { ...options, useGrouping: false });
    numbers.set(key, found);
  }
  return found;
}

/** A value of a channel without its unit, with the digits that people chart it with, and a true minus sign. */
export function number(channel: string, value: number): string {
  const { digits, percent } = shown(channel);
  const written = formatter(digits).format(percent ? value * 100 : value);
  return /^-0([.]0*)?$/.test(written) ? written.slice(1) : written.replace("-", "−");
}

/** A value as it is said: what a code means, or a number with its unit. */
export function valueWithUnit(channel: string, ucum: string, value: number): string {
  const code = t.codes[channel]?.[value];
  if (code !== undefined) return code;
  const unit = unitOf(channel, ucum);
  return unit ? `${number(channel, value)} ${unit}` : number(channel, value);
}

export const percentage = (share: number) => `${Math.round(share * 100)} %`;
