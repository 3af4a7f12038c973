/** How hard a password is to guess, roughly: length counts most, sameness takes away. The box has the last word. */

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 256;

export interface Strength {
  /** 0 to 1, for the bar. */
  share: number;
  tone: "bad" | "warn" | "ok";
  words: string;
}

const OBVIOUS = /^(.)\1+$|password|passwort|qwert|asdf|letmein|123456|trigger-?box/i;

export function strengthOf(password: string): Strength {
  const length = [...password].length;
  const kinds = new Set(password).size;
  const share = Math.min(1, (Math.min(length, 20) / 20) * 0.6 + (Math.min(kinds, 14) / 14) * 0.4);
  if (length < PASSWORD_MIN)
    return { share: Math.min(share, 0.4), tone: "bad", words: `${length} of at least ${PASSWORD_MIN} characters.` };
  if (OBVIOUS.test(password) || kinds < 5)
    return { share: 0.35, tone: "warn", words: "Easy to guess. Several words that don't belong together are better." };
  if (share < 0.75) return { share, tone: "warn", words: `Fair. ${length} characters.` };
  return { share, tone: "ok", words: `Strong. ${length} characters.` };
}
