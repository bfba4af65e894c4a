import { expect, it } from "vitest";
import type { Channel } from "../api/contract";
import { plan } from "./charts";

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
