import type { Row } from "../api/contract";
import { go } from "../app/router";
import { t } from "../texts";
import { nameOf, placeOf } from "./facts";

/** The name of a person as the link that opens them; in a card or a row it can be pressed anywhere. */
export function Opener({ row }: { row: Row }) {
  const name = nameOf(row);
  return (
    <a
      href="/person"
      className={`opener${!row.name && !row.number ? " opener--unknown" : ""}`}
      aria-label={t.board.open(placeOf(row), name)}
      title={name}
      onClick={(event) => {
        event.preventDefault();
        go("/person", row.subject);
      }}
    >
      {name}
    </a>
  );
}
