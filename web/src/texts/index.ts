import { en } from "./en";

/** The texts of the language that is used. */
export const t = en;

const words = (channel: string) => channel.replaceAll("_", " ");

/** With a capital first, unless its second letter is one: pH stays pH. */
export const capital = (text: string) => (/^.[A-Z]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1));

/** As it stands within a sentence; abbreviations stay: PEEP, FiO₂. */
export const small = (text: string) => (/^.\S*[A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1));

export const shortName = (channel: string) => t.channels[channel]?.short ?? capital(words(channel));

export const longName = (channel: string) => t.channels[channel]?.long ?? capital(words(channel));

export const partName = (channel: string) =>
  t.news2.parts[channel] ?? { short: shortName(channel), long: longName(channel) };
