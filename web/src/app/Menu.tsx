import { useEffect, useId, useRef, useState } from "react";
import { Choice } from "../parts/Choice";
import { Icon } from "../parts/Icon";
import { t } from "../texts";
import { go } from "./router";
import { useSession, useSigning } from "./session";
import { chooseTheme, type Theme, useTheme } from "./theme";

const roleName = (role: string) => t.role.roles[role] ?? role;

/** Who is signed in, and what belongs to them and to this screen. */
export function Menu() {
  const session = useSession();
  const { signOut } = useSigning();
  const theme = useTheme();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);

  const leave = (act: () => void) => () => {
    setOpen(false);
    act();
  };

  return (
    <div className="menu" ref={box}>
      <button
        ref={button}
        type="button"
        className="menu__button"
        aria-expanded={open}
        aria-controls={id}
        aria-label={`${t.shell.menu}: ${t.shell.signedInAs(session.name, roleName(session.role))}`}
        onClick={() => setOpen(!open)}
      >
        <Icon name="person" />
        <span className="menu__who">
          <span className="menu__name">{session.name}</span>
          <span className="menu__role">
            {roleName(session.role)} · {session.purpose}
          </span>
        </span>
      </button>
      {open ? (
        <div id={id} className="menu__panel">
          <p className="menu__full">
            <strong>{session.name}</strong>
            <br />
            {roleName(session.role)} · {session.purpose}
          </p>
          <Choice<Theme>
            label={t.shell.theme}
            value={theme}
            options={[
              ["system", t.shell.themes.system],
              ["light", t.shell.themes.light],
              ["dark", t.shell.themes.dark],
            ]}
            onChange={chooseTheme}
          />
          <ul className="menu__list">
            <li>
              <button type="button" className="menu__item" onClick={leave(() => go("/role"))}>
                {t.shell.role}
              </button>
            </li>
            <li>
              <button type="button" className="menu__item" onClick={leave(() => go("/passkey"))}>
                {t.shell.passkey}
              </button>
            </li>
            <li>
              <button type="button" className="menu__item" onClick={leave(() => void signOut())}>
                {t.shell.signOut}
              </button>
            </li>
          </ul>
          <p className="menu__note">{t.notADevice}</p>
        </div>
      ) : null}
    </div>
  );
}
