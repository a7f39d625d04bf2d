// What the reference's page does in a browser: the search, the contents and the colour scheme. The
// page can be read without it. Its types are taken out, and it is written into the page.

interface Entry {
  readonly id: string;
  readonly name: string;
  /** The message, or else the section, that it is in. */
  readonly place: string;
  /** All that a search looks through. */
  readonly text: string;
}

const shown = 20;

function find<Type extends Element>(selector: string, type: new () => Type): Type {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) {
    throw new Error(`The page has no ${selector}.`);
  }
  return element;
}

/** Texts are compared without their case, and names without the marks between their words. */
function plain(text: string): string {
  return text.toLowerCase().replaceAll("_", " ").replaceAll(/\s+/g, " ").trim();
}

function readEntries(): readonly Entry[] {
  return [...document.querySelectorAll("main [id]")].map((element) => {
    const name = (element.querySelector("code") ?? element).textContent;
    const [message, field] = element.id.split(".");
    const section = element.closest("section")?.querySelector("h2")?.textContent;
    const place = (field === undefined ? section : message) ?? "";
    const text = plain(`${name} ${told(element)}`);
    return { id: element.id, name, place: place === name ? "" : place, text };
  });
}

/** What is said of it: all of an entry, and the paragraphs below the heading of a section. */
function told(element: Element): string {
  const paragraphs = element.parentElement?.querySelectorAll(":scope > p") ?? [];
  return element.matches("h2")
    ? [...paragraphs].map(({ textContent }) => textContent).join(" ")
    : element.textContent;
}

/** Those that have each word, the ones whose name is meant first. */
function search(entries: readonly Entry[], query: string): readonly Entry[] {
  const words = query.split(" ");
  const rank = ({ name }: Entry) => {
    const at = plain(name).indexOf(query);
    return plain(name) === query ? 0 : at === 0 ? 1 : at > 0 ? 2 : 3;
  };
  return entries
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .sort((a, b) => rank(a) - rank(b));
}

function startSearch(): void {
  const area = find("search", HTMLElement);
  const input = find("search input", HTMLInputElement);
  const results = find(".results", HTMLElement);
  const status = find(".results p", HTMLElement);
  const list = find(".results ol", HTMLElement);
  const entries = readEntries();

  const links = () => [...list.querySelectorAll("a")];
  const close = () => {
    results.hidden = true;
  };

  function update(): void {
    const query = plain(input.value);
    const found = query === "" ? [] : search(entries, query);
    const firstOnly = found.length > shown ? `, the first ${shown} of them here` : "";
    status.textContent = found.length === 0 ? "Nothing found" : `${found.length} found${firstOnly}`;
    list.replaceChildren(...found.slice(0, shown).map(toItem));
    results.hidden = query === "";
  }

  function toItem({ id, name, place }: Entry): Element {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const code = document.createElement("code");
    const where = document.createElement("span");
    link.href = `#${id}`;
    code.textContent = name;
    where.textContent = ` ${place}`;
    link.append(code, where);
    item.append(link);
    return item;
  }

  /** Moves the focus from the input down the links, and back. */
  function move(step: number): void {
    const stops = [input, ...links()];
    const current = stops.findIndex((stop) => stop.matches(":focus"));
    stops[Math.min(Math.max(current + step, 0), stops.length - 1)]?.focus();
  }

  input.addEventListener("input", update);
  input.addEventListener("focus", update);
  list.addEventListener("click", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.focus();
      close();
    } else if (event.key === "Enter" && event.target === input) {
      links()[0]?.click();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  area.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !area.contains(relatedTarget)) {
      close();
    }
  });
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && !area.contains(target)) {
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== input) {
      event.preventDefault();
      input.focus();
    }
  });
  area.hidden = false;
}

/** Marks the section that is read in the contents, which close once a link of theirs is followed. */
function startContents(): void {
  const contents = find("#contents", HTMLElement);
  contents.addEventListener("click", ({ target }) => {
    if (target instanceof HTMLAnchorElement && contents.matches(":popover-open")) {
      contents.hidePopover();
    }
  });
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash, link]));
  const observer = new IntersectionObserver(
    (changes) => {
      const entered = changes.findLast(({ isIntersecting }) => isIntersecting)?.target;
      const link = links.get(`#${entered?.getAttribute("aria-labelledby")}`);
      if (link !== undefined) {
        contents.querySelector("[aria-current]")?.removeAttribute("aria-current");
        link.setAttribute("aria-current", "true");
        link.scrollIntoView({ block: "nearest" });
      }
    },
    // A section is read while it crosses the line at a fifth of the window's height.
    { rootMargin: "-20% 0px -80% 0px" },
  );
  for (const section of document.querySelectorAll("section")) {
    observer.observe(section);
  }
}

/** Lets the reader have the other colour scheme than the system's, also next time. */
function startScheme(): void {
  const key = "reference-scheme";
  const button = find("#scheme", HTMLButtonElement);
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () =>
    (localStorage.getItem(key) ?? (systemIsDark.matches ? "dark" : "")) === "dark";

  function update(): void {
    const chosen = localStorage.getItem(key);
    if (chosen !== null) {
      document.documentElement.dataset.scheme = chosen;
    }
    button.textContent = isDark() ? "Light" : "Dark";
  }

  button.addEventListener("click", () => {
    localStorage.setItem(key, isDark() ? "light" : "dark");
    update();
  });
  systemIsDark.addEventListener("change", update);
  update();
  button.hidden = false;
}

startScheme();
startSearch();
startContents();
