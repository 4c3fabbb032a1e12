import { type AllowedWords, toAllowed, toPublicText, toWords } from './allowed.ts';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { toBareText } from '../platform/text.ts';
import type { OnLeftOut } from './source-notes.ts';
import type { JsonScalar } from './source-table.ts';

/** Words allowed in a weather object's keys: those used by weather services and sensors. */
export const WEATHER_WORDS: AllowedWords = toWords(
  'air temp temperature feels like dew point min max avg c f k celsius fahrenheit humidity pressure baro barometer',
  'sea level water wave waves height period swell state tide current wind speed dir direction deg degrees gust gusts',
  'kn kt knots kmh mph ms hpa mb mbar in m ft nm visibility cloud clouds cover sky condition conditions description',
  'summary main code icon uv index rain snow precip precipitation probability chance percent pct h d forecast',
  'sunrise sunset moon phase time timestamp hour hourly daily units unit unknown is day source weather name value',
);

/**
 * Returns the weather as text, or as an object with the allowed keys if the text is JSON. Calls `onLeftOut` with every other key.
 */
export function toWeather(value: JsonScalar, onLeftOut: OnLeftOut): unknown {
  if (typeof value !== 'string') return value;
  const bare = toBareText(value);
  const parsed = /^\s*[{[]/.test(bare) ? parseForeignJson(bare) : undefined;
  return parsed?.kind === 'value'
    ? (toAllowed(parsed.value, WEATHER_WORDS, onLeftOut) ?? null)
    : toPublicText(value);
}
