import assert from "node:assert/strict";
import test from "node:test";

import { carryOver, modelFor, namesShown } from "../../connectors/static/connectors/declared_fields.js";

const input = (values) => ({
  type: "text", name: "field-a", value: "", defaultValue: "", ...values,
});
const box = (values) => ({ type: "checkbox", checked: true, defaultChecked: true, ...values });
const select = (value, values) => ({
  type: "select-one",
  value,
  options: values.map((each) => ({ value: each, defaultSelected: each === values[0] })),
  selectedIndex: values.indexOf(value),
});

test("only the declared fields on the form are named, each once", () => {
  const controls = [
    { name: "field-a" },
    { name: "field-a" },
    { name: "field-b", disabled: true },
    { name: "name" },
    { name: "fields_shown" },
    {},
    { name: "field-c" },
  ];
  assert.equal(namesShown(controls), "a c");
  assert.equal(namesShown([]), "");
});

test("what was typed stays, what stood there by itself does not", () => {
  const next = input({ value: "new default", defaultValue: "new default" });
  carryOver(input({ value: "old", defaultValue: "old" }), next);
  assert.equal(next.value, "new default");
  carryOver(input({ value: "typed", defaultValue: "old" }), next);
  assert.equal(next.value, "typed");
  carryOver(undefined, next);
  assert.equal(next.value, "typed");
});

test("the address stays in any case", () => {
  const next = input({ name: "base_url", value: "https://stored.example" });
  carryOver(input({ name: "base_url", value: "https://typed.example" }), next);
  assert.equal(next.value, "https://typed.example");
  carryOver(input({ name: "base_url", value: "" }), next);
  assert.equal(next.value, "");
});

test("boxes and choices stay where somebody touched them and the choice is there", () => {
  const next = box();
  carryOver(box(), next);
  assert.equal(next.checked, true);
  carryOver(box({ checked: false }), next);
  assert.equal(next.checked, false);
  const choice = select("eu", ["eu", "us"]);
  carryOver(select("us", ["eu", "us"]), choice);
  assert.equal(choice.value, "us");
  carryOver(select("mars", ["eu", "mars"]), choice);
  assert.equal(choice.value, "us");
  const other = input();
  carryOver(box({ checked: false }), other);
  assert.equal(other.value, "");
});

test("the next provider's model is offered unless another one was typed", () => {
  assert.equal(modelFor("old", "old", "new"), "new");
  assert.equal(modelFor("", "old", "new"), "new");
  assert.equal(modelFor("typed", "old", "new"), "typed");
});
