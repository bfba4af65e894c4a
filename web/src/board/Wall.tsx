import type { Row } from "../api/contract";
import { band } from "../base/news2";
import { NewsBadge } from "../parts/NewsBadge";
import { t } from "../texts";
import { Card } from "./Card";
import { Advice, Changed, placeOf } from "./facts";
import { Opener } from "./Opener";

/**
 * How many stand large on a wall: two rows of four can be read from three metres (assumed); of a large ward one row, so that
 * everyone else still fits below it.
 */
export const large = (people: number) => (people > 24 ? 4 : 8);

function Tile({ row }: { row: Row }) {
  const edge = row.left !== null ? "left" : row.news2 ? `band-${band(row.news2.low)}` : "absent";
  return (
    <li className={`tile card--${edge}`}>
      <NewsBadge score={row.news2} />
      <span className="tile__who">
        <span className="tile__place">{placeOf(row)}</span>
        <Opener row={row} />
      </span>
      <span className="tile__changed">{row.surprises.length || row.news2?.changed ? <Changed row={row} /> : null}</span>
      <Advice row={row} />
    </li>
  );
}

/** For a screen on a wall: who needs somebody first stands large, everyone else small below. */
export function Wall({ rows, channels }: { rows: readonly Row[]; channels: readonly string[] }) {
  const count = large(rows.length);
  const [first, others] = [rows.slice(0, count), rows.slice(count)];
  return (
    <div className="wall">
      <ul className="cards cards--wall">
        {first.map((row) => (
          <Card key={row.subject} row={row} channels={channels} />
        ))}
      </ul>
      {others.length ? (
        <>
          <h2 className="wall__others">{t.board.others}</h2>
          <ul className="tiles">
            {others.map((row) => (
              <Tile key={row.subject} row={row} />
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}
