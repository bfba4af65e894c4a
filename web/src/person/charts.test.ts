import { expect, it } from "vitest";
import type { Channel, Series } from "../api/contract";
import { isEmpty, plan } from "./charts";

const channel = (name: string, group: Channel["group"], count = 5, kind: Channel["kind"] = "observation"): Channel => ({
  channel: name,
  title: name,
  unit: "1",
  kind,
  group,
  low: 0,
  high: 1,
  first: 0,
  last: 1,
  count,
});

it("pressures share a chart with the mean first, and a channel without a value has none", () => {
  const [vital] = plan([
    channel("temperature", "vital"),
    channel("systolic_pressure", "vital"),
    channel("mean_arterial_pressure", "vital"),
    channel("heart_rate", "vital"),
    channel("respiratory_rate", "vital", 0),
  ]);
  expect(vital!.charts.map((one) => one.key)).toEqual(["heart_rate", "arterial_pressure", "temperature"]);
  expect(vital!.charts[1]!.channels.map((one) => one.channel)).toEqual(["mean_arterial_pressure", "systolic_pressure"]);
});

it("a group without any chart is left out, and what is set is drawn as steps", () => {
  const groups = plan([channel("propofol", "drug", 5, "infusion"), channel("lactate", "laboratory", 0)]);
  expect(groups.map((one) => one.group)).toEqual(["drug"]);
  expect(groups[0]!.charts[0]!.holds).toBe(true);
});

it("a chart is empty when nothing lies in the window, unless what was set before still holds", () => {
  const [chart] = plan([channel("lactate", "laboratory")])[0]!.charts;
  const [lane] = plan([channel("peep", "ventilator", 1, "setting")])[0]!.charts;
  const at = (time: number) => [{ channel: "x", at: [time] } as Series];
  const shown = { window: { start: 100, stop: 200 }, estimates: [], forecasts: [] };
  expect(isEmpty({ ...shown, plan: chart!, series: at(50) })).toBe(true);
  expect(isEmpty({ ...shown, plan: chart!, series: at(150) })).toBe(false);
  expect(isEmpty({ ...shown, plan: lane!, series: at(50) })).toBe(false);
  expect(isEmpty({ ...shown, plan: lane!, series: at(250) })).toBe(true);
});
