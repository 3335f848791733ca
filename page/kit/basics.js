// What every part uses: elements, numbers, text of strangers.

const $ = (id) => document.getElementById(id);

// el makes an element. Text is only ever set as text.
function el(tag, attrs, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k === "class") e.className = v;
    else if (k === "text") e.textContent = visible(v);
    else e.setAttribute(k, v === true ? "" : v);
  }
  for (const c of children.flat()) if (c !== null && c !== undefined && c !== false) e.append(typeof c === "string" ? visible(c) : c);
  return e;
}

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attrs, ...children) {
  const e = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// visible shows controls and what turns the direction of writing as escapes, so
// that a text is what it looks like. Line breaks and tabs stay.
const unruly = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\udb40][\udc00-\udfff]/g;
function visible(s) {
  s = String(s);
  return s.replace(unruly, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}
const oneLine = (s) => visible(s).replace(/\n/g, "\\n").replace(/\t/g, "\\t");

const decimal = new Intl.NumberFormat("en");
const number = (n) => decimal.format(n);

// bytes as people compare images: 403 MB, 1.2 GB.
function bytes(n) {
  if (n < 0) return "−" + bytes(-n);
  if (n < 1e3) return n + " B";
  if (n < 999.5e3) return Math.round(n / 1e3) + " kB";
  if (n < 9.95e6) return (n / 1e6).toFixed(1) + " MB";
  if (n < 999.5e6) return Math.round(n / 1e6) + " MB";
  if (n < 9.95e9) return (n / 1e9).toFixed(1) + " GB";
  if (n < 999.5e9) return Math.round(n / 1e9) + " GB";
  return (n / 1e12).toFixed(1) + " TB";
}

const plural = (n, one, many) => number(n) + " " + (n === 1 ? one : many || one + "s");
const add = (map, key, n) => map.set(key, (map.get(key) || 0) + n);
const byCount = (map) => [...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));

// link makes a link of an address of the web, plain text of all else.
function link(address, text) {
  if (!/^https?:\/\//i.test(address || "")) return el("span", { text: text || address || "" });
  return el("a", { href: address, rel: "noopener noreferrer", target: "_blank", text: text || address });
}

// say tells a screen reader, and nobody else.
function say(text) { $("said").textContent = visible(text); }

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without permission, or in a page that isn't secure: the old way.
    const t = el("textarea", { class: "unseen", "aria-hidden": "true" });
    t.value = text;
    (document.querySelector("dialog[open]") || document.body).append(t); // a modal dialog lets nothing else take the focus
    t.select();
    const done = document.execCommand("copy");
    t.remove();
    return done;
  }
}

// copier is a button that copies what text() gives, and says whether it could. Its name
// is what it shows while it says so.
function copier(label, text, attrs) {
  const name = attrs && attrs["aria-label"];
  const b = el("button", { type: "button", class: "quiet", text: label, ...attrs, onclick: async () => {
    b.textContent = (await copy(text())) ? "Copied" : "Copying isn’t allowed here";
    b.removeAttribute("aria-label");
    say(b.textContent);
    setTimeout(() => {
      b.textContent = label;
      if (name) b.setAttribute("aria-label", name);
    }, 2000);
  } });
  return b;
}
