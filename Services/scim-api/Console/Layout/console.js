// What pages do beyond their markup. Each works without it, but for copying.
"use strict";

// Times in the viewer's zone and manner; the moment itself as a tip.
const inWords = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    time.textContent = inWords.format(date);
    time.title = time.dateTime;
  }
}

const said = new WeakMap();

// <button data-copy="ID">: copies the text of the element with that id, or its value.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  // What it says can be markup: a part for those who hear it.
  if (!said.has(button)) said.set(button, [...button.childNodes]);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.replaceChildren(...said.get(button)); }, 2500);
});

// <form data-confirm="Words">: asked before it is sent; <form data-confirm-button="Words"> names what is done.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    ask(form, event.submitter);
    return;
  }
  // One press, one request.
  setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
});

function ask(form, submitter) {
  const dialog = document.createElement("dialog");
  const words = document.createElement("p");
  words.id = "asked";
  words.textContent = form.dataset.confirm;
  dialog.setAttribute("aria-labelledby", words.id);
  const actions = document.createElement("div");
  actions.className = "actions";
  const yes = document.createElement("button");
  yes.type = "button";
  yes.textContent = form.dataset.confirmButton ?? submitter?.textContent ?? "Go on";
  const no = document.createElement("button");
  no.type = "button";
  no.className = "quiet";
  no.textContent = "Cancel";
  actions.append(yes, no);
  dialog.append(words, actions);
  document.body.append(dialog);
  yes.addEventListener("click", () => { form.dataset.confirmed = "yes"; dialog.close(); form.requestSubmit(submitter); });
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { dialog.remove(); if (!form.dataset.confirmed) submitter?.focus(); });
  dialog.showModal();
  no.focus();
}

// <… id="x" data-live="3">: taken anew from the page every so many seconds, while it is looked at, until it says data-live no more.
function watch(element) {
  const seconds = Number(element.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    if (document.hidden) { watch(element); return; }
    let fresh = null;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
      }
    } catch { /* Away for a moment: the next turn tries again. */ }
    if (!fresh || element.contains(document.activeElement)) { watch(element); return; }
    if (fresh.outerHTML !== element.dataset.was) {
      const was = fresh.outerHTML;
      tellTimes(fresh);
      element.replaceWith(fresh);
      fresh.dataset.was = was;
      watch(fresh);
    } else {
      watch(element);
    }
  }, seconds * 1000);
}

tellTimes(document);
for (const element of document.querySelectorAll("[data-live]")) watch(element);
