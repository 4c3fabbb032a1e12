import '../ui/tokens.css';
import '../ui/components.css';
import './gallery.css';
import { type JSX, render } from 'preact';
import { Act, Banner, Download } from '../ui/controls.tsx';
import { Bars, Fix, Gauge, Parts, Port, Shore } from '../ui/graphics.tsx';
import { Icon, ICON_NAMES, MARK_NAMES, type Tone } from '../ui/icons.tsx';

const THEMES = ['day', 'night', 'watch'] as const;
const TONES: readonly Tone[] = ['ok', 'calm', 'now', 'warn', 'bad'];
const COLOURS = ['paper', 'surface', 'sea', 'land', 'ink', 'ink-2', 'line', 'act', 'now', 'bar'] as const;
const VALUES = [3, 0, 5, 9, 4, 0, 0, 7, 12, 8, 2, 6];

/** Shows every component of the pages in every theme, from the same code that the pages use. */
function Gallery(): JSX.Element {
  return (
    <>
      {THEMES.map((theme) => (
        <main key={theme} class="gallery" data-theme={theme}>
          <h1>{theme}</h1>
          <Colours />
          <Marks />
          <Controls />
          <Graphics />
          <Notices />
        </main>
      ))}
    </>
  );
}

function Colours(): JSX.Element {
  return (
    <section>
      <h2>Colours</h2>
      <div class="gallery__row">
        {COLOURS.map((name) => (
          <div key={name}>
            <div class="gallery__swatch" style={{ background: `var(--${name})` }} />
            <p class="note">{name}</p>
          </div>
        ))}
      </div>
    </section>
  );
}

function Marks(): JSX.Element {
  return (
    <section>
      <h2>Marks of states, in each tone</h2>
      {TONES.map((tone) => (
        <div class="gallery__row" data-tone={tone} key={tone}>
          {MARK_NAMES.map((name) => (
            <div class="gallery__mark" key={name}>
              <Icon name={name} />
              <span class="note">{name}</span>
            </div>
          ))}
        </div>
      ))}
      <h2>Icons of places and controls</h2>
      <div class="gallery__row">
        {ICON_NAMES.map((name) => (
          <div class="gallery__mark" key={name}>
            <Icon name={name} />
            <span class="note">{name}</span>
          </div>
        ))}
      </div>
    </section>
  );
}

const ignore = (): void => undefined;

function Controls(): JSX.Element {
  return (
    <section>
      <h2>Controls</h2>
      <div class="gallery__row">
        <Act look="main" icon="send" onPress={ignore}>
          Main control
        </Act>
        <Act look="main" icon="sending" doneShare={5 / 9} isWaiting onPress={ignore}>
          Uploading… 5 of 9
        </Act>
        <Act icon="look" onPress={ignore}>
          Further control
        </Act>
        <Act icon="retry" isWaiting onPress={ignore}>
          Waits
        </Act>
        <Act look="quiet" icon="retry" onPress={ignore}>
          Quiet
        </Act>
        <Act look="bad" icon="clear" onPress={ignore}>
          Cannot be undone
        </Act>
        <Download href="#">Download</Download>
        <label class="field">
          <span>Field</span>
          <input type="text" value="7KQ2M-4XB9C" />
        </label>
      </div>
    </section>
  );
}

function Graphics(): JSX.Element {
  return (
    <section>
      <h2>Graphics</h2>
      <div class="gallery__row">
        <div class="gallery__graphic">
          <Parts doneCount={5} partCount={9} label="5 of 9 parts" />
        </div>
        <div class="gallery__graphic">
          <Parts doneCount={40} partCount={90} label="40 of 90 parts" />
        </div>
        <div class="gallery__graphic">
          <Bars values={VALUES} label="Values of twelve days" />
        </div>
        <div class="gallery__graphic">
          <Gauge totalBytes={58e9} freeBytes={21e9} exportsBytes={1e9} reserveBytes={5e8} label="The card" />
        </div>
      </div>
      <section class="passage" aria-label="The passage">
        <div class="passage__boat">
          <p class="figure">199 kB</p>
        </div>
        <div class="way" data-line="solid" data-tone="ok">
          <Fix />
          <span class="way__line" />
          <Port isTicked />
        </div>
        <div class="passage__central">
          <Shore />
          <p class="figure">35,604</p>
        </div>
      </section>
    </section>
  );
}

function Notices(): JSX.Element {
  return (
    <section>
      <h2>Notices</h2>
      {TONES.map((tone) => (
        <Banner key={tone} tone={tone} icon="online" role="status" action={<Act onPress={ignore}>OK</Act>}>
          <b>A sentence that describes what happened</b>
          <span class="note">Details for the person who helps the owner</span>
        </Banner>
      ))}
    </section>
  );
}

const root = document.getElementById('gallery');
if (root === null) throw new Error('the gallery has no element with the ID "gallery"');
render(<Gallery />, root);
