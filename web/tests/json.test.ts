import { describe, expect, it } from "vitest";
import { lineAt, parseJson, pretty, toValue } from "../src/parts/json/parse";
import { caretPlace } from "../src/parts/json/place";
import { example, fieldsOf, type Schema, schemaAt, validate } from "../src/parts/json/schema";
import { colour } from "../src/parts/json/tokens";

const faultOf = (text: string) => parseJson(text).fault;
const problems = (text: string, schema: Schema) => {
  const { node } = parseJson(text);
  if (!node) throw new Error("not JSON");
  return validate(node, schema).map(({ path, message }) => `${path}: ${message}`);
};

describe("reading JSON", () => {
  it.each([
    ["{}", {}],
    ['{"a": [1, -2.5e3, true, null, "\\u00e9\\n"]}', { a: [1, -2500, true, null, "é\n"] }],
    [' [ [] , {"": 0} ] ', [[], { "": 0 }]],
  ])("reads %s as JSON.parse does", (text, value) => {
    const { node } = parseJson(text);

    expect(node && toValue(node)).toEqual(value);
    expect(JSON.parse(text)).toEqual(value);
  });

  it.each([
    ["", "There is nothing here: write a JSON value.", 0],
    ['{"a": 1,}', "No comma before }.", 7],
    ["[1 2]", "Here should be a comma or ], not 2", 3],
    ["{'a': 1}", "Here should be a key in double quotes, not '", 1],
    ["'a'", "Strings stand in double quotes.", 0],
    ["True", "Not a JSON value: True", 0],
    ["NaN", "Not a JSON value: NaN", 0],
    ["01", "Nothing may follow the value.", 1],
    ["{} {}", "Nothing may follow the value.", 3],
    ['"a', "This string is not closed.", 0],
    ['"\\x"', "This string has an escape that JSON does not know.", 0],
    ['{"a"', "The text ends where : should be.", 4],
    ["[1,", "The text ends where a value should be.", 3],
  ])("says what is wrong with %j, and where", (text, message, at) => {
    expect(faultOf(text)).toEqual({ message, at });
  });

  it("gives up on what is nested without end, instead of breaking the page", () => {
    expect(faultOf("[".repeat(100_000))?.message).toBe("Nested deeper than 200 levels.");
  });

  it("counts lines and columns from 1", () => {
    expect(lineAt("{\n  1", 4)).toEqual({ line: 2, column: 3 });
    expect(lineAt("{", 0)).toEqual({ line: 1, column: 1 });
  });
});

describe("laying JSON out", () => {
  it("keeps numbers and strings letter for letter", () => {
    expect(pretty('{"big":9007199254740993,"e":1.0e2,"s":"\\u0061"}')).toBe(
      '{\n  "big": 9007199254740993,\n  "e": 1.0e2,\n  "s": "\\u0061"\n}',
    );
  });

  it("leaves alone what is not JSON, and what is empty", () => {
    expect(pretty("{oops")).toBe("{oops");
    expect(pretty('{"a":{},"b":[]}')).toBe('{\n  "a": {},\n  "b": []\n}');
  });
});

const ORDER: Schema = {
  type: "object",
  required: ["id", "items"],
  properties: {
    id: { type: "string", minLength: 3, pattern: "^ord_" },
    items: { type: "array", minItems: 1, items: { $ref: "#/$defs/Item" } },
    kind: { enum: ["new", "used"], default: "used" },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
    when: { type: "string", format: "date-time", description: "When it came in." },
  },
  additionalProperties: false,
  $defs: { Item: { type: "object", required: ["qty"], properties: { qty: { type: "integer", minimum: 1 } } } },
};

