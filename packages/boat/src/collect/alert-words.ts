import { type AllowedWords, toWords } from './allowed.ts';

/** Words allowed in keys of metrics and of a webhook line's alert. */
export const METRIC_WORDS: AllowedWords = toWords(
  'cpu gpu memory mem swap disk temperature temp voltage volts battery current load average avg usage used free total',
  'available percent pct count value values threshold limit min max mean rate uptime latency delay ms s seconds minutes',
  'hours mb gb kb bytes service name status state code restart restarts failed failures errors exit process processes',
  'engine rpm oil pressure coolant fuel level boost trim psi kpa c f v a knots depth speed wind unit units type severity',
  'category message description timestamp time ts since duration id alert alarm sensor zone active acknowledged cleared',
  'frequency throttled network signal strength packets lost gps satellites fix',
);
