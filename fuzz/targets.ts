import type { Target } from './target.ts';
import { bundle } from './targets/bundle.ts';
import { databases } from './targets/databases.ts';
import { contentCoding, exportFile, importBody } from './targets/documents.ts';
import { answers, headers, requests, settings } from './targets/exchange.ts';
import { exactJson, lenientJson } from './targets/json.ts';
import { enrolmentAnswers, notificationAnswers, pageCursors, restoredSettings } from './targets/peers.ts';
import { browserData, legacyQueue, textSources } from './targets/sources.ts';
import { redaction, text, timestamps } from './targets/text.ts';

/** Every parser of external bytes. */
export const TARGETS: readonly Target[] = [
  exactJson,
  lenientJson,
  text,
  redaction,
  timestamps,
  textSources,
  browserData,
  legacyQueue,
  exportFile,
  importBody,
  contentCoding,
  bundle,
  answers,
  headers,
  requests,
  settings,
  enrolmentAnswers,
  notificationAnswers,
  restoredSettings,
  pageCursors,
  databases,
];