describe("a payload against its schema", () => {
  it("fits", () => {
    expect(problems('{"id": "ord_1", "items": [{"qty": 1}], "note": null}', ORDER)).toEqual([]);
  });

  it("has each fault named by its path", () => {
    expect(problems('{"id": "x", "items": [{"qty": 0}, {}], "kind": "old", "more": 1}', ORDER)).toEqual([
      "id: must have at least 3 characters.",
      "id: must match ^ord_",
      "items[0].qty: must be at least 1.",
      "items[1].qty: is missing.",
      'kind: must be one of "new", "used".',
      ": has a field the schema does not know: more",
    ]);
  });

  it("offers a way out of a wrong type", () => {
    const { node } = parseJson('{"qty": "2"}');
    const [problem] = node ? validate(node, { type: "object", properties: { qty: { type: "integer" } } }) : [];

    expect(problem).toMatchObject({ path: "qty", message: "must be an integer, got a string." });
    expect(problem?.fix).toEqual({ label: "Change to 2", text: "2" });
  });

  it("of several shapes names all that would do", () => {
    expect(problems("1", { anyOf: [{ type: "string" }, { type: "null" }] })).toEqual([
      ": must be a string or null, got an integer.",
    ]);
  });

  it("is not judged by patterns only other languages know, nor by references to nowhere or in circles", () => {
    expect(problems('"a"', { type: "string", pattern: "(?P<year>a" })).toEqual([]);
    expect(problems("1", { $ref: "#/$defs/Lost" })).toEqual([]);
    expect(problems("1", { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } })).toEqual([]);
  });

  it("has at most 50 faults", () => {
    const text = JSON.stringify(Array.from({ length: 500 }, () => "x"));

    expect(problems(text, { type: "array", items: { type: "integer" } })).toHaveLength(50);
  });
});

describe("help while writing", () => {
  it("makes an example that fits, examples and defaults first", () => {
    const schema: Schema = {
      ...ORDER,
      properties: { ...ORDER.properties, id: { type: "string", examples: ["ord_1"] } },
    };
    const made = example(schema);

    expect(made).toEqual({
      id: "ord_1",
      items: [{ qty: 1 }],
      kind: "used",
      note: "",
      when: "2026-01-31T09:30:00Z",
    });
    expect(problems(JSON.stringify(made), schema)).toEqual([]);
  });

  it("ends on schemas that hold themselves", () => {
    const tree: Schema = {
      type: "object",
      required: ["child"],
      properties: { child: { $ref: "#" } },
    };

    expect(JSON.stringify(example(tree)).length).toBeLessThan(200);
  });

  it("offers the fields of the place, required ones first", () => {
    expect(fieldsOf(ORDER, ORDER).map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      "id: string",
      "items: array",
      "kind: enum, optional",
      "note: string, optional",
      "when: date-time, optional",
    ]);
    const item = schemaAt(ORDER, ["items", 0]);
    expect(item && fieldsOf(item, ORDER).map(({ name }) => name)).toEqual(["qty"]);
    expect(schemaAt(ORDER, ["nowhere", 0])).toBeNull();
  });

  it("knows where the caret is in a text that is not finished", () => {
    const text = '{"items": [{"qty": 1}, {"q';

    expect(caretPlace(text, text.length)).toEqual({
      path: ["items", 1],
      key: { typed: "q", start: text.length - 2, end: text.length, hasColon: false },
      taken: [],
    });
  });

  it("offers no key twice, whether it stands before or after the caret", () => {
    const text = '{"id": 1, "", "kind": 2}';
    const caret = text.indexOf('""') + 1;

    expect(caretPlace(text, caret)).toMatchObject({ path: [], key: { typed: "" }, taken: ["id", "kind"] });
  });

  it("offers no keys where a value stands", () => {
    const text = '{"id": "or';

    expect(caretPlace(text, text.length).key).toBeNull();
  });
});

describe("colouring a line", () => {
  it("loses no character, whatever is typed", () => {
    for (const line of ['  "a": [1, true, "b\\"c"],', '{"open', "oops }", '"a":null', ""]) {
      expect(
        colour(line)
          .map((token) => token.text)
          .join(""),
      ).toBe(line);
    }
  });

  it("tells keys from strings", () => {
    expect(colour('"a": "b"').map((token) => token.kind)).toEqual(["ck", "cp", "", "cs"]);
  });
});
