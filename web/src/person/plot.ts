/** Draws one chart with uPlot: colours from the style sheet, and a dash or a shape beside every colour. */

import uPlot from "uplot";
import type { Micros, Series } from "../api/contract";
import { clock, MINUTE, SECOND, shortDay, zoneOfSite } from "../base/time";
import { isPercent, leastSpan, number } from "../base/units";
import { padded } from "../board/sparkline";
import type { Columns, Role } from "./columns";
import type { Window } from "./window";

/** px: the same for all charts, so that a moment stands at the same place in each. */
export const AXIS_PX = 48;
export const RIGHT_PX = 12;
const X_AXIS_PX = 24;

/** px of a design for letters of 16 px, on this screen: a large one has larger letters. */
export const scaled = (px: number) =>
  Math.round((px * Number.parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16);

export interface Look {
  /** The channel by which values are written and the least height is known. */
  channel: string;
  holds: boolean;
  height: number;
  axis: boolean;
}

/** What changes while a chart stays: read at every drawing. */
export interface Present {
  window: Window;
  now: Micros;
  series: readonly Series[];
  /** Number of the row of the record that was chosen, null for none. */
  chosen: number | null;
}

export interface Told {
  /** The time under the pointer, null where it is not over a chart. */
  onCursor(at: Micros | null): void;
  /** A point of the chart was pressed: in px and in values of the axes. */
  onPress(press: { at: Micros; x: number; y: number; plot: uPlot }): void;
}

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const MEASURED = ["--measured", "--measured-2", "--measured-3"];
/** px of stroke and gap: several lines of one chart differ by more than their colour. */
const DASHES = [[], [7, 3], [2, 3]];

function seriesOf(columns: Columns, look: Look): uPlot.Series[] {
  let measured = 0;
  const stepped = uPlot.paths.stepped!({ align: 1 });
  const hidden = { show: false };
  const thick = scaled(100) / 100;
  return columns.columns.map(({ role, values }): uPlot.Series => {
    const edge = { width: 0, points: hidden } satisfies uPlot.Series;
    if (role === "q50") return { stroke: style("--forecast"), width: 1.5 * thick, dash: [5, 3], points: hidden };
    if (role === "median") return { stroke: style("--estimate"), width: thick, dash: [2, 2], points: hidden };
    if (role !== "measured") return edge;
    const which = measured++;
    if (look.holds) {
      return { stroke: style("--set"), fill: style("--set-fill"), width: 1.5 * thick, paths: stepped, points: hidden };
    }
    const colour = style(MEASURED[which % MEASURED.length]!);
    const few = values.filter((value) => value !== undefined && value !== null).length <= 60;
    return {
      stroke: colour,
      width: (which === 0 ? 1.75 : 1.25) * thick,
      dash: DASHES[which % DASHES.length]!,
      points: { show: few, size: 5 * thick, stroke: colour, fill: colour },
    };
  });
}

function bandsOf(columns: Columns): uPlot.Band[] {
  const bands: uPlot.Band[] = [];
  const pair = (channel: string, high: Role, low: Role, fill: string) => {
    const find = (role: Role) => columns.columns.findIndex((one) => one.channel === channel && one.role === role) + 1;
    if (find(high) && find(low)) bands.push({ series: [find(high), find(low)], fill: style(fill) });
  };
  for (const channel of new Set(columns.columns.map((one) => one.channel))) {
    pair(channel, "high", "low", "--estimate-fill");
    pair(channel, "q95", "q05", "--fan-90");
    pair(channel, "q75", "q25", "--fan-50");
  }
  return bands;
}

const toSeconds = (at: Micros) => at / SECOND;

function data(columns: Columns): uPlot.AlignedData {
  return [columns.at.map(toSeconds), ...columns.columns.map((column) => column.values)] as uPlot.AlignedData;
}

function axes(look: Look): uPlot.Axis[] {
  const common: uPlot.Axis = {
    stroke: style("--text-2"),
    font: `${scaled(12)}px arial, 'Liberation Sans', sans-serif`,
    grid: { stroke: style("--grid"), width: 1 },
    ticks: { show: false },
  };
  const percent = isPercent(look.channel);
  const written = (value: number) => String(Number((percent ? value * 100 : value).toFixed(4))).replace("-", "−");
  return [
    {
      ...common,
      size: look.axis ? scaled(X_AXIS_PX) : 0,
      space: scaled(70),
      values: (_, splits, __, ___, step) =>
        look.axis
          ? splits.map((s) => (step >= 86_400 ? shortDay(s * SECOND) : timeOf(s * SECOND)))
          : splits.map(() => ""),
    },
    {
      ...common,
      size: scaled(AXIS_PX),
      gap: 6,
      space: scaled(28),
      values: (_, splits) => splits.map(look.holds ? (value) => number(look.channel, value) : written),
      // A low lane has room for two numbers: nothing, and the most that was set.
      ...(look.holds ? { splits: (plot: uPlot) => [0, (plot.scales.y!.max ?? 1) / HEADROOM] } : {}),
    },
  ];
}

/** The clock, and the day instead at midnight. */
const timeOf = (at: Micros) => (clock(at) === "00:00" ? shortDay(at) : clock(at));

/** Draws what no series can: what is ahead of now, and points whose quality is doubtful or that were chosen. */
function marks(plot: uPlot, present: Present): void {
  const { ctx, bbox } = plot;
  const ratio = (devicePixelRatio * scaled(100)) / 100;
  const x = plot.valToPos(toSeconds(present.now), "x", true);
  ctx.save();
  if (x > bbox.left && x < bbox.left + bbox.width) {
    ctx.strokeStyle = style("--line-strong");
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const series of present.series) {
    series.at.forEach((at, i) => {
      const value = series.value[i];
      const quality = series.quality[i]!;
      const chosen = series.seq[i] === present.chosen;
      if (value === null || value === undefined || (quality === 0 && !chosen)) return;
      if (at < present.window.start || at > present.window.stop) return;
      mark(ctx, plot.valToPos(toSeconds(at), "x", true), plot.valToPos(value, "y", true), quality, chosen, ratio);
    });
  }
  ctx.restore();
}

/** A triangle for what is odd, a cross for what was refused, a ring around what was chosen. */
function mark(ctx: CanvasRenderingContext2D, x: number, y: number, quality: number, chosen: boolean, ratio: number) {
  const r = 4 * ratio;
  ctx.lineWidth = 1.5 * ratio;
  ctx.strokeStyle = style(quality === 0 ? "--text" : "--odd");
  ctx.fillStyle = style("--surface");
  ctx.beginPath();
  if (quality >= 2) {
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x + r, y - r);
    ctx.lineTo(x - r, y + r);
  } else if (quality === 1) {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.lineTo(x - r, y + r);
    ctx.closePath();
    ctx.fill();
  }
  ctx.stroke();
  if (!chosen) return;
  ctx.strokeStyle = style("--text");
  ctx.lineWidth = 2.5 * ratio;
  ctx.beginPath();
  ctx.arc(x, y, 7 * ratio, 0, 2 * Math.PI);
  ctx.stroke();
}

