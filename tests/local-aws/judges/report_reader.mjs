// Reads reports as people do: in Chromium, on a desk and on a phone, light and dark, and on paper.
// Arguments: pages, and --screenshots DIR. Prints what it saw of each view, as JSON; --picture FILE is the first
// screen of the first page, and nothing else.

import { join, parse } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const files = process.argv.slice(2);
const option = files.indexOf("--screenshots");
const [, screenshots] = option < 0 ? [] : files.splice(option, 2);

const wanted = files.indexOf("--picture");
const [, picture] = wanted < 0 ? [] : files.splice(wanted, 2);

/** What a page looks like, measured in the page. */
function look() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // WCAG 2.2, "contrast ratio".
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const behind = (element) => {
    if (element.closest("svg")) return getComputedStyle(element.closest("g").querySelector(".box")).fill;
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    throw new Error("nothing is behind the text");
  };
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true });
  let lowest = { ratio: 21 };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const [text, element] = [texts.currentNode.data.trim(), texts.currentNode.parentElement];
    if (!text || !isSeen(element)) continue;
    const style = getComputedStyle(element);
    const color = element.closest("svg") ? style.fill : style.color;
    const found = ratio(luminance(color), luminance(behind(element)));
    if (found < lowest.ratio) lowest = { ratio: found, text, color, behind: behind(element) };
  }
  const width = document.documentElement.clientWidth;
  const box = (element) => element.getBoundingClientRect();
  const all = [...document.body.querySelectorAll("*")].filter(isSeen);
  const beyond = all.filter((element) => box(element).width > 0 && (box(element).right > width + 1 || box(element).left < -1));
  const outside = all.filter((element) => {
    if (element.tagName !== "text") return false;
    const [text, frame] = [box(element), box(element.closest("g").querySelector(".box"))];
    return text.left < frame.left || text.right > frame.right || text.top < frame.top || text.bottom > frame.bottom;
  });
  const smallest = Math.min(...all.filter((element) => element.tagName === "text").map((element) => box(element).height));
  return {
    lowest,
    smallest,
    scrolls: document.documentElement.scrollWidth > width,
    beyond: beyond.map((element) => element.outerHTML.slice(0, 200)),
    outside: outside.map((element) => element.textContent),
    active: [...document.querySelectorAll("script, img, iframe, object, embed, form, link, a:not([href^='#']), [onerror], [onload], [style]")].map((element) => element.outerHTML.slice(0, 200)),
    pictures: all.filter((element) => element.matches("svg.picture")).length,
    broken: [...document.querySelectorAll("a[href^='#']")].map((link) => link.hash).filter((hash) => !document.querySelector(hash)),
    text: document.body.innerText,
    background: getComputedStyle(document.body).backgroundColor,
  };
}

async function read(browser, file, width, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const [messages, requests] = [[], []];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("dialog", (dialog) => (messages.push(dialog.message()), dialog.dismiss()));
  page.on("request", (request) => requests.push(request.url()));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  if (screenshots) {
    await page.screenshot({ fullPage: true, path: join(screenshots, `${parse(file).name}-${width}-${colorScheme}.png`) });
  }
  const seen = await page.evaluate(look);
  const tree = await page.locator("body").ariaSnapshot();

  // A check that passed is folded; a key opens it, and a click closes it again.
  const folded = page.locator(".checks details:not([open])").first();
  const passed = await folded.elementHandle();
  const [summary, body] = [await passed.$("summary"), await passed.$("dl")];
  const unfolds = [await body.isVisible()];
  await summary.focus();
  await page.keyboard.press("Enter");
  unfolds.push(await body.isVisible());
  await summary.click();
  unfolds.push(await body.isVisible());
  await page.emulateMedia({ media: "print" });
  const paper = await page.evaluate(() => ({
    hidden: [...document.querySelectorAll("details dl, details pre")].filter((element) => !element.checkVisibility()).length,
    background: getComputedStyle(document.body).backgroundColor,
    color: getComputedStyle(document.body).color,
  }));
  if (screenshots) await page.pdf({ path: join(screenshots, `${parse(file).name}.pdf`) });
  await context.close();
  return { file, width, colorScheme, ...seen, tree, unfolds, paper, messages, requests: requests.filter((one) => one !== url) };
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  if (picture) {
    const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
    await page.goto(pathToFileURL(files.pop()).href);
    await page.screenshot({ path: picture });
  }
  const views = [];
  for (const file of files) {
    for (const width of [1280, 360]) {
      for (const colorScheme of ["light", "dark"]) views.push(await read(browser, file, width, colorScheme));
    }
  }
  console.log(JSON.stringify(views));
} finally {
  await browser.close();
}
