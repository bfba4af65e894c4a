import { memo } from "react";
import type { Row } from "../api/contract";
import { band } from "../base/news2";
import { NewsBadge, NewsParts } from "../parts/NewsBadge";
import { t } from "../texts";
import { Advice, Changed, Heard, placeOf, Settings, Trust, Who } from "./facts";
import { Opener } from "./Opener";
import { VitalCell } from "./VitalCell";

/** One person as a card: who, how ill, what changed, what is measured, and how far to trust it. */
export const Card = memo(function Card({ row, channels }: { row: Row; channels: readonly string[] }) {
  const edge = row.left !== null ? "left" : row.news2 ? `band-${band(row.news2.low)}` : "absent";
  return (
    <li className={`card card--${edge}`}>
      <div className="card__head">
        <NewsBadge score={row.news2} />
        <div className="card__who">
          <span className="card__place">{placeOf(row)}</span>
          <Opener row={row} />
          <Who row={row} />
        </div>
        <Advice row={row} />
      </div>
      <div className="card__changed">
        <Changed row={row} />
      </div>
      {row.news2 ? (
        <NewsParts score={row.news2} />
      ) : (
        <span className="parts parts--none hatched">{t.news2.absent}</span>
      )}
      <div className="card__vitals">
        {channels.map((channel) => (
          <VitalCell
            key={channel}
            channel={channel}
            vital={row.vitals.find((one) => one.channel === channel)}
            unexpected={row.surprises.includes(channel)}
          />
        ))}
      </div>
      <div className="card__foot">
        <Settings row={row} />
        <Trust row={row} />
        <Heard row={row} />
      </div>
    </li>
  );
});
