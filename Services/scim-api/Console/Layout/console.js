// Progressive enhancement: everything except copying works without scripts.
"use strict";

// Shows times in the local time zone and format, with the ISO 8601 time as a tooltip.
const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function formatTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    time.textContent = timeFormat.format(date);
    time.title = time.dateTime;
  }
}

// The original content of copy buttons.
const labels = new WeakMap();

// <button data-copy="ID"> copies the value or text of the element with that id.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  // The label can contain markup for screen readers.
  if (!labels.has(button)) labels.set(button, [...button.childNodes]);
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
  setTimeout(() => { button.replaceChildren(...labels.get(button)); }, 2500);
});

// <form data-confirm="TEXT"> asks for confirmation; data-confirm-button="TEXT" is the label of the button.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    confirmSubmit(form, event.submitter);
    return;
  }
  // Prevents double submission.
  setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
});

function confirmSubmit(form, submitter) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "confirm-text";
  text.textContent = form.dataset.confirm;
  dialog.setAttribute("aria-labelledby", text.id);
  const actions = document.createElement("div");
  actions.className = "actions";
  const confirm = document.createElement("button");
  confirm.type = "button";
  confirm.textContent = form.dataset.confirmButton ?? submitter?.textContent ?? "Continue";
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "quiet";
  cancel.textContent = "Cancel";
  actions.append(confirm, cancel);
  dialog.append(text, actions);
  document.body.append(dialog);
  confirm.addEventListener("click", () => { form.dataset.confirmed = "yes"; dialog.close(); form.requestSubmit(submitter); });
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { dialog.remove(); if (!form.dataset.confirmed) submitter?.focus(); });
  dialog.showModal();
  cancel.focus();
}

// <… id="x" data-live="3"> reloads the element every 3 seconds while the page is visible, until the element has no data-live attribute.
function watch(element) {
  const seconds = Number(element.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    if (document.hidden) { watch(element); return; }
    let fresh = null;
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" } });
      if (response.ok && !response.redirected) {
        fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(element.id);
      }
    } catch { /* The next reload tries again. */ }
    if (!fresh || element.contains(document.activeElement)) { watch(element); return; }
    if (fresh.outerHTML !== element.dataset.previous) {
      const html = fresh.outerHTML;
      formatTimes(fresh);
      element.replaceWith(fresh);
      fresh.dataset.previous = html;
      watch(fresh);
    } else {
      watch(element);
    }
  }, seconds * 1000);
}

formatTimes(document);
for (const element of document.querySelectorAll("[data-live]")) watch(element);
