/** One line of JSON in coloured pieces. Works on unfinished text, too. Pure. */

export interface Token {
  /** A class of the code styles: key, string, number, word, punctuation, or nothing. */
  kind: "ck" | "cs" | "cn" | "cw" | "cp" | "";
  text: string;
}

const PIECE = /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)\b|([{}[\],:]+)|(\s+)|([^\s"{}[\],:]+)/g;

export function colour(line: string): Token[] {
  const tokens: Token[] = [];
  for (const [, string, colon, number, word, punctuation, space, other] of line.matchAll(PIECE)) {
    if (string !== undefined) {
      tokens.push({ kind: colon === undefined ? "cs" : "ck", text: string });
      if (colon !== undefined) tokens.push({ kind: "cp", text: colon });
    } else if (number !== undefined) tokens.push({ kind: "cn", text: number });
    else if (word !== undefined) tokens.push({ kind: "cw", text: word });
    else if (punctuation !== undefined) tokens.push({ kind: "cp", text: punctuation });
    else tokens.push({ kind: "", text: space ?? other ?? "" });
  }
  return tokens;
}
