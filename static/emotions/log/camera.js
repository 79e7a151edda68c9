// Take photos with the webcam, and add each to the log form as a file.

(() => {
  "use strict";

  const panel = document.querySelector("[data-camera]");
  if (!panel) return;

  const opener = document.querySelector("[data-camera-open]");
  const video = panel.querySelector("[data-camera-picture]");
  const message = panel.querySelector("[data-camera-message]");
  const taker = panel.querySelector("[data-camera-take]");
  const closer = panel.querySelector("[data-camera-close]");
  const switcher = panel.querySelector("[data-camera-switch]");

  let stream = null;
  let taken = 0;
  let facing = "environment"; // The customer is in front of the person who holds the phone.

  const problems = {
    NotAllowedError: "The browser may not use the camera. Allow it in the browser's address bar, then try again.",
    NotFoundError: "No camera was found. Connect one, or choose photos instead.",
    NotReadableError: "Another program uses the camera. Close it, then try again.",
  };

  async function open() {
    panel.hidden = false;
    opener.hidden = true;
    video.hidden = taker.disabled = true;
    message.textContent = "Starting the camera…";
    switcher.hidden = true;
    let own = null;
    try {
      own = await start();
      stop(); // The panel may have been closed and opened again while the browser asked; then two cameras start.
      stream = own;
      if (panel.hidden) {
        stop(); // The panel was closed while the browser asked.
        return;
      }
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      if (stream !== own) return; // The panel was closed meanwhile, or opened again.
      stop();
      message.textContent = problems[error.name] ?? `The camera could not be started. ${error.message}`;
      closer.focus();
      return;
    }
    video.hidden = taker.disabled = false;
    message.textContent = "";
    taker.focus();
    const devices = await navigator.mediaDevices.enumerateDevices();
    switcher.hidden = devices.filter(({ kind }) => kind === "videoinput").length < 2;
  }

  function switchCamera() {
    facing = facing === "environment" ? "user" : "environment";
    stop(); // Phones can use one camera at a time.
    open();
  }

  function start() {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers allow cameras on secure (https) pages only.");
    }
    return navigator.mediaDevices.getUserMedia({
      video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
  }

  function take() {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(
      (blob) => {
        const file = new File([blob], `camera-${taken + 1}.jpg`, { type: "image/jpeg" });
        const event = new CustomEvent("rapport:photo", { detail: file, cancelable: true });
        if (!document.dispatchEvent(event)) {
          message.textContent = "The photo was not added, because the form is being sent.";
          return;
        }
        taken += 1;
        message.textContent = `Photo ${taken} taken. Take another one, or close the camera.`;
      },
      "image/jpeg",
      0.92,
    );
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
  }

  function close() {
    stop();
    panel.hidden = true;
    opener.hidden = false;
    opener.focus();
  }

  opener.addEventListener("click", open);
  taker.addEventListener("click", take);
  switcher.addEventListener("click", switchCamera);
  closer.addEventListener("click", close);
  window.addEventListener("pagehide", stop);
})();
