// The log form: photos are collected here until the form is sent, so that an error never loses them.
// Without this script the form works as an ordinary form.

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
  const maxPhotos = Number(form.dataset.maxPhotos);
  const maxBytes = Number(form.dataset.maxBytes);

  // Firefox keeps controls disabled when a page is reloaded that was left while the form was being sent.
  [...form.elements].forEach((control) => (control.disabled = false));

  input.hasChangeListener = true; // Unfold then adds no listener of its own, which would expect a text field beside the input.

  let added = 0;
  let chosen = []; // { file, item }, in the order in which they are sent
  let paused = null; // the controls that wait while the form is sent

  const size = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);
  const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

  /** Each message is a text, or { text, place }: a link to the control that it is about. */
  function show(element, messages) {
    element.replaceChildren(
      ...messages.map((message) => {
        const line = document.createElement(element.tagName === "P" ? "span" : "p");
        line.append(message.place ? linkTo(message) : message);
        return line;
      }),
    );
    element.hidden = messages.length === 0;
  }

  function linkTo({ text, place }) {
    const link = document.createElement("a");
    link.href = `#${place.id}`;
    link.textContent = text;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      place.focus();
    });
    return link;
  }

  /** Add files to the list. Returns false while the form is being sent. */
  function add(files) {
    if (paused) {
      show(find('error="photos"'), ["The form is being sent, so no photo was added. Log more photos afterwards."]);
      return false;
    }
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
    return true;
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
    item.querySelector("button").id = `remove-photo-${(added += 1)}`;
    chosen.push(photo);
    list.append(item);
  }

  // The symbol stays for formats that the browser cannot show.
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

  function showErrors({ errors = {}, photos = [] }, sent) {
    const general = [];
    for (const [field, messages] of Object.entries(errors)) {
      const place = field === "__all__" ? null : form.querySelector(`[data-error="${CSS.escape(field)}"]`);
      if (place) {
        show(place, messages);
        form.elements[field]?.setAttribute("aria-invalid", "true");
        form.elements[field]?.setAttribute("aria-describedby", place.id);
      } else {
        general.push(...messages);
      }
    }
    photos.forEach(({ index, message }) => photoError(sent[index], message));
    fail("Nothing was saved yet. Please correct what is marked.", ...general);
  }

  /** Show at the top what is wrong, with links to the fields, and focus the first of these. */
  function fail(...messages) {
    const marked = [...form.querySelectorAll("[data-marks]")].filter((error) => !error.hidden);
    const places = marked.map((error) => ({ text: error.textContent, place: placeOf(error) }));
    const summary = find('error="__all__"');
    show(summary, [...messages, ...places]);
    (places[0]?.place ?? summary).focus();
  }

  const placeOf = (error) => error.closest(".rp-thumb")?.querySelector("button") ?? document.getElementById(error.dataset.marks);

  // Changes made after the data were read would be lost silently, so all controls are disabled. Read the data first,
  // because disabled controls are not sent.
  function pause() {
    paused = [...form.elements].filter((control) => !control.disabled);
    paused.forEach((control) => (control.disabled = true));
    showBusy(true);
  }

  function resume() {
    paused.forEach((control) => (control.disabled = false));
    paused = null;
    show(find('error="photos"'), []);
    showBusy(false);
  }

  function showBusy(yes) {
    progress.hidden = !yes;
    form.setAttribute("aria-busy", String(yes));
  }

  function showProgress({ loaded, total }) {
    progress.querySelector("progress").value = total ? (100 * loaded) / total : 0;
    find("progress-label").textContent = loaded < total ? "Uploading…" : "Checking the photos…";
  }

  // The token in the cookie stays valid after a new login in another tab. The token in the page does not.
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;

  function send() {
    const data = new FormData(form);
    data.delete("photos");
    data.delete("csrfmiddlewaretoken");
    const sent = [...chosen];
    sent.forEach(({ file }) => data.append("photos", file, file.name));
    pause();
    // XMLHttpRequest reports the progress of an upload, which fetch does not.
    const request = new XMLHttpRequest();
    request.open("POST", form.action || location.href);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", showProgress);
    request.addEventListener("load", () => handleAnswer(request, sent));
    request.addEventListener("error", () => {
      resume();
      fail("The server cannot be reached. Your photos are still here; try again.");
    });
    request.send(data);
  }

  function handleAnswer(request, sent) {
    let answer = null;
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // The server answered with a page instead of JSON, which is handled below.
    }
    if (answer?.location) {
      location.replace(answer.location);
      return;
    }
    resume();
    if (answer?.errors) {
      showErrors(answer, sent);
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
    if (paused) return;
    const tooLarge = chosen.filter(({ file }) => file.size > maxBytes || file.size === 0);
    if (tooLarge.length) {
      fail("Some photos cannot be used. Remove those that are marked.");
      return;
    }
    clearErrors();
    send();
  });

  function take() {
    add(input.files);
    input.value = "";
  }

  input.addEventListener("change", take);
  if (input.files.length) take(); // chosen before this script was loaded
  document.addEventListener("rapport:photo", (event) => {
    if (!add([event.detail])) event.preventDefault();
  });

  const drop = find("drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  // A photo dropped elsewhere on the page would replace the page, and the form would be lost.
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
