import type { Futures } from "../api/contract";
import { Icon } from "../parts/Icon";
import { t } from "../texts";
import { type Chance, figure, type LimitRow, rowsOf } from "./limits";
import type { Answered } from "./readings";

function Cell({ chance, hard }: { chance: Chance | null; hard: boolean }) {
  if (!chance) return <td className="hatched">{t.unknown}</td>;
  const marks = [chance.over ? "over" : "", chance.rising ? "rising" : ""].filter(Boolean);
  return (
    <td
      className={`limits__one ${hard ? "limits__one--hard" : ""} ${marks.map((one) => `limits__one--${one}`).join(" ")}`}
    >
      {chance.over && hard ? <Icon name="alert" /> : null}
      {chance.rising ? <Icon name="up" /> : null}
      {figure(chance.chance)}
      {chance.over ? <span className="heard">, {t.whatIf.over}</span> : null}
      {chance.rising ? <span className="heard">, {t.whatIf.rising}</span> : null}
    </td>
  );
}

function Rows({ rows, title, columns }: { rows: LimitRow[]; title: string; columns: number }) {
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={columns + 1} className="limits__group">
          {title}
        </th>
      </tr>
      {rows.map((row) => (
        <tr key={row.name}>
          <th scope="row">{row.label}</th>
          {row.chances.map((chance, i) => (
            <Cell key={i} chance={chance} hard={row.hard} />
          ))}
        </tr>
      ))}
    </tbody>
  );
}

/** The chance that a limit is broken, without change and with each plan; what must not happen stands first. */
export function Limits({ answered }: { answered: Answered }) {
  const futures: Futures = answered.futures;
  const rows = rowsOf(futures);
  return (
    <section className="limits">
      <table>
        <caption className="limits__title">
          {t.whatIf.limits}
          <span className="limits__note">{t.whatIf.limitsNote}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">{t.whatIf.limit}</th>
            <th scope="col">{t.whatIf.noChangeShort}</th>
            {answered.letters.map((letter) => (
              <th key={letter} scope="col">
                <span className="heard">{t.whatIf.plan} </span>
                <span className={`letter letter--${letter.toLowerCase()}`}>{letter}</span>
              </th>
            ))}
          </tr>
        </thead>
        <Rows rows={rows.filter((row) => row.hard)} title={t.whatIf.hard} columns={futures.plans.length} />
        <Rows rows={rows.filter((row) => !row.hard)} title={t.whatIf.soft} columns={futures.plans.length} />
      </table>
      <p className="limits__keys">
        <span>
          <Icon name="alert" /> {t.whatIf.overKey}
        </span>
        <span>
          <Icon name="up" /> {t.whatIf.rising}
        </span>
      </p>
    </section>
  );
}
