import type { JSX } from 'preact';
import { Download } from '../ui/controls.tsx';
import { type BoatDetails, toExportPath } from './api.ts';
import { isAdmin } from './state.ts';
import type { View } from './view.ts';

interface Part {
  readonly details: BoatDetails;
  readonly view: View;
}

const FORMATS = ['csv', 'ndjson', 'parquet'] as const;

/** Ways to copy everything that central holds about a boat: a download for an admin, and the command. */
export function DataCopy({ details, view }: Part): JSX.Element {
  const { state, texts } = view;
  const { say } = texts;
  const id = details.boat.installation_id;
  const { session } = state;
  // A download is authorized by the session cookie, whereas the operator token exists only in this page's memory.
  const mayDownload = isAdmin(state) && session.kind === 'open' && session.token === undefined;
  return (
    <section class="panel">
      <h2>{say('copy.title')}</h2>
      {mayDownload && (
        <>
          <p>{say('copy.says')}</p>
          <div class="filters downloads">
            {FORMATS.map((format) => (
              <Download key={format} href={toExportPath(id, format)}>
                {say(`copy.${format}`)}
              </Download>
            ))}
          </div>
        </>
      )}
      <p class="note">{say('copy.server')}</p>
      <code class="cli" dir="ltr">
        npx d3kos-central export {id} DIRECTORY
      </code>
    </section>
  );
}

/** The steps that bring a boat's settings back to a new card. */
export function Restore({ details, view }: Part): JSX.Element {
  const { say } = view.texts;
  const holdsSettings = details.holdings.some(
    ({ category, records }) => records > 0 && (category === 'settings' || category === 'onboarding'),
  );
  return (
    <section class="panel">
      <h2>{say('restore.title')}</h2>
      <p>{say('restore.says')}</p>
      <p class="note">{say(holdsSettings ? 'restore.held' : 'restore.none')}</p>
      <ol class="steps">
        <li>
          <p>{say('restore.enrol')}</p>
          <code class="cli" dir="ltr">
            sudo d3kos-export enroll CODE --replace-id
          </code>
        </li>
        <li>
          <p>{say('restore.look')}</p>
          <code class="cli" dir="ltr">
            sudo -u d3kos d3kos-export restore
          </code>
        </li>
        <li>
          <p>{say('restore.write')}</p>
          <code class="cli" dir="ltr">
            sudo -u d3kos d3kos-export restore --write
          </code>
        </li>
      </ol>
    </section>
  );
}
