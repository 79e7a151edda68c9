// Before Redoc: images of other hosts, such as its maker's logo, are not asked for. The page's policy refuses them anyway.

(() => {
  "use strict";

  const image = HTMLImageElement.prototype;
  const setAttribute = image.setAttribute;
  const source = Object.getOwnPropertyDescriptor(image, "src");

  function ours(value) {
    const address = new URL(value, location);
    return address.protocol === "data:" || address.origin === location.origin;
  }

  image.setAttribute = function (name, value) {
    if (name !== "src" || ours(value)) setAttribute.call(this, name, value);
  };
  Object.defineProperty(image, "src", {
    ...source,
    set(value) {
      if (ours(value)) source.set.call(this, value);
    },
  });
})();
