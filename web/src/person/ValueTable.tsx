import type { Micros, Series } from "../api/contract";
import { iso, when } from "../base/time";
import { valueWithUnit } from "../base/units";
import { shortName, t } from "../texts";
import type { ChartPlan } from "./charts";

/** Rows of a table at most: more than anybody reads, and few enough to be there at once (assumed). */
const MOST = 100;

interface Props {
  plan: ChartPlan;
  series: readonly Series[];
  now: Micros;
  onChoose(seq: number): void;
}

/** The values of a chart, the latest first; each opens where it came from. */
export function ValueTable({ plan, series, now, onChoose }: Props) {
  const values = series
    .flatMap((one) => one.at.map((at, i) => ({ at, series: one, value: one.value[i], i })))
    .filter((one) => one.value !== null && one.value !== undefined)
    .sort((a, b) => b.at - a.at);
  const shown = values.slice(0, MOST);
  const several = plan.channels.length > 1;
  return (
    <div className="values" tabIndex={0} role="region" aria-label={t.person.tableOf(plan.title)}>
      <table>
        <caption>{values.length > MOST ? t.person.tableMost(MOST, values.length) : plan.title}</caption>
        <thead>
          <tr>
            <th scope="col">{t.person.time}</th>
            {several ? <th scope="col">{t.person.what}</th> : null}
            <th scope="col">{t.person.value}</th>
            <th scope="col">{t.person.quality}</th>
            <th scope="col">{t.person.source}</th>
            <th scope="col">{t.person.origin}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ at, series: one, value, i }) => (
            <tr key={`${one.channel}${one.source}${one.seq[i]}`}>
              <th scope="row">
                <time dateTime={iso(at)}>{when(at, now)}</time>
              </th>
              {several ? <td>{shortName(one.channel)}</td> : null}
              <td>{valueWithUnit(one.channel, one.unit, value!)}</td>
              <td>{t.person.qualityWords[one.quality[i]!] ?? one.quality[i]}</td>
              <td>{one.source}</td>
              <td>
                <button
                  type="button"
                  className="values__origin"
                  aria-label={t.person.originOf(plan.title, when(at, now))}
                  onClick={() => onChoose(one.seq[i]!)}
                >
                  {t.person.show}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
