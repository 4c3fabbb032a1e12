import { BROWSER_KEYS } from '../api/requests.ts';

/** How often a page that stays open looks whether it has something new to hand over. */
const BRIDGE_EVERY_MS = 10 * 60_000;

/**
 * The script a kiosk page includes (`<script src="http://localhost:8094/export/bridge.js"></script>`): it hands over the
 * known localStorage keys to the address it came from, when the page opens, when it is hidden, and now and then; only
 * what changed. A boat whose export manager is away costs the page nothing.
 */
export const BRIDGE_SCRIPT = `(() => {
  'use strict';
  const keys = ${JSON.stringify(BROWSER_KEYS)};
  const address = new URL('/export/sources/browser', document.currentScript.src);
  const handedOver = new Map();
  const handOver = async () => {
    const documents = {};
    for (const key of keys) {
      const text = localStorage.getItem(key);
      if (text !== null && handedOver.get(key) !== text) documents[key] = text;
    }
    if (Object.keys(documents).length === 0) return;
    try {
      const response = await fetch(address, { method: 'POST', body: JSON.stringify(documents), headers: { 'Content-Type': 'application/json' } });
      if (response.ok) for (const key of Object.keys(documents)) handedOver.set(key, documents[key]);
    } catch {
      // The export manager is away; the next look tries again.
    }
  };
  handOver();
  addEventListener('storage', handOver);
  document.addEventListener('visibilitychange', handOver);
  setInterval(handOver, ${BRIDGE_EVERY_MS});
})();
`;
