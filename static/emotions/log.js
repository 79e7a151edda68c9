// The log form: photos are collected here until the form is sent, so that an error never loses them.
// Without this script the form is an ordinary one.

(() => {
  "use strict";

  const form = document.getElementById("log-form");
  if (!form) return;

  form.classList.add("rp-form--scripted");

  const find = (name) => form.querySelector(`[data-${name}]`);
  const input = form.elements.photos;
  const list = find("thumbs");
  const template = find("thumb");
  const status = find("photos-status");
  const progress = find("progress");
  const submit = form.querySelector("[type=submit]");
  const maxPhotos = Number(form.dataset.maxPhotos);
  const maxBytes = Number(form.dataset.maxBytes);

  input.hasChangeListener = true; // keeps Unfold from adding its own, which expects a text field beside the input

  let chosen = []; // { file, item }, in the order in which they are sent

  const size = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);
  const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

  function show(element, messages) {
    element.replaceChildren(
      ...messages.map((message) => {
        const line = document.createElement(element.tagName === "P" ? "span" : "p");
        line.textContent = message;
        return line;
      }),
    );
    element.hidden = messages.length === 0;
  }

  function add(files) {
    show(find('error="photos"'), []);
    for (const file of files) {
      if (chosen.some((photo) => same(photo.file, file))) continue;
      if (chosen.length >= maxPhotos) {
        show(find('error="photos"'), [`At most ${maxPhotos} photos can be added at once. Log the others afterwards.`]);
        break;
      }
      addOne(file);
    }
    status.textContent = `${chosen.length} ${chosen.length === 1 ? "photo" : "photos"} chosen`;
  }

  function addOne(file) {
    const item = template.content.firstElementChild.cloneNode(true);
    const photo = { file, item };
    item.querySelector(".rp-thumb__name").textContent = file.name;
    item.querySelector(".rp-thumb__size").textContent = size(file.size);
    item.querySelector("button").setAttribute("aria-label", `Remove ${file.name}`);
    item.querySelector("button").addEventListener("click", () => remove(photo));
    preview(item, file);
    if (file.size > maxBytes) {
      photoError(photo, `The file is larger than ${size(maxBytes)}. Remove it, or choose a smaller copy.`);
    } else if (file.size === 0) {
      photoError(photo, "The file is empty. Remove it, or choose the photo again.");
    }
    chosen.push(photo);
    list.append(item);
  }

  // Formats that the browser cannot show keep the symbol.
  function preview(item, file) {
    const image = item.querySelector("img");
    image.addEventListener("load", () => {
      image.hidden = false;
      item.querySelector(".material-symbols-outlined").hidden = true;
    });
    image.src = URL.createObjectURL(file);
  }

  function remove(photo) {
    const next = photo.item.nextElementSibling ?? photo.item.previousElementSibling;
    URL.revokeObjectURL(photo.item.querySelector("img").src);
    photo.item.remove();
    chosen = chosen.filter((other) => other !== photo);
    show(find('error="photos"'), []);
    status.textContent = `Removed ${photo.file.name}`;
    (next?.querySelector("button") ?? input).focus();
  }

  function photoError(photo, message) {
    photo.item.classList.add("rp-thumb--refused");
    show(photo.item.querySelector(".rp-error"), [message]);
  }

  function clearErrors() {
    form.querySelectorAll("[data-error]").forEach((element) => show(element, []));
    form.querySelectorAll("[aria-invalid]").forEach((element) => element.removeAttribute("aria-invalid"));
    chosen.forEach(({ item }) => {
      item.classList.remove("rp-thumb--refused");
      show(item.querySelector(".rp-error"), []);
    });
  }

  function showErrors({ errors = {}, photos = [] }) {
    const general = ["Nothing was saved yet. Please correct what is marked below."];
    for (const [field, messages] of Object.entries(errors)) {
      const place = field === "__all__" ? null : form.querySelector(`[data-error="${CSS.escape(field)}"]`);
      if (place) {
        show(place, messages);
        form.elements[field]?.setAttribute("aria-invalid", "true");
      } else {
        general.push(...messages);
      }
    }
    photos.forEach(({ index, message }) => photoError(chosen[index], message));
    fail(...general);
  }

  function fail(...messages) {
    const place = find('error="__all__"');
    show(place, messages);
    place.focus();
    busy(false);
  }

  function busy(yes) {
    submit.disabled = yes;
    progress.hidden = !yes;
    form.setAttribute("aria-busy", String(yes));
  }

  function showProgress({ loaded, total }) {
    progress.querySelector("progress").value = total ? (100 * loaded) / total : 0;
    find("progress-label").textContent = loaded < total ? "Uploading…" : "Checking the photos…";
  }

  // The cookie's token outlives a new login in another tab; the one in the page does not.
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;

  function send() {
    const data = new FormData(form);
    data.delete("photos");
    data.delete("csrfmiddlewaretoken");
    chosen.forEach(({ file }) => data.append("photos", file, file.name));
    // fetch cannot tell how far an upload is.
    const request = new XMLHttpRequest();
    request.open("POST", form.action || location.href);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", showProgress);
    request.addEventListener("load", () => answered(request));
    request.addEventListener("error", () => fail("The server cannot be reached. Your photos are still here; try again."));
    request.send(data);
  }

  function answered(request) {
    let answer = null;
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // A page instead of data: see below.
    }
    if (answer?.location) {
      location.replace(answer.location);
    } else if (answer?.errors) {
      showErrors(answer);
    } else if (request.status === 200 || request.status === 403) {
      fail("You are no longer logged in. Log in again in another tab, then press the button again: your photos stay here.");
    } else if (request.status === 413) {
      fail("The photos are too large to be sent together. Remove some and log them afterwards.");
    } else {
      fail("The server could not save this. Your photos are still here; try again, or tell your administrator.");
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    const tooLarge = chosen.filter(({ file }) => file.size > maxBytes || file.size === 0);
    if (tooLarge.length) {
      fail("Some photos cannot be used. Remove those that are marked below.");
      return;
    }
    clearErrors();
    busy(true);
    send();
  });

  function take() {
    add(input.files);
    input.value = "";
  }

  input.addEventListener("change", take);
  if (input.files.length) take(); // chosen while this script was on its way
  document.addEventListener("rapport:photo", (event) => add([event.detail]));

  const drop = find("drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  // Anywhere else on the page, a dropped photo would replace the page and the form with it.
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.add("rp-drop--over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("rp-drop--over");
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("rp-drop--over");
    add(event.dataTransfer.files);
  });
})();
