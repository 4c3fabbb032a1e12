import { BROWSER_KEYS } from '../api/requests.ts';

/** Interval at which an open page checks for changed values. */
const BRIDGE_EVERY_MS = 10 * 60_000;

/**
 * The script that a kiosk page includes (`<script src="http://localhost:8094/export/bridge.js"></script>`). It posts changed
 * values of the known localStorage keys to the export manager that served it. It does this when the page opens, when another page
 * changes a value, when the page is shown or hidden, and at regular intervals. If the export manager does not answer, the page is
 * not affected.
 */
export const BRIDGE_SCRIPT = `(() => {
  'use strict';
  const keys = ${JSON.stringify(BROWSER_KEYS)};
  const address = new URL('/export/sources/browser', document.currentScript.src);
  const sent = new Map();
  const sendChanges = async () => {
    const documents = {};
    for (const key of keys) {
      const text = localStorage.getItem(key);
      if (text !== null && sent.get(key) !== text) documents[key] = text;
    }
    if (Object.keys(documents).length === 0) return;
    try {
      const response = await fetch(address, { method: 'POST', body: JSON.stringify(documents), headers: { 'Content-Type': 'application/json' } });
      if (response.ok) for (const key of Object.keys(documents)) sent.set(key, documents[key]);
    } catch {
      // The export manager does not answer. The next call tries again.
    }
  };
  sendChanges();
  addEventListener('storage', sendChanges);
  document.addEventListener('visibilitychange', sendChanges);
  setInterval(sendChanges, ${BRIDGE_EVERY_MS});
})();
`;
