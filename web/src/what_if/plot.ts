/** Draws the futures of one reading with uPlot: no change in grey, each plan with a colour, a dash and its letter. */

import uPlot from "uplot";
import { scaled } from "../person/plot";
import type { Letter } from "./plans";
import { type Answered, interval, ofReading, plain, spanOf } from "./readings";
import { apart, rangeOf } from "./scale";

/** px: the letters of the plans stand at the right. */
const RIGHT_PX = 22;
const X_AXIS_PX = 22;
const Y_AXIS_PX = 42;
const HEIGHT_PX = 112;
/** min between two lines of the grid. */
const GRID_MIN = 15;

/** px of stroke and gap, by letter; the same stand in the legend. */
export const DASHES: Record<Letter, number[]> = { A: [], B: [7, 3], C: [2, 3], D: [9, 3, 2, 3] };

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface Course {
  letter: Letter | null;
  /** Whether the 90 % band is shaded: of no change, and of the plan that is open. */
  banded: boolean;
  low: (number | null)[];
  median: (number | null)[];
  high: (number | null)[];
}

export interface Courses {
  name: string;
  digits: number;
  minutes: readonly number[];
  courses: Course[];
}

export function coursesOf({ futures, letters }: Answered, name: string, open: Letter | null): Courses {
  const digits = ofReading(futures.plans[0]!, name)?.digits ?? 0;
  const courses = futures.plans.map((plan, i): Course => {
    const letter = i === 0 ? null : letters[i - 1]!;
    const rows = (ofReading(plan, name)?.bands ?? []).map((row) => interval(futures.levels, row));
    return {
      letter,
      banded: letter === null || letter === open,
      low: rows.map((row) => row?.low ?? null),
      median: rows.map((row) => row?.median ?? null),
      high: rows.map((row) => row?.high ?? null),
    };
  });
  return { name, digits, minutes: futures.minutes, courses };
}

/** What has to be the same for a chart to be changed and not made anew. */
export const signature = (all: Courses) =>
  all.courses.map((one) => `${one.letter ?? "-"}${one.banded ? "+" : ""}`).join("");

const data = (all: Courses): uPlot.AlignedData =>
  [
    [...all.minutes],
    ...all.courses.flatMap((one) => (one.banded ? [one.low, one.high, one.median] : [one.median])),
  ] as uPlot.AlignedData;

const colour = (letter: Letter | null) => style(letter ? `--plan-${letter.toLowerCase()}` : "--estimate");
const fill = (letter: Letter | null) => style(letter ? `--plan-${letter.toLowerCase()}-fill` : "--estimate-fill");

function lines(all: Courses): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [];
  const bands: uPlot.Band[] = [];
  const points = { show: false };
  const thick = scaled(100) / 100;
  for (const { letter, banded } of all.courses) {
    if (banded) {
      const first = series.length + 1;
      series.push({ width: 0, points }, { width: 0, points });
      bands.push({ series: [first + 1, first], fill: fill(letter) });
    }
    const dash = letter ? DASHES[letter].map((px) => px * thick) : [];
    series.push({ stroke: colour(letter), width: (letter && banded ? 2.25 : 1.75) * thick, dash, points });
  }
  return { series, bands };
}

/** The letter of each plan at the end of its line, moved apart where lines end together. */
function letters(plot: uPlot, all: Courses): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const size = scaled(12) * ratio;
  const ends = all.courses
    .flatMap(({ letter, median }) => {
      const value = median.at(-1);
      return letter && typeof value === "number" ? [{ letter, y: plot.valToPos(value, "y", true) }] : [];
    })
    .sort((a, b) => a.y - b.y);
  const places = apart(
    ends.map((end) => end.y),
    size,
    bbox.top + size / 2,
    bbox.top + bbox.height - size / 2,
  );
  ctx.save();
  ctx.font = `bold ${size}px arial, 'Liberation Sans', sans-serif`;
  ctx.textBaseline = "middle";
  ends.forEach((end, i) => {
    ctx.fillStyle = colour(end.letter);
    ctx.fillText(end.letter, bbox.left + bbox.width + 6 * ratio, places[i]!);
  });
  ctx.restore();
}

export interface Drawn {
  show(all: Courses): void;
  resize(width: number): void;
  destroy(): void;
}

/** Makes a chart in a box; onCursor is told the index of the minute under the pointer, null where there is none. */
export function draw(box: HTMLElement, first: Courses, onCursor: (index: number | null) => void): Drawn {
  let all = first;
  const { series, bands } = lines(first);
  const height = scaled(HEIGHT_PX + X_AXIS_PX);
  const last = first.minutes.at(-1) ?? 60;
  const common: uPlot.Axis = {
    stroke: style("--text-2"),
    font: `${scaled(12)}px arial, 'Liberation Sans', sans-serif`,
    grid: { stroke: style("--grid"), width: 1 },
    ticks: { show: false },
  };
  const digits = (step: number) => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const plot = new uPlot(
    {
      width: Math.max(box.clientWidth, 60),
      height,
      padding: [scaled(8), scaled(RIGHT_PX), 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: false, y: false, setScale: false },
        sync: { key: "what-if", scales: ["x", null] },
      },
      scales: {
        x: { time: false, range: [0, last] },
        y: { range: (_, low, high) => rangeOf(low ?? 0, high ?? 1, spanOf(first.name)) },
      },
      axes: [
        {
          ...common,
          size: scaled(X_AXIS_PX),
          gap: 3,
          splits: () => Array.from({ length: Math.floor(last / GRID_MIN) + 1 }, (_, i) => i * GRID_MIN),
          values: (_, splits) => splits.map((minute) => (minute === last ? `${minute} min` : String(minute))),
        },
        {
          ...common,
          size: scaled(Y_AXIS_PX),
          gap: 5,
          space: scaled(26),
          values: (_, splits, __, ___, step) => splits.map((value) => plain(digits(step), value)),
        },
      ],
      series: [{}, ...series],
      bands,
      hooks: {
        draw: [(self) => letters(self, all)],
        setCursor: [(self) => onCursor(self.cursor.idx ?? null)],
      },
    },
    data(first),
    box,
  );
  return {
    show: (next) => {
      all = next;
      plot.setData(data(next));
    },
    resize: (width) => plot.setSize({ width: Math.max(width, 60), height }),
    destroy: () => plot.destroy(),
  };
}
