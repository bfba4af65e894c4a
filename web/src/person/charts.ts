/** Which charts a person has: channels that belong together share one. */

import type { Channel, ChannelGroup, Forecast, Micros, SaidBefore, Series } from "../api/contract";
import { capital, t } from "../texts";
import type { Window } from "./window";

export interface ChartPlan {
  key: string;
  title: string;
  channels: Channel[];
  /** Lanes of settings and infusions are lower than charts of measured values. */
  holds: boolean;
}

export interface GroupPlan {
  group: ChannelGroup;
  title: string;
  charts: ChartPlan[];
}

const GROUPS: readonly ChannelGroup[] = ["vital", "drug", "ventilator", "laboratory", "other"];

/** Pressures of one artery are one picture. */
const TOGETHER: readonly (readonly [key: string, channels: readonly string[]])[] = [
  ["arterial_pressure", ["mean_arterial_pressure", "systolic_pressure", "diastolic_pressure"]],
];

/** The order at a bedside; others follow by name. */
const ORDER = [
  "heart_rate",
  "arterial_pressure",
  "oxygen_saturation",
  "respiratory_rate",
  "temperature",
  "norepinephrine",
  "epinephrine",
  "vasopressin",
  "propofol",
  "fentanyl",
  "insulin",
  "crystalloid",
  "fio2",
  "peep",
  "lactate",
  "arterial_ph",
  "arterial_oxygen_pressure",
  "arterial_carbon_dioxide_pressure",
  "creatinine",
  "haemoglobin",
  "glucose",
];

const rank = (key: string) => {
  const found = ORDER.indexOf(key);
  return found < 0 ? ORDER.length : found;
};

export function plan(channels: readonly Channel[]): GroupPlan[] {
  return GROUPS.map((group) => {
    const charts = new Map<string, ChartPlan>();
    for (const channel of channels) {
      if (channel.group !== group || channel.count === 0) continue;
      const shared = TOGETHER.find(([, members]) => members.includes(channel.channel));
      const key = shared ? shared[0] : channel.channel;
      const chart = charts.get(key) ?? {
        key,
        title: capital(channel.title),
        channels: [],
        holds: channel.kind !== "observation",
      };
      chart.channels.push(channel);
      charts.set(key, chart);
    }
    for (const [key, members] of TOGETHER) {
      const chart = charts.get(key);
      if (!chart) continue;
      chart.channels.sort((a, b) => members.indexOf(a.channel) - members.indexOf(b.channel));
      if (chart.channels.length > 1) chart.title = t.person.pressure;
      else chart.title = capital(chart.channels[0]!.title);
    }
    const sorted = [...charts.values()].sort((a, b) => rank(a.key) - rank(b.key) || a.title.localeCompare(b.title));
    return { group, title: t.person.groups[group], charts: sorted };
  }).filter((one) => one.charts.length > 0);
}

export interface ChartData {
  plan: ChartPlan;
  series: readonly Series[];
  estimates: readonly SaidBefore[];
  forecasts: readonly Forecast[];
  window: Window;
}

/** Whether nothing of a chart lies in the time that is shown: then its name is enough. */
export function isEmpty({ plan, series, estimates, forecasts, window }: ChartData): boolean {
  const within = (times: readonly Micros[]) => times.some((at) => at >= window.start && at <= window.stop);
  const holds = plan.holds && series.some((one) => one.at.some((at) => at <= window.stop));
  return !holds && ![...series, ...estimates, ...forecasts].some((one) => within(one.at));
}
