// The indicators that are shown, as chips that can be taken off, and the menu of the registry that adds them.

export class Indicators {
  // `steps` is the registry: {name, title, units}; `onChange` is told the new list of names.
  constructor(root, steps, onChange) {
    this.root = root;
    this.steps = new Map(steps.map((step) => [step.name, step]));
    this.onChange = onChange;
    this.names = [];
    this.made = ""; // of what the chips were made
    this.bindMenu(root.querySelector(".chart-menu"));
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

  add(form) {
    const values = [...form.querySelectorAll("input")].map((input) => input.value.trim());
    const source = form.querySelector("select")?.value ?? "";
    const name = [form.dataset.step, ...values].join(":") + (source ? `@${source}` : "");
    this.close(form.closest(".chart-menu"));
    if (!this.names.includes(name)) this.onChange([...this.names, name]);
  }

  describe(name) {
    const [plain, source] = name.split("@");
    const [step, ...numbers] = plain.split(":");
    const label = [labelOf(step), ...numbers].join(" ") + (source ? ` of ${source.replaceAll("_", " ")}` : "");
    return { label, title: this.steps.get(step)?.title ?? step };
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

  chip(name, lines) {
    const { label, title } = this.describe(name);
    const item = document.createElement("li");
    item.className = "chip";
    item.title = lines.length ? `${title} (${lines[0].unit})` : title;
    for (const line of lines) item.append(swatch(line.colour));
    item.append(labelled(label));
    for (const line of lines) {
      const value = document.createElement("output");
      value.className = "num";
      value.dataset.output = line.output;
      value.textContent = "–";
      item.append(value);
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

function labelOf(step) {
  return step.length <= 4 ? step.toUpperCase() : step.replaceAll("_", " ");
}

function labelled(text) {
  const element = document.createElement("span");
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
