/** Paths and origins shared by all simulations. */
export const ROOT = '/opt/d3kos';
export const RECORDINGS = '/home/d3kos/camera-recordings';
export const CENTRAL = 'https://central.example';
export const TIER_API = 'http://localhost:8093';