/** How far a lane reaches above the most that was set, so that its number has room. */
const HEADROOM = 1.3;

/** Where refused values may lie, and where the chart ends: from the values that are drawn. */
function range(look: Look, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, Math.max(leastSpan(look.channel), 1)];
  if (!look.holds) return padded(low, high, leastSpan(look.channel));
  return [Math.min(0, low), Math.max(high, 1e-6) * HEADROOM];
}

export interface Drawn {
  show(columns: Columns): void;
  redraw(): void;
  resize(width: number): void;
  destroy(): void;
}

/** Makes a chart in a box; ``present`` is asked anew at every drawing. */
export function draw(box: HTMLElement, columns: Columns, look: Look, present: () => Present, told: Told): Drawn {
  const height = scaled(look.height + (look.axis ? X_AXIS_PX : 0));
  const plot = new uPlot(
    {
      width: Math.max(box.clientWidth, 60),
      height,
      padding: [scaled(8), scaled(RIGHT_PX), look.axis ? 0 : scaled(7), 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zoneOfSite()),
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: false, y: false, setScale: false },
        sync: { key: "person", scales: ["x", null] },
      },
      scales: {
        x: { time: true, range: () => [toSeconds(present().window.start), toSeconds(present().window.stop)] },
        y: { range: (_, low, high) => range(look, low, high) },
      },
      axes: axes(look),
      series: [{}, ...seriesOf(columns, look)],
      bands: bandsOf(columns),
      hooks: {
        draw: [(self) => marks(self, present())],
        setCursor: [
          (self) => {
            const { left } = self.cursor;
            told.onCursor(left === undefined || left < 0 ? null : self.posToVal(left, "x") * SECOND);
          },
        ],
        ready: [
          (self) =>
            self.over.addEventListener("click", (event) => {
              const { offsetX: x, offsetY: y } = event;
              told.onPress({ at: self.posToVal(x, "x") * SECOND, x, y, plot: self });
            }),
        ],
      },
    },
    data(columns),
    box,
  );
  return {
    show: (next) => plot.setData(data(next)),
    redraw: () => plot.redraw(false),
    resize: (width) => plot.setSize({ width: Math.max(width, 60), height }),
    destroy: () => plot.destroy(),
  };
}

/** px within which a press means a point (assumed: half of a fingertip). */
const REACH_PX = 24;

/** The value that was meant by a press: the nearest of all series within reach. */
export function meant(press: { x: number; y: number; plot: uPlot }, series: readonly Series[]): { seq: number } | null {
  let best: { seq: number; distance: number } | null = null;
  for (const one of series) {
    one.at.forEach((at, i) => {
      const value = one.value[i];
      if (value === null || value === undefined) return;
      const dx = press.plot.valToPos(toSeconds(at), "x") - press.x;
      if (Math.abs(dx) > REACH_PX) return;
      // Near in time matters most: a steep line is as easily meant as a flat one.
      const distance = Math.hypot(dx, (press.plot.valToPos(value, "y") - press.y) / 3);
      if (!best || distance < best.distance) best = { seq: one.seq[i]!, distance };
    });
  }
  return best;
}

/** What has to be the same for a chart to be changed and not made anew. */
export const signature = (columns: Columns) => columns.columns.map((one) => one.role + one.channel).join();

/** us of the clock that move the line of now. */
export const NOW_STEP = MINUTE;
