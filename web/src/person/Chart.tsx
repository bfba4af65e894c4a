import { memo, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Micros, SaidBefore, Series } from "../api/contract";
import { useShade } from "../app/theme";
import { when } from "../base/time";
import { number, valueWithUnit } from "../base/units";
import { Icon } from "../parts/Icon";
import { capital, shortName, t } from "../texts";
import { type ChartData, isEmpty } from "./charts";
import { columnsOf, lastOf, nearest } from "./columns";
import { type Drawn, draw, meant, type Present, signature } from "./plot";
import { summary } from "./summary";
import { ValueTable } from "./ValueTable";

interface Props extends ChartData {
  now: Micros;
  /** Whether the times stand below: once for charts that stand above each other. */
  axis: boolean;
  chosen: number | null;
  onChoose(seq: number): void;
}

const HEIGHT_PX = 92;
const LANE_PX = 46;

/** What is under the pointer, in words: the last value before it or the one nearest, and the twin's word for that time. */
function reading(series: readonly Series[], estimates: readonly SaidBefore[], holds: boolean, at: Micros, now: Micros) {
  const values = series.flatMap((one) => {
    const i = holds ? one.at.findLastIndex((time) => time <= at) : nearest(one.at, at);
    const value = one.value[i];
    if (value === null || value === undefined) return [];
    const name = series.length > 1 ? `${shortName(one.channel)} ` : "";
    return [`${name}${number(one.channel, value)} (${when(one.at[i]!, now)})`];
  });
  const twin = estimates.slice(0, 1).flatMap((one) => {
    const i = nearest(one.at, at);
    if (i < 0 || Math.abs(one.at[i]! - at) > 30 * 60e6) return [];
    const of = (value: number) => number(one.channel, value);
    return [`${t.board.twin} ${of(one.median[i]!)} (${of(one.low[i]!)}–${of(one.high[i]!)})`];
  });
  return [...values, ...twin].join(" · ");
}

/** One chart of a person: what was measured or set, what the twin takes it for, what it foretells; and the same as a table. */
export const Chart = memo(function Chart(props: Props) {
  const { plan, series, estimates, forecasts, window, now, axis, chosen, onChoose } = props;
  const box = useRef<HTMLDivElement>(null);
  const output = useRef<HTMLSpanElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const shade = useShade();
  const [open, setOpen] = useState(false);
  const id = useId();

  const columns = useMemo(
    () =>
      columnsOf({ series: [...series], estimates: [...estimates], forecasts: [...forecasts], holds: plan.holds, now }),
    [series, estimates, forecasts, plan.holds, now],
  );
  const kind = signature(columns);
  const main = plan.channels[0]!.channel;
  const empty = isEmpty(props);
  const latest = useRef({ props, columns });
  latest.current = { props, columns };

  useEffect(() => {
    const target = box.current;
    if (!target) return;
    const present = (): Present => latest.current.props;
    const chart = draw(
      target,
      latest.current.columns,
      { channel: main, holds: plan.holds, height: plan.holds ? LANE_PX : HEIGHT_PX, axis },
      present,
      {
        onCursor: (at) => {
          const shown = latest.current.props;
          if (!output.current) return;
          output.current.textContent =
            at === null ? "" : reading(shown.series, shown.estimates, plan.holds, at, shown.now);
        },
        onPress: (press) => {
          const found = meant(press, latest.current.props.series);
          if (found) latest.current.props.onChoose(found.seq);
        },
      },
    );
    drawn.current = chart;
    const watch = new ResizeObserver(() => chart.resize(target.clientWidth));
    watch.observe(target);
    return () => {
      watch.disconnect();
      chart.destroy();
      drawn.current = null;
    };
    // Made anew only when other lines are in it or the colours changed; what else changes is shown below.
  }, [kind, shade, axis, empty, plan.holds, main]);

  useEffect(() => drawn.current?.show(columns), [columns, window.start, window.stop]);
  useEffect(() => drawn.current?.redraw(), [chosen]);

  const first = plan.channels[0]!;
  const last = lastOf(series.find((one) => one.channel === first.channel));
  const sentences = plan.channels.flatMap((channel) => {
    const of = series.find((one) => one.channel === channel.channel);
    const foretold = forecasts.find((one) => one.channel === channel.channel);
    return of
      ? [summary(capital(channel.title), of, foretold, now)]
      : [t.person.summary.nothing(capital(channel.title))];
  });
  return (
    <section className={`chart${plan.holds ? " chart--lane" : ""}`} aria-labelledby={id}>
      <header className="chart__head">
        <h3 id={id} className="chart__title">
          {plan.title}
        </h3>
        {last ? (
          <span className="chart__last">
            <strong>{valueWithUnit(first.channel, first.unit, last[1])}</strong>{" "}
            <span className="quiet">{when(last[0], now)}</span>
          </span>
        ) : (
          <span className="chart__last quiet">
            {first.last === null ? t.person.noValues : t.person.noValuesSince(when(first.last, now))}
          </span>
        )}
        <span className="chart__reading" ref={output} aria-hidden="true" />
        {empty ? null : (
          <button
            type="button"
            className="chart__table"
            aria-expanded={open}
            aria-label={t.person.tableOf(plan.title)}
            onClick={() => setOpen(!open)}
          >
            <Icon name="table" />
            {t.person.table}
          </button>
        )}
      </header>
      {plan.channels.length > 1 && !empty ? (
        <ul className="chart__keys">
          {plan.channels.map((channel, i) => (
            <li key={channel.channel} className={`key key--measured-${i + 1}`}>
              {capital(channel.title)}
            </li>
          ))}
        </ul>
      ) : null}
      {empty ? null : <div className="chart__box" ref={box} role="img" aria-label={sentences.join(" ")} />}
      {open && !empty ? <ValueTable plan={plan} series={series} now={now} onChoose={onChoose} /> : null}
    </section>
  );
});
