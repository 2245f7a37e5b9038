// The indicators that are shown, as chips that can be taken off, and the menu of the registry that adds them.

import { titleOf } from "./chart-lines.js";

export class Indicators {
  // `steps` is the registry: {name, title, units}; `onChange` is told the new list of names, `refusalOf` says why one
  // cannot be, or nothing.
  constructor(root, steps, { onChange, refusalOf }) {
    this.root = root;
    this.steps = new Map(steps.map((step) => [step.name, step]));
    this.onChange = onChange;
    this.refusalOf = refusalOf;
    this.menu = root.querySelector(".chart-menu");
    this.edited = null; // the indicator that the menu's form is to change
    this.names = [];
    this.made = ""; // of what the chips were made
    this.bindMenu(this.menu);
    this.bindSearch(root.querySelector("[data-search]"));
    for (const form of root.querySelectorAll("form[data-step]")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.add(form);
      });
    }
  }

  // As menus do: Escape closes it, and so does a click elsewhere.
  bindMenu(menu) {
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) this.close(menu);
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("toggle", () => {
      if (!menu.open) this.edit(null);
    });
  }

  // Typing leaves the indicators that say all of the words; without one, they are all there.
  bindSearch(input) {
    const forms = [...input.closest(".menu-sheet").querySelectorAll("form[data-step]")];
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const form of forms) form.hidden = !words.every((word) => form.dataset.words.includes(word));
      for (const group of input.closest(".menu-sheet").querySelectorAll("section")) {
        group.hidden = !group.querySelector("form:not([hidden])");
      }
      input.closest(".menu-sheet").querySelector("[data-none]").hidden = forms.some((form) => !form.hidden);
    });
  }

  close(menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }

  // Adds what a form says, or changes the indicator that it was opened for; what the server refuses is said in the form.
  async add(form) {
    const values = [...form.querySelectorAll("input")].map((input) => input.value.trim());
    const source = form.querySelector("select")?.value ?? "";
    const name = [form.dataset.step, ...values].join(":") + (source ? `@${source}` : "");
    const edited = form.classList.contains("is-edited") ? this.edited : null;
    const button = form.querySelector("button");
    button.disabled = true;
    const others = this.names.filter((one) => one !== edited);
    const why = others.includes(name) ? "" : await this.refusalOf(name, others);
    button.disabled = false;
    this.complain(form, why);
    if (why) return;
    const at = this.names.indexOf(edited);
    const names = at < 0 ? [...this.names, name] : this.names.with(at, name);
    this.close(this.menu);
    this.onChange([...new Set(names)]);
  }

  complain(form, why) {
    form.querySelector(".form-problem")?.remove();
    if (!why) return;
    const problem = document.createElement("p");
    problem.className = "form-problem";
    problem.setAttribute("role", "alert");
    problem.textContent = why;
    form.append(problem);
    problem.scrollIntoView({ block: "nearest" });
  }

  // Opens the menu at the form of an indicator that is shown, with its parameters; of null, all forms add again.
  edit(name) {
    this.edited = name;
    for (const form of this.root.querySelectorAll("form[data-step]")) {
      this.complain(form, "");
      form.classList.remove("is-edited");
      form.querySelector("[data-verb]").textContent = "Add";
    }
    if (name === null) return;
    const [plain, source = ""] = name.split("@");
    const [step, ...values] = plain.split(":");
    const form = this.root.querySelector(`form[data-step="${CSS.escape(step)}"]`);
    if (!form) return;
    form.querySelectorAll("input").forEach((input, index) => {
      input.value = values[index] ?? input.defaultValue;
    });
    const select = form.querySelector("select");
    if (select) select.value = [...select.options].some((one) => one.value === source) ? source : "";
    form.querySelector("[data-verb]").textContent = "Change";
    this.clearSearch();
    this.menu.open = true;
    form.classList.add("is-edited");
    form.scrollIntoView({ block: "center" });
    (form.querySelector("input") ?? form.querySelector("button")).focus();
  }

  clearSearch() {
    const search = this.root.querySelector("[data-search]");
    search.value = "";
    search.dispatchEvent(new Event("input"));
  }

  describe(name) {
    const step = name.split(/[:@]/)[0];
    return { label: titleOf(name), title: this.steps.get(step)?.title ?? step };
  }

  // Chips with the colour of their line and a cell for its value.
  show(names, lines) {
    this.names = names;
    const made = JSON.stringify([names, lines.map(({ output, colour }) => [output, colour])]);
    if (made === this.made) return;
    this.made = made;
    const list = this.root.querySelector("[data-legend=values]");
    const held = document.activeElement?.dataset?.remove;
    list.replaceChildren(...names.map((name) => this.chip(name, lines.filter((line) => line.name === name))));
    if (held) (list.querySelector(`[data-remove="${held}"]`) ?? this.root.querySelector("summary")).focus();
  }

  // The name of a chip, which opens its parameters where the menu has a form for it.
  handle(name, label) {
    const step = name.split(/[:@]/)[0];
    if (!this.root.querySelector(`form[data-step="${CSS.escape(step)}"]`)) return labelled(label);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip-name";
    button.title = "Change its parameters";
    button.append(labelled(label));
    button.addEventListener("click", (event) => {
      event.stopPropagation(); // a click outside the menu closes it
      this.edit(name);
    });
    return button;
  }

  chip(name, lines) {
    const { label, title } = this.describe(name);
    const item = document.createElement("li");
    item.className = "chip";
    item.title = title;
    item.append(this.handle(name, label));
    for (const line of lines) {
      const part = document.createElement("b");
      part.className = "chip-part";
      part.append(swatch(line.colour));
      if (line.label) part.append(labelled(line.label, "muted"));
      const value = document.createElement("output");
      value.title = `${line.output.replaceAll("_", " ")}, ${line.unit}`;
      value.className = "num";
      value.dataset.output = line.output;
      value.textContent = "–";
      part.append(value);
      item.append(part);
    }
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "chip-remove";
    remove.dataset.remove = name;
    remove.setAttribute("aria-label", `Remove ${label}`);
    remove.textContent = "×";
    remove.addEventListener("click", () => this.onChange(this.names.filter((one) => one !== name)));
    item.append(remove);
    return item;
  }
}

function labelled(text, name = "") {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

// Drawn rather than styled: the page's policy allows no inline style.
function swatch(colour) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("class", "swatch");
  drawing.setAttribute("viewBox", "0 0 10 10");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "rect");
  for (const [name, value] of Object.entries({ width: 10, height: 3, y: 3.5, rx: 1.5, fill: colour })) line.setAttribute(name, value);
  drawing.append(line);
  return drawing;
}
