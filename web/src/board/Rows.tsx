import { memo } from "react";
import type { Row } from "../api/contract";
import { band } from "../base/news2";
import { NewsBadge, NewsParts } from "../parts/NewsBadge";
import { longName, shortName, t } from "../texts";
import { Advice, Changed, Heard, placeOf, Settings, Trust, Who } from "./facts";
import { Opener } from "./Opener";
import { VitalCell } from "./VitalCell";

const Line = memo(function Line({ row, channels }: { row: Row; channels: readonly string[] }) {
  const edge = row.left !== null ? "left" : row.news2 ? `band-${band(row.news2.low)}` : "absent";
  return (
    <tr className={`line line--${edge}`}>
      <td className="line__news">
        <NewsBadge score={row.news2} />
      </td>
      <td className="line__place">{placeOf(row)}</td>
      <th scope="row" className="line__name">
        <Opener row={row} />
        <Who row={row} />
      </th>
      <td className="line__changed">
        <Changed row={row} />
      </td>
      <td className="line__parts">
        {row.news2 ? <NewsParts score={row.news2} labels={false} /> : <span className="quiet">{t.news2.absent}</span>}
      </td>
      {channels.map((channel) => (
        <td key={channel} className="line__vital">
          <VitalCell
            channel={channel}
            vital={row.vitals.find((one) => one.channel === channel)}
            unexpected={row.surprises.includes(channel)}
            named={false}
          />
        </td>
      ))}
      <td className="line__settings">
        <Settings row={row} />
      </td>
      <td className="line__twin">
        <Trust row={row} />
      </td>
      <td className="line__data">
        <Heard row={row} />
      </td>
      <td className="line__advice">
        <Advice row={row} />
      </td>
    </tr>
  );
});

/** Everybody as a row of a table. */
export function Rows({ rows, channels }: { rows: readonly Row[]; channels: readonly string[] }) {
  return (
    <div className="rows">
      <table className="rows__table">
        <thead>
          <tr>
            <th scope="col">
              <abbr title={t.news2.longName}>{t.news2.name}</abbr>
            </th>
            <th scope="col">{t.board.bed}</th>
            <th scope="col">{t.board.name}</th>
            <th scope="col" className="line__changed">
              {t.board.changed}
            </th>
            <th scope="col" className="line__parts">
              <span className="parts">
                <span className="heard">{t.news2.longName}</span>
                {Object.entries(t.news2.parts).map(([key, name]) => (
                  <abbr key={key} className="parts__one" title={name.long}>
                    {name.short}
                  </abbr>
                ))}
              </span>
            </th>
            {channels.map((channel) => (
              <th scope="col" key={channel}>
                <abbr title={longName(channel)}>{shortName(channel)}</abbr>
              </th>
            ))}
            <th scope="col" className="line__settings">
              {t.board.settings}
            </th>
            <th scope="col" className="line__twin">
              {t.board.twin}
            </th>
            <th scope="col" className="line__data">
              {t.board.data}
            </th>
            <th scope="col">{t.board.recommendations}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Line key={row.subject} row={row} channels={channels} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
