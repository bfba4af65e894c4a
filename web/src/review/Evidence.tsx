import type { Recommendation } from "../api/contract";
import { textWritten, unitWritten } from "../base/units";
import { Icon } from "../parts/Icon";
import { capital, t } from "../texts";
import { chanceWritten, isOver, isRising } from "../what_if/limits";
import { figure, minutesOf, tableOf } from "./queue";

/** What was foretold without and with the change, and what came. */
export function ForetoldTable({ one }: { one: Recommendation }) {
  const minutes = minutesOf(one);
  const looked = one.foretold.some((row) => row.came !== null);
  return (
    <div className="evidence__scroll" tabIndex={0} role="group" aria-label={t.review.foretold}>
      <table className="evidence">
        <caption>{t.review.foretold}</caption>
        <thead>
          <tr>
            <th scope="col" rowSpan={2}>
              {t.review.reading}
            </th>
            {minutes.map((minute) => (
              <th key={minute} scope="colgroup" colSpan={looked ? 3 : 2} className="evidence__group evidence__after">
                {t.whatIf.afterMinutes(minute)}
              </th>
            ))}
          </tr>
          <tr>
            {minutes.flatMap((minute) => [
              <th key={`${minute}n`} scope="col" className="evidence__group">
                {t.whatIf.noChangeShort}
              </th>,
              <th key={`${minute}p`} scope="col">
                {t.review.planned}
              </th>,
              ...(looked
                ? [
                    <th key={`${minute}c`} scope="col">
                      {t.review.came}
                    </th>,
                  ]
                : []),
            ])}
          </tr>
        </thead>
        <tbody>
          {tableOf(one).map((row) => (
            <tr key={row.label}>
              <th scope="row">
                {capital(textWritten(row.label))} <span className="quiet">{unitWritten(textWritten(row.unit))}</span>
              </th>
              {row.at.flatMap((said, i) => {
                const key = minutes[i];
                if (!said) return [<td key={`${key}n`} className="hatched" colSpan={looked ? 3 : 2} />];
                return [
                  <td key={`${key}n`} className="evidence__group">
                    {figure(row.label, said.unchanged)}
                  </td>,
                  <td key={`${key}p`}>
                    <strong>{figure(row.label, said.median)}</strong>{" "}
                    <span className="quiet">
                      ({figure(row.label, said.low)}–{figure(row.label, said.high)})
                    </span>
                  </td>,
                  ...(looked
                    ? [
                        said.came === null ? (
                          <td key={`${key}c`} className="quiet">
                            –<span className="heard">{t.review.nothingCame}</span>
                          </td>
                        ) : (
                          <td key={`${key}c`} className={said.inside ? undefined : "evidence__outside"}>
                            {said.inside ? null : <Icon name="bolt" />}
                            {figure(row.label, said.came)}
                            <span className="heard">, {said.inside ? t.review.inside : t.review.outside}</span>
                          </td>
                        ),
                      ]
                    : []),
                ];
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The chance of each limit, without and with the change. */
export function LimitsTable({ one }: { one: Recommendation }) {
  if (!one.limits.length) return null;
  return (
    <table className="evidence">
      <caption>{t.whatIf.limits}</caption>
      <thead>
        <tr>
          <th scope="col">{t.whatIf.limit}</th>
          <th scope="col">{t.whatIf.noChangeShort}</th>
          <th scope="col">{t.review.planned}</th>
        </tr>
      </thead>
      <tbody>
        {one.limits.map((limit) => {
          const rising = isRising(limit.planned, limit.unchanged);
          return (
            <tr key={limit.label}>
              <th scope="row">{capital(textWritten(limit.label))}</th>
              <td>{chanceWritten(limit.unchanged)}</td>
              <td className={rising ? "evidence__outside" : undefined}>
                {rising ? <Icon name="up" /> : null}
                {isOver(limit.planned) ? <strong>{chanceWritten(limit.planned)}</strong> : chanceWritten(limit.planned)}
                {rising ? <span className="heard">, {t.whatIf.rising}</span> : null}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
