/** Paths and origins shared by all simulations. */
export const ROOT = '/opt/d3kos';
export const RECORDINGS = '/home/d3kos/camera-recordings';
export const CENTRAL = 'https://central.example';
export const TIER_API = 'http://localhost:8093';

/** The folder of the boatlog database. */
export const BOATLOG_FOLDER = `${ROOT}/data/boatlog`;
/** The databases in the sources' main folders, by category. */
export const SOURCE_DATABASES = {
  boatlog: `${BOATLOG_FOLDER}/boatlog.db`,
  marine_vision_captures: `${ROOT}/data/marine-vision/captures.db`,
  system_alerts: `${ROOT}/data/self-healing/issues.db`,
} as const;
