import { Fragment, memo, useEffect, useId, useMemo, useRef, useState } from "react";
import type { ReadingBand } from "../api/contract";
import { useShade } from "../app/theme";
import { Icon } from "../parts/Icon";
import { t } from "../texts";
import type { Letter } from "./plans";
import { coursesOf, type Drawn, draw, signature } from "./plot";
import * as readings from "./readings";
import type { Answered } from "./readings";

interface Props {
  answered: Answered;
  reading: ReadingBand;
  open: Letter | null;
}

/** The paired difference of each plan, after half an hour and after an hour. */
function Differences({ answered, reading }: Omit<Props, "open">) {
  if (!answered.letters.length) return null;
  const { digits } = reading;
  return (
    <table className="differs">
      <caption className="heard">{t.whatIf.differenceOf(readings.nameOf(reading).long)}</caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="heard">{t.whatIf.plan}</span>
          </th>
          {readings.SAID_AT.map((minute) => (
            <th key={minute} scope="col">
              {t.whatIf.afterMinutes(minute)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {answered.letters.map((letter, i) => (
          <tr key={letter}>
            <th scope="row">
              <span className={`letter letter--${letter.toLowerCase()}`}>{letter}</span>
            </th>
            {readings.SAID_AT.map((minute) => {
              const one = readings.differenceAt(answered, i + 1, reading.name, minute);
              const sure = one ? readings.sureness(digits, one) : "unclear";
              return (
                <td key={minute} className={`differs__one differs__one--${sure}`}>
                  {one ? (
                    readings.differenceParts(digits, one).map((part) => (
                      <Fragment key={part}>
                        <span>{part}</span>{" "}
                      </Fragment>
                    ))
                  ) : (
                    <span className="hatched">{t.unknown}</span>
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FutureTable({ answered, reading }: Omit<Props, "open">) {
  const name = readings.nameOf(reading).long;
  const { digits } = reading;
  return (
    <div className="values" tabIndex={0} role="region" aria-label={t.person.tableOf(name)}>
      <table>
        <caption>{t.whatIf.tableCaption(name, readings.unitOf(reading))}</caption>
        <thead>
          <tr>
            <th scope="col">{t.whatIf.minute}</th>
            <th scope="col">{t.whatIf.noChangeTab}</th>
            {answered.letters.map((letter) => (
              <th key={letter} scope="col">
                {t.whatIf.planOf(letter)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {readings.tableOf(answered, reading.name).map(({ minute, cells }) => (
            <tr key={minute}>
              <th scope="row">{minute}</th>
              {cells.map((cell, i) => (
                <td key={i} className={cell ? undefined : "hatched"}>
                  {cell
                    ? t.whatIf.interval(
                        readings.plain(digits, cell.median),
                        readings.plain(digits, cell.low),
                        readings.plain(digits, cell.high),
                      )
                    : t.unknown}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is under the pointer: the median of each course at that minute. */
function underPointer({ futures, letters }: Answered, reading: ReadingBand, index: number): string {
  const medians = readings.tableOf({ futures, letters }, reading.name)[index]?.cells ?? [];
  const said = medians.map((one, i) => {
    const value = one ? readings.plain(reading.digits, one.median) : t.unknown;
    return i === 0 ? value : `${letters[i - 1]} ${value}`;
  });
  return `${t.whatIf.minutes(futures.minutes[index] ?? 0)}: ${said.join(" · ")}`;
}

/** One reading for the next hour, without change and with each plan; what the plans do to it; and the same as a table. */
export const FutureChart = memo(function FutureChart({ answered, reading, open }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const output = useRef<HTMLSpanElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const shade = useShade();
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const name = readings.nameOf(reading);
  const courses = useMemo(() => coursesOf(answered, reading.name, open), [answered, reading.name, open]);
  const kind = signature(courses);
  const latest = useRef({ courses, answered, reading });
  latest.current = { courses, answered, reading };

  useEffect(() => {
    const target = box.current;
    if (!target) return;
    const chart = draw(target, latest.current.courses, (index) => {
      if (!output.current) return;
      const shown = latest.current;
      output.current.textContent = index === null ? "" : underPointer(shown.answered, shown.reading, index);
    });
    drawn.current = chart;
    const watch = new ResizeObserver(() => chart.resize(target.clientWidth));
    watch.observe(target);
    return () => {
      watch.disconnect();
      chart.destroy();
      drawn.current = null;
    };
    // Made anew only when other lines are in it or the colours changed; new values are shown below.
  }, [kind, shade]);
  useEffect(() => drawn.current?.show(courses), [courses]);

  return (
    <section className={`future${asTable ? " future--table" : ""}`} aria-labelledby={id}>
      <header className="future__head">
        <h3 id={id} className="future__title" title={name.long}>
          {name.short}
          <span className="heard"> ({name.long})</span> <span className="future__unit">{readings.unitOf(reading)}</span>
        </h3>
        <span className="future__reading" ref={output} aria-hidden="true" />
        <button
          type="button"
          className="chart__table"
          aria-expanded={asTable}
          aria-label={t.person.tableOf(name.long)}
          onClick={() => setAsTable(!asTable)}
        >
          <Icon name="table" />
        </button>
      </header>
      <div className="chart__box" ref={box} role="img" aria-label={readings.summary(answered, reading.name)} />
      <Differences answered={answered} reading={reading} />
      {asTable ? <FutureTable answered={answered} reading={reading} /> : null}
    </section>
  );
});
