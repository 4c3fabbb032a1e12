import { RECORDINGS, ROOT } from './places.ts';
import type { Simulation } from './simulation.ts';

/** The card's folders that the boat uses. The kernel's files are not on the card. */
export const CARD_FOLDERS = [ROOT, RECORDINGS];

/**
 * Copies the card while the machine is off. Returns a function that writes the image to a new card. Returns undefined while the
 * boatlog is unreadable.
 */
export function takeCardImage(sim: Simulation): (() => void) | undefined {
  const { machine, sources, oracle, trace } = sim;
  const restoreSources = sources.takeImage();
  // An unreadable boatlog is an incident, and must end on the card on which it began.
  if (restoreSources === undefined) return undefined;
  const restores = [
    machine.databases.takeImage(),
    ...CARD_FOLDERS.map((folder) => machine.medium.takeImage(folder)),
    restoreSources,
    oracle.takeImage(),
  ];
  trace.add({ kind: 'card_imaged' });
  return () => {
    for (const restore of restores) restore();
    // The boatlog in the image is readable.
    for (const outage of sim.outages)
      if (outage.kind === 'unreadable') outage.untilMs = Math.min(outage.untilMs, sim.clock.now());
    trace.add({ kind: 'card_restored' });
    // The owner enters the latest device token and changes a setting.
    sources.setTier(sim.tier);
    const token = sim.tokens.at(-1);
    if (token !== undefined) sources.setToken(token);
    sources.change('settings');
  };
}
