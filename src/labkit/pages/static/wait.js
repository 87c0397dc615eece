// Leads on from a page that waits: to `data-to` where there is one; otherwise the page is asked for again.
const wait = document.querySelector("[data-wait]");
if (wait) {
  const on = () => (wait.dataset.to ? location.assign(wait.dataset.to) : location.reload());
  setTimeout(on, 1000 * Number(wait.dataset.wait));
}
