import { type FormEvent, useState } from "react";
import { Refused, takeRole } from "../api/client";
import { go } from "../app/router";
import { useSession, useSigning } from "../app/session";
import { forgetWard, startWard } from "../app/ward";
import { PageTitle } from "../parts/PageTitle";
import { t } from "../texts";

function Radios(props: {
  name: string;
  legend: string;
  options: readonly [string, string][];
  chosen: string;
  choose(value: string): void;
}) {
  return (
    <div className="nhsuk-form-group">
      <fieldset className="nhsuk-fieldset">
        <legend className="nhsuk-fieldset__legend nhsuk-fieldset__legend--s">{props.legend}</legend>
        <div className="nhsuk-radios nhsuk-radios--small">
          {props.options.map(([value, label]) => (
            <div className="nhsuk-radios__item" key={value}>
              <input
                className="nhsuk-radios__input"
                id={`${props.name}-${value}`}
                name={props.name}
                type="radio"
                value={value}
                checked={value === props.chosen}
                onChange={() => props.choose(value)}
              />
              <label className="nhsuk-label nhsuk-radios__label" htmlFor={`${props.name}-${value}`}>
                {label}
              </label>
            </div>
          ))}
        </div>
      </fieldset>
    </div>
  );
}

/** What somebody is here for: it decides what they see, and is kept with every look. */
export function RolePage({ alone = false }: { alone?: boolean }) {
  const session = useSession();
  const { signedIn } = useSigning();
  const [role, setRole] = useState(session.role || session.roles[0] || "");
  const [purpose, setPurpose] = useState<string>(session.purpose);
  const [trouble, setTrouble] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTrouble("");
    try {
      signedIn(await takeRole(role, role === session.role ? purpose : null));
      forgetWard();
      void startWard();
      go("/");
    } catch (error) {
      setTrouble(error instanceof Refused ? error.problem.detail || error.message : t.errors.unreachableFix);
    }
  };
  const form = (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <PageTitle title={t.role.title} />
      <p>{t.role.lead}</p>
      {trouble ? (
        <div className="nhsuk-error-summary" role="alert">
          <h2 className="nhsuk-error-summary__title">{t.role.refused}</h2>
          <div className="nhsuk-error-summary__body">
            <p>{trouble}</p>
          </div>
        </div>
      ) : null}
      <Radios
        name="role"
        legend={t.role.role}
        options={session.roles.map((one) => [one, t.role.roles[one] ?? one])}
        chosen={role}
        choose={setRole}
      />
      {role === session.role && session.purposes.length > 1 ? (
        <Radios
          name="purpose"
          legend={t.role.purpose}
          options={session.purposes.map((one) => [one, one.charAt(0).toUpperCase() + one.slice(1)])}
          chosen={purpose}
          choose={setPurpose}
        />
      ) : null}
      <button type="submit" className="nhsuk-button">
        {t.role.go}
      </button>
    </form>
  );
  if (!alone) return form;
  return (
    <main className="signin">
      <div className="signin__card">{form}</div>
    </main>
  );
}
