// Shows the copy button (without script the text can still be selected) and copies what it names.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // where the page may not use the clipboard by itself
    }
    button.textContent = button.dataset.done;
  });
}
