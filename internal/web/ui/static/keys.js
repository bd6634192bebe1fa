// Ctrl or Cmd with a key goes to the field that names the key in data-key.
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
