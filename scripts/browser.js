// A run with its page, and a browser that looks at it: what `pictures` and `keyboard` share. Needs Chromium ($CHROMIUM, else
// `chromium`) and, in a folder that NODE_PATH names, `npm install puppeteer-core axe-core`.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const puppeteer = require('puppeteer-core');

const root = path.dirname(__dirname);

exports.wait = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Lets `use` have a run of the fixture with `options`, and a browser; clears both away. On a terminal of its own (`script` of
 * util-linux): there the page stays after the run until it is closed.
 */
exports.withRun = async (binary, options, use) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pictures-'));
  const job = path.join(folder, 'import.job');
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const words = [binary, 'run', path.join(root, 'fixtures/company-chat.jsonl'), '--rehearse', '--ui', '127.0.0.1:0', '--job', job, ...options];
  const run = spawn('script', ['-qfec', words.map((word) => `'${word}'`).join(' '), '/dev/null'], { cwd: folder });
  const ended = new Promise((done) => run.on('close', done));
  try {
    const address = await new Promise((done, fail) => {
      let told = '';
      run.stdout.on('data', (some) => {
        told += some;
        const found = told.match(/http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]+\//);
        if (found) done(found[0]);
      });
      ended.then(() => fail(new Error(`no page: ${told}`)));
    });
    await use({ browser, address, ended, folder, job });
  } finally {
    await browser.close();
    run.kill();
    fs.rmSync(folder, { recursive: true });
  }
};

/** A new tab; `alien` hears of each address that is not this machine's. */
exports.tab = async (browser, alien) => {
  const page = await browser.newPage();
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1:|file:|data:)/.test(request.url())) alien(request.url());
  });
  return page;
};

/** Runs `main`, which gives how many faults it found: 1 if any, 2 where it failed itself. */
exports.end = (main) => main().then((faults) => process.exit(faults ? 1 : 0)).catch((error) => {
  console.error(error.message);
  process.exit(2);
});
